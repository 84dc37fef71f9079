package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"redoubt/internal/policy"
)

const (
	syntaxErrors  = "Syntax errors in policy."
	legacyParsing = "The policy failed legacy parsing"
	noVendor      = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	iamPath       = `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`
)

// statement puts one statement into a document of the current version.
func statement(elements string) string {
	return `{"Version":"2012-10-17","Statement":{` + elements + `}}`
}

// on is a statement about a resource, written as JSON.
func on(resource string) string {
	return statement(`"Effect":"Allow","Action":"s3:ListBucket","Resource":` + resource)
}

// doing is a statement about an action, written as JSON.
func doing(action string) string {
	return statement(`"Effect":"Allow","Action":` + action + `,"Resource":"*"`)
}

// given is a statement with a Condition block, written as JSON.
func given(condition string) string {
	return statement(`"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":` + condition)
}

// refused checks the message with which Parse refuses a document; "" means that it does not.
func refused(t *testing.T, text string, kind policy.Kind, want string) {
	t.Helper()
	_, err := policy.Parse(text, kind)
	if want == "" && err == nil {
		return
	}
	var malformed *policy.Malformed
	if !errors.As(err, &malformed) || err.Error() != want {
		t.Errorf("Parse(%s) as %v: %v\nwant %q", text, kind, err, want)
	}
}

func TestIdentityPoliciesAreRefusedAsIAMRefusesThem(t *testing.T) {
	const valid = `"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::example_bucket"`
	for _, test := range []struct{ name, in, want string }{
		{"no JSON", `This is not a json document`, syntaxErrors},
		{"no object", `[]`, syntaxErrors},
		{"nothing in it", `{}`, syntaxErrors},
		{"two documents", `{} {}`, syntaxErrors},
		{"unknown version", `{"Version":"2013-10-17","Statement":{` + valid + `}}`, syntaxErrors},
		{"version of another type", `{"Version":20121017,"Statement":{` + valid + `}}`, syntaxErrors},
		{"no statement", `{"Version":"2012-10-17"}`, syntaxErrors},
		{"null statement", `{"Version":"2012-10-17","Statement":null}`, syntaxErrors},
		{"empty statement list", `{"Version":"2012-10-17","Statement":[]}`, syntaxErrors},
		{"text as statement", `{"Version":"2012-10-17","Statement":["afd"]}`, syntaxErrors},
		{"unknown element", `{"Version":"2012-10-17","Extra":"","Statement":{` + valid + `}}`, syntaxErrors},
		{"unknown element of a statement", statement(valid + `,"Extra":""`), syntaxErrors},
		{"element in the wrong case", statement(`"effect":"Allow","Action":"s3:ListBucket","Resource":"*"`), syntaxErrors},
		{"list as ID", `{"Id":["x"],"Statement":{` + valid + `}}`, syntaxErrors},
		{"the same element twice", statement(valid + `,"Effect":"Allow"`), syntaxErrors},
		{"unknown effect", statement(`"Effect":"invalid","Action":"s3:ListBucket","Resource":"*"`), syntaxErrors},
		{"no effect", statement(`"Action":"s3:ListBucket","Resource":"*"`), syntaxErrors},
		{"effect of another type", statement(`"Effect":true,"Action":"s3:ListBucket","Resource":"*"`), syntaxErrors},
		{"Action and NotAction", statement(valid + `,"NotAction":"s3:*"`), syntaxErrors},
		{"Resource and NotResource", statement(valid + `,"NotResource":[]`), syntaxErrors},
		{"Principal and NotPrincipal", statement(valid + `,"Principal":"*","NotPrincipal":"*"`), syntaxErrors},
		{"NotPrincipal and Principal", statement(valid + `,"NotPrincipal":"*","Principal":"*"`), syntaxErrors},
		{"number as action", doing(`123`), syntaxErrors},
		{"null as action", doing(`null`), syntaxErrors},
		{"object as action", doing(`{}`), syntaxErrors},
		{"list in a list of actions", doing(`[[]]`), syntaxErrors},
		{"object as resource", on(`{"a":"arn:aws:s3:::example_bucket"}`), syntaxErrors},
		{"object in a list of resources", on(`["adf",{}]`), syntaxErrors},
		{"object as SID", statement(valid + `,"Sid":{}`), syntaxErrors},
		{"list as condition", given(`[]`), syntaxErrors},
		{"text as condition", given(`"a"`), syntaxErrors},
		{"text as condition block", given(`{"DateGreaterThan":"b"}`), syntaxErrors},
		{"object as condition value", given(`{"DateGreaterThan":{"a":{}}}`), syntaxErrors},
		{"null as condition value", given(`{"StringEquals":{"a":null}}`), syntaxErrors},
		{"unknown operator", given(`{"x":{"a":"1"}}`), syntaxErrors},
		{"unknown relation of numbers", given(`{"NumericAbout":{"a":"1"}}`), syntaxErrors},
		{"set operator with two colons", given(`{"ForAnyValue::StringEquals":{"a":"b"}}`), syntaxErrors},
		{"NullIfExists", given(`{"NullIfExists":{"a":"true"}}`), syntaxErrors},
		{"nesting without end", given(`{"StringEquals":{"a":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}}`), syntaxErrors},
		{"too long", strings.Repeat(" ", policy.MaxText+1) + on(`"*"`), syntaxErrors},

		{"a principal", statement(valid + `,"Principal":"*"`), "Policy document should not specify a principal."},
		{"a NotPrincipal", statement(valid + `,"NotPrincipal":"*"`), "Policy document should not specify a principal."},
		{"the same SID twice", `{"Statement":[{"Sid":"a",` + valid + `},{"Sid":"a",` + valid + `}]}`, "Statement IDs (SID) in a single policy must be unique."},
		{"a SID with a space", statement(valid + `,"Sid":"a b"`), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},

		{"no actions", statement(`"Effect":"Allow","Resource":"*"`), "Policy statement must contain actions."},
		{"empty list of actions", doing(`[]`), "Policy statement must contain actions."},
		{"neither actions nor resources", statement(`"Effect":"Allow"`), "Policy statement must contain actions."},
		{"no resources", statement(`"Effect":"Allow","Action":"invalid"`), "Policy statement must contain resources."},
		{"empty list of resources", on(`[]`), "Policy statement must contain resources."},

		{"action without service", doing(`"invalid"`), noVendor},
		{"empty action", doing(`""`), noVendor},
		{"NotAction without service", statement(`"Effect":"Allow","NotAction":"x","Resource":"*"`), noVendor},
		{"action with two colons", doing(`"s3:List:Bucket"`), "Actions/Condition can contain only one colon."},
		{"service with a space", doing(`"a a:ListBucket"`), "Vendor a a is not valid"},
		{"empty service", doing(`":ListBucket"`), "Vendor  is not valid"},
		{"service with a wildcard", doing(`"s3*:ListBucket"`), "Vendor s3* is not valid"},

		{"resource without colon", on(`"invalid resource"`), `Resource invalid resource must be in ARN format or "*".`},
		{"empty resource", on(`""`), `Resource  must be in ARN format or "*".`},
		{"NotResource without colon", statement(`"Effect":"Allow","Action":"*","NotResource":["adf"]`), `Resource adf must be in ARN format or "*".`},
		{"the first wrong resource", on(`["adf","arn:aws:s3::b"]`), `Resource adf must be in ARN format or "*".`},
		{"wrong resource before wrong action", statement(`"Effect":"Allow","Action":"x","Resource":"y"`), `Resource y must be in ARN format or "*".`},
		{"resource that is no ARN", on(`"urn:aws:s3:::b"`), `Resource urn:aws:s3:::b must be in ARN format or "*".`},
		{"partition only", on(`"a:bsdfdsafsad"`), `Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*".`},
		{"partition and service", on(`"a:b:cadfsdf"`), `Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*".`},
		{"more than six fields", on(`"a:b:c:d:e:f:g:h"`), `Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".`},
		{"ARN without arn", on(`"aws:s3:::example_bucket"`), `Partition "s3" is not valid for resource "arn:s3:::example_bucket:*".`},
		{"empty partition", on(`"s3::example-bucket/*"`), `Partition "" is not valid for resource "arn::example-bucket/*:*:*:*".`},
		{"unknown partition", on(`"arn:error:s3:::example_bucket"`), `Partition "error" is not valid for resource "arn:error:s3:::example_bucket".`},
		{"no service in the ARN", on(`"arn:aws"`), "Resource vendor must be fully qualified and cannot contain regexes."},
		{"wildcard as service", on(`"arn:aws:s*:::b"`), "Resource vendor must be fully qualified and cannot contain regexes."},
		{"IAM in a region", on(`"arn:aws:iam:us-east-1::example_bucket"`), "IAM resource arn:aws:iam:us-east-1::example_bucket cannot contain region information."},
		{"IAM path", on(`"arn:aws:iam:::example_bucket"`), iamPath},
		{"bucket in a region", on(`"arn:aws:s3:us-east-1::example_bucket"`), "Resource arn:aws:s3:us-east-1::example_bucket can not contain region information."},

		{"effect in another case", statement(`"Effect":"denY","Action":"s3:ListBucket","Resource":"*"`), legacyParsing},
		{"effect in another case before all else", `{"Statement":[{"Sid":"a","Effect":"aLLow"},{"Sid":"a","Effect":"Allow"}]}`, legacyParsing},
		{"ARN with five fields", on(`"arn:aws:s3::example_bucket"`), legacyParsing},
		{"ARN with five fields before missing actions", statement(`"Effect":"Allow","Resource":"arn:aws:s3::example_bucket"`), legacyParsing},
		{"ARN with an unknown partition and five fields", on(`"arn:awss3::example-bucket/*"`), legacyParsing},
		{"ARN with an empty service", on(`"arn:aws::::example_bucket"`), legacyParsing},
		{"variable as account", on(`"arn:aws:iam::${aws:PrincipalAccount}:role/x"`), legacyParsing},
		{"no date", given(`{"DateGreaterThan":{"a":"sdfdsf"}}`), legacyParsing},
		{"half a date", given(`{"DateLessThanEquals":{"a":"234-13"}}`), legacyParsing},
		{"no number", given(`{"NumericEquals":{"a":"x"}}`), legacyParsing},
		{"no address", given(`{"IpAddress":{"a":"10.0.0"}}`), legacyParsing},
		{"no boolean", given(`{"Bool":{"a":"yes"}}`), legacyParsing},
		{"no boolean for Null", given(`{"Null":{"a":"${aws:username}"}}`), legacyParsing},
		{"no base64", given(`{"BinaryEquals":{"a":"%"}}`), legacyParsing},
	} {
		t.Run(test.name, func(t *testing.T) { refused(t, test.in, policy.Identity, test.want) })
	}
}

func TestIdentityPoliciesThatIAMTakes(t *testing.T) {
	for _, in := range []string{
		`{"Id":"x","Statement":[{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":"iam: any thing ","NotResource":["*"]}]}`,
		on(`["arn:aws:s3:::example_bucket","*"]`), on(`"arn:aws:s33:::b"`), on(`"arn:aws:fdsasf"`), on(`"arn:aws:iam:::user/x"`),
		on(`"arn:aws:iam::1:*"`), on(`"arn:aws:iam"`), on(`"arn:*:iam:*:*:role/x"`), on(`"arn:aws:cloudwatch:us-east-1::b"`),
		on(`"arn:aws:s3:us-east-1:111111111111:accesspoint/a"`), on(`"arn:aws:s3:*"`), on(`"arn:aws-cn:s3:::b/${aws:username}"`),
		doing(`"service-prefix:action-name"`), doing(`"s3.s:ListBucket"`),
		given(`{}`), given(`{"a":{}}`), given(`{"DateGreaterThan":{}}`), given(`{"DateGreaterThan":{"a":[]}}`),
		given(`{"NumericLessThan":{"a":10},"Bool":{"b":true,"c":"${aws:username}"},"ForAnyValue:StringEqualsIfExists":{"a":"b"}}`),
		given(`{"Null":{"a":["true",false]},"ForAllValues:Null":{"a":"true"}}`),
		given(`{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64","10.1.2.3"]}}`),
	} {
		refused(t, in, policy.Identity, "")
	}
}

func TestSessionPoliciesHaveCompleteARNs(t *testing.T) {
	refused(t, on(`"arn:aws:sqs"`), policy.Session, legacyParsing)
	refused(t, on(`"arn:aws:sqs:*:*:q"`), policy.Session, "")
}

func TestManagedPoliciesAreOfTheCurrentVersion(t *testing.T) {
	if _, err := policy.ParseManaged(on(`"*"`)); err != nil {
		t.Errorf("ParseManaged: %v", err)
	}
	for in, want := range map[string]string{
		`{"Statement":{"Effect":"denY"}}`:                        "Policy document must be version 2012-10-17 or greater.",
		`{"Version":"2008-10-17","Statement":{"Effect":"Deny"}}`: "Policy document must be version 2012-10-17 or greater.",
		`{`:                       syntaxErrors,
		statement(`"Effect":"x"`): syntaxErrors,
	} {
		if _, err := policy.ParseManaged(in); err == nil || err.Error() != want {
			t.Errorf("ParseManaged(%s): %v, want %q", in, err, want)
		}
	}
}

func TestTrustPoliciesAreRefusedAsIAMRefusesThem(t *testing.T) {
	const action = `"Action":"sts:AssumeRole"`
	who := func(principal string) string {
		return statement(`"Effect":"Allow","Principal":` + principal + `,` + action)
	}
	for _, test := range []struct{ name, in, want string }{
		{"valid", who(`{"AWS":["111111111111","arn:aws:iam::111111111111:role/R"],"Service":"lambda.amazonaws.com"}`), ""},
		{"valid with two statements", `{"Statement":[{"Sid":"a b","Effect":"Allow","Principal":"*",` + action + `},{"Effect":"Deny","Principal":{"AWS":"*"},"Action":["sts:TagSession"]}]}`, ""},
		{"no JSON", `{invalid`, "This policy contains invalid Json"},
		{"unknown version", `{"Version":"2020-01-01"}`, "The policy must contain a valid version string"},
		{"no statements", `{"Version":"2012-10-17","Statement":[]}`, "Could not parse the policy: Statement is empty!"},
		{"unknown element", statement(`"Extra":""`), "Syntax error in policy."},
		{"no effect", statement(`"Principal":{"AWS":"*"},` + action), "Missing required field Effect"},
		{"unknown effect", statement(`"Effect":"allow","Principal":{"AWS":"*"},` + action), "Invalid effect: allow"},
		{"no principal", statement(`"Effect":"Allow",` + action), "Missing required field Principal"},
		{"empty principal", who(`{}`), "Missing required field Principal cannot be empty!"},
		{"text as principal", who(`"111111111111"`), "Principal must be a JSON object."},
		{"list as principal", who(`["*"]`), "Invalid principal in policy"},
		{"unknown type of principal", who(`{"Group":"x"}`), `Invalid principal in policy: "Group"`},
		{"number as principal", who(`{"AWS":111111111111}`), `Invalid principal in policy: "AWS"`},
		{"unknown service", who(`{"Service":"lambda"}`), `Invalid principal in policy: "SERVICE":"lambda"`},
		{"wildcard as service", who(`{"Service":"*"}`), `Invalid principal in policy: "SERVICE":"*"`},
		{"wildcard as account", who(`{"AWS":"arn:aws:iam::*:root"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::*:root"`},
		{"wildcard in a name", who(`{"AWS":"arn:aws:iam::111111111111:user/*"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/*"`},
		{"group as principal", who(`{"AWS":"arn:aws:iam::111111111111:group/g"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:group/g"`},
		{"session in IAM", who(`{"AWS":"arn:aws:iam::111111111111:assumed-role/R/s"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:assumed-role/R/s"`},
		{"bucket as principal", who(`{"AWS":"arn:aws:s3::111111111111:user/x"}`), `Invalid principal in policy: "AWS":"arn:aws:s3::111111111111:user/x"`},
		{"name as principal", who(`{"AWS":"alice"}`), `Invalid principal in policy: "AWS":"alice"`},
		{"Allow and NotPrincipal", statement(`"Effect":"Allow","NotPrincipal":{"AWS":"*"},` + action), "Allow with NotPrincipal is not allowed."},
		{"Deny and NotPrincipal", statement(`"Effect":"Deny","NotPrincipal":{"AWS":"*"},` + action), "AssumeRole policy must not contain NotPrincipal field."},
		{"no action", statement(`"Effect":"Allow","Principal":"*"`), "Missing required field Action"},
		{"another action", statement(`"Effect":"Allow","Principal":"*","Action":"*"`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{"all actions of STS", statement(`"Effect":"Allow","Principal":"*","Action":"sts:*"`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{"a resource", statement(`"Effect":"Allow","Principal":"*",` + action + `,"Resource":"*"`), "Has prohibited field Resource"},
		{"a NotResource", statement(`"Effect":"Allow","Principal":"*",` + action + `,"NotResource":"*"`), "AssumeRole policy must not contain resources."},
		{"Cognito without condition", who(`{"Federated":"cognito-identity.amazonaws.com"}`), "A condition block must be present for the Cognito provider"},
		{"Cognito with condition", statement(`"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"x"}}`), ""},
		{"wrong date", statement(`"Effect":"Allow","Principal":"*",` + action + `,"Condition":{"DateEquals":{"a":"b"}}`), legacyParsing},
		{"the same SID twice", `{"Statement":[{"Sid":"a","Effect":"Allow","Principal":"*",` + action + `},{"Sid":"a","Effect":"Allow","Principal":"*",` + action + `}]}`, "The Statement Ids in the policy are not unique"},
	} {
		t.Run(test.name, func(t *testing.T) { refused(t, test.in, policy.Trust, test.want) })
	}
}

func TestResourcePoliciesAreRefused(t *testing.T) {
	const valid = `"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	const wrongType = "The provided policy document does not meet the requirements of the specified policy type."
	for _, test := range []struct {
		name, in string
		kind     policy.Kind
		want     string
	}{
		{"valid", statement(valid), policy.Resource, ""},
		{"a resource in the service's own form", statement(`"Effect":"Allow","Principal":{"CanonicalUser":"abc"},"Action":"execute-api:Invoke","Resource":"execute-api:/prod/GET/*"`), policy.Resource, ""},
		{"no JSON", `x`, policy.Endpoint, syntaxErrors},
		{"no principal", statement(`"Effect":"Allow","Action":"s3:GetObject","Resource":"*"`), policy.Resource, "Missing required field Principal"},
		{"wrong principal", statement(`"Effect":"Allow","Principal":"x","Action":"s3:GetObject","Resource":"*"`), policy.Resource, "Invalid principal in policy"},
		{"empty canonical user", statement(`"Effect":"Allow","Principal":{"CanonicalUser":""},"Action":"s3:GetObject","Resource":"*"`), policy.Resource, `Invalid principal in policy: "CANONICALUSER":""`},
		{"Allow and NotPrincipal", statement(`"Effect":"Allow","NotPrincipal":"*","Action":"s3:GetObject","Resource":"*"`), policy.Resource, "Allow with NotPrincipal is not allowed."},
		{"Deny and NotPrincipal", statement(`"Effect":"Deny","NotPrincipal":"*","Action":"s3:GetObject","Resource":"*"`), policy.Endpoint, ""},
		{"no effect", statement(`"Principal":"*","Action":"s3:GetObject","Resource":"*"`), policy.Resource, "Missing required field Effect"},
		{"no action", statement(`"Effect":"Allow","Principal":"*","Resource":"*"`), policy.Resource, "Missing required field Action"},
		{"no resource", statement(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject"`), policy.Resource, "Missing required field Resource"},
		{"action without service", statement(`"Effect":"Allow","Principal":"*","Action":"GetObject","Resource":"*"`), policy.Resource, noVendor},
		{"the same SID twice", `{"Statement":[{"Sid":"a",` + valid + `},{"Sid":"a",` + valid + `}]}`, policy.Resource, "Statement IDs (SID) in a single policy must be unique."},
		{"wrong date", statement(valid + `,"Condition":{"DateEquals":{"a":"b"}}`), policy.Resource, legacyParsing},
		{"a resource control policy for everyone", statement(valid), policy.ResourceControl, ""},
		{"a resource control policy for one", statement(`"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"*"`), policy.ResourceControl, wrongType},
		{"a service control policy with a principal", statement(valid), policy.ServiceControl, "Policy document should not specify a principal."},
	} {
		t.Run(test.name, func(t *testing.T) { refused(t, test.in, test.kind, test.want) })
	}
}

func TestDocumentsKnowWhatTheyAre(t *testing.T) {
	text := on(`"*"`)
	doc := policy.MustParse(text, policy.Boundary)
	named := doc.Named("p")
	if doc.Text() != text || doc.Kind() != policy.Boundary || doc.Version() != "2012-10-17" || doc.Name() != "" || named.Name() != "p" || named.Text() != text {
		t.Errorf("document is %q, %v, %q, %q", doc.Text(), doc.Kind(), doc.Version(), doc.Name())
	}
	if old := policy.MustParse(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, policy.Identity); old.Version() != "2008-10-17" {
		t.Errorf("Version = %q without a Version element", old.Version())
	}
}

func TestDocumentsListTheirPrincipals(t *testing.T) {
	doc := policy.MustParse(`{"Statement":[{"Effect":"Allow","Principal":"*",`+anything+`},{"Effect":"Deny","NotPrincipal":{"AWS":"222222222222"},`+anything+`},
		{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root","`+alice.ARN+`","`+alice.ID+`"]},`+anything+`},
		{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},`+anything+`},{"Effect":"Deny","Principal":{"Federated":"accounts.google.com"},`+anything+`},
		{"Effect":"Allow","Principal":{"CanonicalUser":"abc"},`+anything+`}]}`, policy.Resource)
	want := []policy.PrincipalEntry{
		{"AWS", "*"}, {"AWS", "222222222222"}, {"AWS", "111111111111"}, {"AWS", alice.ARN}, {"AWS", alice.ID},
		{"Service", "s3.amazonaws.com"}, {"Federated", "accounts.google.com"}, {"CanonicalUser", "abc"},
	}
	if got := doc.Principals(); !slices.Equal(got, want) {
		t.Errorf("Principals = %v, want %v", got, want)
	}
}

func TestDocumentsListTheirContextKeys(t *testing.T) {
	doc := policy.MustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::${aws:username}","*"],
		"Condition":{"StringLike":{"s3:Prefix":["${aws:username}/*","${aws:PrincipalTag/Team, 'x'}"]},"ArnLike":{"AWS:SourceArn":["arn:aws:s3:::${aws:userid}","${aws:one}"]},
		"Bool":{"aws:SecureTransport":"${aws:two}"},"NumericEquals":{"s3:Prefix":"1"},"StringEquals":{"s3:Prefix":"${aws:one}"}}}]}`, policy.Identity)
	want := []string{"aws:one", "aws:principaltag/team", "aws:securetransport", "aws:sourcearn", "aws:two", "aws:userid", "aws:username", "s3:prefix"}
	if got := doc.ContextKeys(); !slices.Equal(got, want) {
		t.Errorf("ContextKeys = %v, want %v", got, want)
	}
}

func TestMustParsePanicsOnMalformedDocuments(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("MustParse did not panic")
		}
	}()
	policy.MustParse(`{}`, policy.Identity)
}

func TestJoinUnitesStatements(t *testing.T) {
	if policy.Join() != nil || policy.Join(nil, nil) != nil {
		t.Error("Join of nothing is something")
	}
	key := policy.MustParse(denying(to(`{"AWS":"222222222222"}`)), policy.Resource).Named("key policy")
	grant := policy.MustParse(allowing(aws(alice.ARN)), policy.Resource).Named("grant")
	joined := policy.Join(key, nil, grant)
	req := &policy.Request{Principal: alice, Action: "kms:Decrypt", Resource: "*"}
	got := policy.Evaluate(req, &policy.Set{Resource: joined, MustDelegate: true})
	if got.Effect != policy.Allowed {
		t.Fatalf("Evaluate = %v", got.Effect)
	}
	check(t, got.By, []policy.Statement{{Source: policy.Resource, Policy: "grant", Sid: "A"}})
}

func TestNamesOfKindsAndEffects(t *testing.T) {
	for kind, want := range map[policy.Kind]string{policy.Identity: "identity", policy.Endpoint: "endpoint", 99: "Kind(99)"} {
		if got := kind.String(); got != want {
			t.Errorf("Kind %d is %q, want %q", kind, got, want)
		}
	}
	for effect, want := range map[policy.Effect]string{policy.Allowed: "allowed", policy.ExplicitDeny: "explicitDeny", policy.ImplicitDeny: "implicitDeny"} {
		if got := effect.String(); got != want {
			t.Errorf("Effect %d is %q, want %q", effect, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for kind := policy.Identity; kind <= policy.Endpoint; kind++ {
		f.Add(on(`["arn:aws:s3:::b/${aws:username}*","arn:aws"]`), uint8(kind))
		f.Add(given(`{"ForAnyValue:DateEqualsIfExists":{"a":["2020-01-01T00:00:00+01:00",17]},"IpAddress":{"b":"::1/64"}}`), uint8(kind))
		f.Add(statement(`"Effect":"Allow","Principal":{"AWS":["*","111111111111"],"Service":"a.b"},"Action":"sts:AssumeRole"`), uint8(kind))
		f.Add(statement(`"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:root"},"NotAction":"s3:?*","NotResource":"*"`), uint8(kind))
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		doc, err := policy.Parse(text, policy.Kind(kind)%(policy.Endpoint+1))
		var malformed *policy.Malformed
		if err != nil {
			if !errors.As(err, &malformed) || malformed.Message == "" {
				t.Fatalf("error is %v", err)
			}
			return
		}
		again, err := policy.Parse(doc.Text(), doc.Kind())
		if err != nil || doc.Text() != text {
			t.Fatalf("parsing the text of a document again: %v", err)
		}
		keys := policy.MapKeys{"a": {"2020", ""}, "aws:username": {"alice"}}
		req := &policy.Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/alice", Keys: keys}
		set := func(d *policy.Document) *policy.Set {
			return &policy.Set{Identity: []*policy.Document{d}, Resource: d, Boundary: d}
		}
		if first, second := policy.Evaluate(req, set(doc)), policy.Evaluate(req, set(again)); first.Effect != second.Effect || first.Source != second.Source {
			t.Fatalf("%v, and parsed again %v", first, second)
		}
	})
}

func TestParsingIsLinear(t *testing.T) {
	for _, text := range []string{"${", "${*}", "*?", "${a}"} {
		many := strings.Repeat(text, (policy.MaxText-200)/len(text))
		refused(t, on(`"arn:aws:s3:::`+many+`"`), policy.Identity, "")
		refused(t, given(`{"ArnLike":{"a":"arn:aws:s3:::`+many+`"}}`), policy.Identity, "")
	}
}
