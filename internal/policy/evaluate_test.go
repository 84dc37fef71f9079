package policy_test

import (
	"strings"
	"testing"

	"redoubt/internal/policy"
)

// allowing is a policy with one Allow statement.
func allowing(elements string) string {
	return `{"Version":"2012-10-17","Statement":{"Sid":"A","Effect":"Allow",` + elements + `}}`
}

// denying is a policy with one Deny statement.
func denying(elements string) string {
	return `{"Version":"2012-10-17","Statement":{"Sid":"D","Effect":"Deny",` + elements + `}}`
}

const (
	anything  = `"Action":"*","Resource":"*"`
	getObject = `"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	putObject = `"Action":"s3:PutObject","Resource":"*"` // anything but what the tests ask for
)

func to(principal string) string { return `"Principal":` + principal + `,` + anything }

func aws(arn string) string { return to(`{"AWS":"` + arn + `"}`) }

var (
	alice = policy.Principal{ARN: "arn:aws:iam::111111111111:user/alice", Account: "111111111111", ID: "AIDAALICEALICEALICE12"}
	role  = policy.Principal{ARN: "arn:aws:sts::111111111111:assumed-role/R/s", Account: "111111111111", Role: "arn:aws:iam::111111111111:role/R", ID: "AROAROLEROLEROLEROLE1"}
	bob   = policy.Principal{ARN: "arn:aws:sts::111111111111:federated-user/bob", Account: "111111111111", User: "arn:aws:iam::111111111111:user/broker"}
	root  = policy.Principal{ARN: "arn:aws:iam::111111111111:root", Account: "111111111111", Root: true}
	s3    = policy.Principal{Service: "s3.amazonaws.com"}
	nina  = policy.Principal{Anonymous: true}
	web   = policy.Principal{Federated: "accounts.google.com"}
	slr   = policy.Principal{ARN: "arn:aws:sts::111111111111:assumed-role/SLR/s", Account: "111111111111", Role: "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/SLR"}
)

// policies are the texts of a Set.
type policies struct {
	identity, resource, trust, boundary, session, endpoint string
	scp, rcp                                               []string // a level each
	mustDelegate                                           bool
}

func (p policies) set() *policy.Set {
	set := &policy.Set{
		Boundary: parse(p.boundary, policy.Boundary), Endpoint: parse(p.endpoint, policy.Endpoint),
		Resource: parse(p.resource, policy.Resource), MustDelegate: p.mustDelegate,
	}
	if p.identity != "" {
		set.Identity = []*policy.Document{parse(p.identity, policy.Identity)}
	}
	if p.trust != "" {
		set.Resource = parse(p.trust, policy.Trust)
	}
	if p.session != "" {
		set.Session = []*policy.Document{nil, parse(p.session, policy.Session)}
	}
	for _, text := range p.scp {
		set.ServiceControl = append(set.ServiceControl, []*policy.Document{parse(text, policy.ServiceControl)})
	}
	for _, text := range p.rcp {
		set.ResourceControl = append(set.ResourceControl, []*policy.Document{parse(text, policy.ResourceControl)})
	}
	return set
}

func parse(text string, kind policy.Kind) *policy.Document {
	if text == "" {
		return nil
	}
	return policy.MustParse(text, kind)
}

func TestDecisionsAcrossLayers(t *testing.T) {
	all, none := allowing(anything), allowing(putObject)
	for _, test := range []struct {
		name   string
		who    policy.Principal
		owner  string
		in     policies
		want   policy.Effect
		source policy.Kind
	}{
		{"nothing allows", alice, "", policies{}, policy.ImplicitDeny, policy.Identity},
		{"an identity policy allows", alice, "", policies{identity: all}, policy.Allowed, policy.Identity},
		{"an explicit deny wins", alice, "", policies{identity: all, boundary: denying(anything)}, policy.ExplicitDeny, policy.Boundary},
		{"the boundary limits", alice, "", policies{identity: all, boundary: none}, policy.ImplicitDeny, policy.Boundary},
		{"the boundary allows", alice, "", policies{identity: all, boundary: all}, policy.Allowed, policy.Identity},
		{"the boundary alone grants nothing", alice, "", policies{boundary: all}, policy.ImplicitDeny, policy.Identity},
		{"the session policy limits", role, "", policies{identity: all, session: none}, policy.ImplicitDeny, policy.Session},
		{"the session policy allows", role, "", policies{identity: all, session: all}, policy.Allowed, policy.Identity},
		{"a federated user needs a session policy", bob, "", policies{identity: all}, policy.ImplicitDeny, policy.Session},
		{"a federated user has what its session policy passes on", bob, "", policies{identity: all, session: all}, policy.Allowed, policy.Identity},

		{"a resource policy that names a user is not limited", alice, "", policies{resource: allowing(aws(alice.ARN)), boundary: none}, policy.Allowed, policy.Resource},
		{"a resource policy that names a user by ID is not limited", alice, "", policies{resource: allowing(aws(alice.ID)), boundary: none}, policy.Allowed, policy.Resource},
		{"a resource policy that names a role is limited by the boundary", role, "", policies{resource: allowing(aws(role.Role)), boundary: none}, policy.ImplicitDeny, policy.Boundary},
		{"a resource policy that names a role by ID is limited too", role, "", policies{resource: allowing(aws(role.ID)), boundary: none}, policy.ImplicitDeny, policy.Boundary},
		{"a resource policy that names a role is limited by the session policy", role, "", policies{resource: allowing(aws(role.Role)), session: none}, policy.ImplicitDeny, policy.Session},
		{"a resource policy that names a role needs no identity policy", role, "", policies{resource: allowing(aws(role.Role)), boundary: all}, policy.Allowed, policy.Resource},
		{"a resource policy that names a session is not limited", role, "", policies{resource: allowing(aws(role.ARN)), boundary: none, session: none}, policy.Allowed, policy.Resource},
		{"a resource policy that names a federated user is not limited", bob, "", policies{resource: allowing(aws(bob.ARN)), boundary: none, session: none}, policy.Allowed, policy.Resource},
		{"a resource policy that names the user who federated is limited", bob, "", policies{resource: allowing(aws(bob.User)), session: none}, policy.ImplicitDeny, policy.Session},
		{"a resource policy that names the account only delegates", alice, "", policies{resource: allowing(aws("111111111111"))}, policy.ImplicitDeny, policy.Identity},
		{"a resource policy that names everyone allows", role, "", policies{resource: allowing(to(`"*"`)), boundary: none}, policy.Allowed, policy.Resource},
		{"a resource policy that names another user does not allow", alice, "", policies{resource: allowing(aws(bob.User))}, policy.ImplicitDeny, policy.Identity},
		{"a deny of the account denies its users", alice, "", policies{identity: all, resource: denying(aws("arn:aws:iam::111111111111:root"))}, policy.ExplicitDeny, policy.Resource},

		{"across accounts the identity policy alone does not do", alice, "222222222222", policies{identity: all}, policy.ImplicitDeny, policy.Resource},
		{"across accounts the resource policy alone does not do", alice, "222222222222", policies{resource: allowing(aws(alice.ARN))}, policy.ImplicitDeny, policy.Identity},
		{"across accounts neither allows", alice, "222222222222", policies{}, policy.ImplicitDeny, policy.Identity},
		{"across accounts both do", alice, "222222222222", policies{identity: all, resource: allowing(aws("111111111111"))}, policy.Allowed, policy.Identity},
		{"across accounts the boundary limits", alice, "222222222222", policies{identity: all, boundary: none, resource: allowing(aws(alice.ARN))}, policy.ImplicitDeny, policy.Boundary},
		{"across accounts a root user needs the resource policy only", root, "222222222222", policies{resource: allowing(aws("111111111111"))}, policy.Allowed, policy.Identity},
		{"across accounts a root user needs the resource policy", root, "222222222222", policies{}, policy.ImplicitDeny, policy.Resource},

		{"a root user needs no policy", root, "111111111111", policies{}, policy.Allowed, policy.Identity},
		{"a root user is denied by a resource policy", root, "", policies{resource: denying(to(`"*"`))}, policy.ExplicitDeny, policy.Resource},
		{"a root user is denied by a service control policy", root, "", policies{scp: []string{denying(anything)}}, policy.ExplicitDeny, policy.ServiceControl},
		{"a root user is limited by service control policies", root, "", policies{scp: []string{none}}, policy.ImplicitDeny, policy.ServiceControl},

		{"a key policy must delegate before identity policies count", alice, "", policies{identity: all, mustDelegate: true}, policy.ImplicitDeny, policy.Resource},
		{"a key policy that delegates lets identity policies decide", alice, "", policies{identity: all, resource: allowing(aws("111111111111")), mustDelegate: true}, policy.Allowed, policy.Identity},
		{"a key policy that delegates does not allow by itself", alice, "", policies{resource: allowing(aws("111111111111")), mustDelegate: true}, policy.ImplicitDeny, policy.Identity},
		{"a key policy that names the user allows by itself", alice, "", policies{resource: allowing(aws(alice.ARN)), mustDelegate: true}, policy.Allowed, policy.Resource},
		{"a key policy binds its account's root user", root, "", policies{mustDelegate: true}, policy.ImplicitDeny, policy.Resource},
		{"a key policy that names the account allows its root user", root, "", policies{resource: allowing(aws("111111111111")), mustDelegate: true}, policy.Allowed, policy.Identity},
		{"a trust policy is named as such", alice, "", policies{identity: all, trust: `{"Statement":{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}}`, mustDelegate: true}, policy.ImplicitDeny, policy.Trust},

		{"a service needs the resource policy", s3, "111111111111", policies{identity: all}, policy.ImplicitDeny, policy.Resource},
		{"a service is allowed by the resource policy", s3, "111111111111", policies{resource: allowing(to(`{"Service":["x.amazonaws.com","s3.amazonaws.com"]}`)), scp: []string{none}}, policy.Allowed, policy.Resource},
		{"a service is not of any account", s3, "111111111111", policies{resource: allowing(aws("111111111111"))}, policy.ImplicitDeny, policy.Resource},
		{"an anonymous caller needs a public resource", nina, "111111111111", policies{resource: allowing(aws("111111111111"))}, policy.ImplicitDeny, policy.Resource},
		{"an anonymous caller uses a public resource", nina, "111111111111", policies{resource: allowing(aws("*"))}, policy.Allowed, policy.Resource},
		{"a federated caller needs the trust of its provider", web, "111111111111", policies{resource: allowing(to(`{"Federated":"accounts.google.com"}`)), mustDelegate: true}, policy.Allowed, policy.Resource},
		{"a federated caller is not another provider's", web, "111111111111", policies{resource: allowing(to(`{"Federated":"www.amazon.com"}`))}, policy.ImplicitDeny, policy.Resource},
		{"a canonical user is an account", policy.Principal{ARN: alice.ARN, Account: alice.Account, Canonical: "abc"}, "222222222222", policies{identity: all, resource: allowing(to(`{"CanonicalUser":"abc"}`))}, policy.Allowed, policy.Identity},

		{"every level of service control policies must allow", alice, "", policies{identity: all, scp: []string{all, none}}, policy.ImplicitDeny, policy.ServiceControl},
		{"all levels of service control policies allow", alice, "", policies{identity: all, scp: []string{all, all}}, policy.Allowed, policy.Identity},
		{"service control policies spare service-linked roles", slr, "", policies{identity: all, scp: []string{denying(anything)}, rcp: []string{denying(to(`"*"`))}}, policy.Allowed, policy.Identity},
		{"resource control policies deny", s3, "", policies{resource: allowing(to(`"*"`)), rcp: []string{denying(to(`"*"`))}}, policy.ExplicitDeny, policy.ResourceControl},
		{"resource control policies need not allow", alice, "", policies{identity: all, rcp: []string{denying(`"Principal":"*",` + putObject)}}, policy.Allowed, policy.Identity},
		{"the endpoint policy must allow", alice, "", policies{identity: all, endpoint: allowing(aws("222222222222"))}, policy.ImplicitDeny, policy.Endpoint},
		{"the endpoint policy allows", alice, "", policies{identity: all, endpoint: allowing(to(`"*"`))}, policy.Allowed, policy.Identity},
		{"the endpoint policy denies", alice, "", policies{identity: all, endpoint: denying(to(`"*"`))}, policy.ExplicitDeny, policy.Endpoint},

		{"NotPrincipal spares whom it lists with the account", alice, "", policies{identity: all, resource: denying(`"NotPrincipal":{"AWS":["111111111111","` + alice.ARN + `"]},` + anything)}, policy.Allowed, policy.Identity},
		{"NotPrincipal denies the others of the account", role, "", policies{identity: all, resource: denying(`"NotPrincipal":{"AWS":["111111111111","` + alice.ARN + `"]},` + anything)}, policy.ExplicitDeny, policy.Resource},
		{"NotPrincipal denies whom it lists without the account", alice, "", policies{identity: all, resource: denying(`"NotPrincipal":{"AWS":"` + alice.ARN + `"},` + anything)}, policy.ExplicitDeny, policy.Resource},
		{"NotPrincipal denies whoever has a boundary", alice, "", policies{identity: all, boundary: all, resource: denying(`"NotPrincipal":{"AWS":["111111111111","` + alice.ARN + `"]},` + anything)}, policy.ExplicitDeny, policy.Resource},
		{"NotPrincipal spares a role", role, "", policies{identity: all, resource: denying(`"NotPrincipal":{"AWS":["111111111111","` + role.Role + `"]},` + anything)}, policy.Allowed, policy.Identity},
		{"NotPrincipal spares the root user of a listed account", root, "", policies{resource: denying(`"NotPrincipal":{"AWS":"111111111111"},` + anything)}, policy.Allowed, policy.Identity},
		{"NotPrincipal spares a service", s3, "", policies{resource: `{"Statement":[{"Effect":"Deny","NotPrincipal":{"Service":"s3.amazonaws.com"},` + anything + `},{"Effect":"Allow","Principal":"*",` + anything + `}]}`}, policy.Allowed, policy.Resource},
		{"NotPrincipal everyone denies no one", alice, "", policies{identity: all, resource: denying(`"NotPrincipal":"*",` + anything)}, policy.Allowed, policy.Identity},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := &policy.Request{Principal: test.who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: test.owner}
			got := policy.Evaluate(req, test.in.set())
			if got.Effect != test.want || got.Source != test.source {
				t.Errorf("Evaluate = %v by %v, want %v by %v", got.Effect, got.Source, test.want, test.source)
			}
		})
	}
}

// matches tells whether one Allow statement in an identity policy allows a request.
func matches(t *testing.T, elements, action, resource string, keys policy.MapKeys) bool {
	t.Helper()
	doc, err := policy.Parse(allowing(elements), policy.Identity)
	if err != nil {
		t.Fatalf("Parse(%s): %v", elements, err)
	}
	req := &policy.Request{Principal: alice, Action: action, Resource: resource}
	if keys != nil {
		req.Keys = keys
	}
	return policy.Evaluate(req, &policy.Set{Identity: []*policy.Document{doc}}).Effect == policy.Allowed
}

func TestStatementsCoverActionsAndResources(t *testing.T) {
	const object = "arn:aws:s3:::b/k"
	keys := policy.MapKeys{"aws:username": {"alice"}, "aws:principaltag/team": {"red"}, "aws:tagkeys": {"a", "b"}, "s3:prefix": {"*"}}
	for _, test := range []struct {
		name, elements, action, resource string
		want                             bool
	}{
		{"an action", getObject, "s3:GetObject", object, true},
		{"an action in another case", getObject, "S3:getobject", object, true},
		{"another action", getObject, "s3:GetObjectAcl", object, false},
		{"an action by wildcard", `"Action":"s3:Get*ect","Resource":"*"`, "s3:GetObject", object, true},
		{"an action by question mark", `"Action":"s3:Get?bject","Resource":"*"`, "s3:GetObject", object, true},
		{"an action longer than the pattern", `"Action":"s3:GetObject?","Resource":"*"`, "s3:GetObject", object, false},
		{"NotAction", `"NotAction":["s3:Put*","iam:*"],"Resource":"*"`, "s3:GetObject", object, true},
		{"NotAction of the action", `"NotAction":["s3:Put*","s3:Get*"],"Resource":"*"`, "s3:GetObject", object, false},
		{"a resource in another case", getObject, "s3:GetObject", "arn:aws:s3:::B/k", false},
		{"NotResource", `"Action":"*","NotResource":"arn:aws:s3:::c/*"`, "s3:GetObject", object, true},
		{"NotResource of the resource", `"Action":"*","NotResource":["arn:aws:s3:::c/*","arn:aws:s3:::b/?"]`, "s3:GetObject", object, false},
		{"no resource by an ARN", `"Action":"*","Resource":"arn:aws:s3:::*"`, "s3:ListAllMyBuckets", "*", false},
		{"an incomplete ARN", `"Action":"*","Resource":"arn:aws:sqs"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", true},
		{"an asterisk that ends its segment crosses colons", `"Action":"*","Resource":"arn:aws:sqs:eu-*"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", true},
		{"an asterisk within a segment stays there", `"Action":"*","Resource":"arn:aws:sqs:eu*1:1:q"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-2:1:1:q", false},
		{"an asterisk within a segment", `"Action":"*","Resource":"arn:aws:sqs:eu*1:1:q"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", true},
		{"a question mark is no colon", `"Action":"*","Resource":"arn:aws:sqs:eu-west-1?1:q"`, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", false},
		{"a star that must grow for a later one to stay local", `"Action":"*","Resource":"arn:aws:sqs:*:x*y:z"`, "sqs:SendMessage", "arn:aws:sqs:1:x:x1y:z", true},
		{"an asterisk in the resource part crosses everything", `"Action":"*","Resource":"arn:aws:s3:::b/*z"`, "s3:GetObject", "arn:aws:s3:::b/x:y/z", true},
		{"a question mark is one character, not one byte", `"Action":"*","Resource":"arn:aws:s3:::b/?"`, "s3:GetObject", "arn:aws:s3:::b/é", true},
		{"a variable", `"Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"`, "s3:GetObject", "arn:aws:s3:::b/alice/x", true},
		{"a variable in another case", `"Action":"*","Resource":"arn:aws:s3:::b/${AWS:PrincipalTag/Team}"`, "s3:GetObject", "arn:aws:s3:::b/red", true},
		{"a variable without value", `"Action":"*","Resource":"arn:aws:s3:::b/${aws:nothing}*"`, "s3:GetObject", object, false},
		{"NotResource with a variable without value", `"Action":"*","NotResource":"arn:aws:s3:::b/${aws:nothing}*"`, "s3:GetObject", object, true},
		{"a variable with a default", `"Action":"*","Resource":"arn:aws:s3:::b-${aws:PrincipalTag/none, 'all'}/*"`, "s3:GetObject", "arn:aws:s3:::b-all/x", true},
		{"a variable whose default is not needed", `"Action":"*","Resource":"arn:aws:s3:::b-${aws:PrincipalTag/team, 'all'}/*"`, "s3:GetObject", "arn:aws:s3:::b-red/x", true},
		{"a variable with several values", `"Action":"*","Resource":"arn:aws:s3:::b/${aws:TagKeys}"`, "s3:GetObject", "arn:aws:s3:::b/a", false},
		{"a variable whose value looks like a wildcard", `"Action":"*","Resource":"arn:aws:s3:::b/${s3:prefix}"`, "s3:GetObject", object, false},
		{"an escaped asterisk", `"Action":"*","Resource":"arn:aws:s3:::b/${*}${?}${$}"`, "s3:GetObject", "arn:aws:s3:::b/*?$", true},
		{"an escaped asterisk is no wildcard", `"Action":"*","Resource":"arn:aws:s3:::b/${*}"`, "s3:GetObject", object, false},
		{"a variable that does not end", `"Action":"*","Resource":"arn:aws:s3:::b/${aws"`, "s3:GetObject", "arn:aws:s3:::b/${aws", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := matches(t, test.elements, test.action, test.resource, keys); got != test.want {
				t.Errorf("%s on %s against %s: %v, want %v", test.action, test.resource, test.elements, got, test.want)
			}
		})
	}
}

func TestVariablesAreTextInTheOriginalVersion(t *testing.T) {
	doc := policy.MustParse(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"}}`, policy.Identity)
	set := &policy.Set{Identity: []*policy.Document{doc}}
	for resource, want := range map[string]policy.Effect{"arn:aws:s3:::b/alice": policy.ImplicitDeny, "arn:aws:s3:::b/${aws:username}": policy.Allowed} {
		req := &policy.Request{Principal: alice, Action: "s3:GetObject", Resource: resource, Keys: policy.MapKeys{"aws:username": {"alice"}}}
		if got := policy.Evaluate(req, set).Effect; got != want {
			t.Errorf("%s is %v, want %v", resource, got, want)
		}
	}
}

func TestReasonsNameTheStatements(t *testing.T) {
	set := policies{
		identity: `{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"Deny",` + putObject + `},{"Sid":"Two","Effect":"Allow",` + anything + `}]}`,
		scp:      []string{allowing(anything)},
		boundary: allowing(anything),
	}.set()
	set.Identity[0] = set.Identity[0].Named("arn:aws:iam::111111111111:policy/p")
	req := &policy.Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	want := []policy.Statement{
		{Source: policy.ServiceControl, Sid: "A"},
		{Source: policy.Identity, Policy: "arn:aws:iam::111111111111:policy/p", Index: 1, Sid: "Two"},
		{Source: policy.Boundary, Sid: "A"},
	}
	check(t, policy.Evaluate(req, set).By, want)

	req.Action = "s3:PutObject"
	check(t, policy.Evaluate(req, set).By, []policy.Statement{{Source: policy.Identity, Policy: "arn:aws:iam::111111111111:policy/p", Sid: "One"}})
}

func TestADocumentServesInALayerItWasNotParsedFor(t *testing.T) {
	doc := policy.MustParse(allowing(anything), policy.Identity)
	set := &policy.Set{Identity: []*policy.Document{doc}, Boundary: doc}
	req := &policy.Request{Principal: alice, Action: "s3:GetObject", Resource: "*"}
	check(t, policy.Evaluate(req, set).By, []policy.Statement{{Source: policy.Identity, Sid: "A"}, {Source: policy.Boundary, Sid: "A"}})
}

func check(t *testing.T, got, want []policy.Statement) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("statements = %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("statement %d = %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestExplainSpeaksAsAWSDoes(t *testing.T) {
	const on = "User: arn:aws:iam::111111111111:user/alice is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k "
	all := allowing(anything)
	trust := func(effect string) string {
		return `{"Statement":{"Effect":"` + effect + `","Principal":{"AWS":"` + alice.ARN + `"},"Action":"sts:AssumeRole"}}`
	}
	for _, test := range []struct {
		name string
		in   policies
		want string
	}{
		{"identity", policies{}, on + "because no identity-based policy allows the s3:GetObject action"},
		{"identity deny", policies{identity: denying(anything)}, on + "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/p"},
		{"boundary", policies{identity: all, boundary: allowing(putObject)}, on + "because no permissions boundary allows the s3:GetObject action"},
		{"boundary deny", policies{boundary: denying(anything)}, on + "with an explicit deny in a permissions boundary"},
		{"session", policies{identity: all, session: allowing(putObject)}, on + "because no session policy allows the s3:GetObject action"},
		{"resource", policies{identity: all, mustDelegate: true}, on + "because no resource-based policy allows the s3:GetObject action"},
		{"resource deny", policies{resource: denying(to(`"*"`))}, on + "with an explicit deny in a resource-based policy"},
		{"trust", policies{trust: trust("Allow"), mustDelegate: true}, on + "because no role trust policy allows the s3:GetObject action"},
		{"service control", policies{scp: []string{allowing(putObject)}}, on + "because no service control policy allows the s3:GetObject action"},
		{"resource control deny", policies{rcp: []string{denying(to(`"*"`))}}, on + "with an explicit deny in a resource control policy"},
		{"endpoint", policies{endpoint: allowing(`"Principal":"*",` + putObject)}, on + "because no VPC endpoint policy allows the s3:GetObject action"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := test.in.set()
			for i, d := range set.Identity {
				set.Identity[i] = d.Named("arn:aws:iam::aws:policy/p")
			}
			req := &policy.Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
			if got := policy.Evaluate(req, set).Explain(req); got != test.want {
				t.Errorf("Explain = %q\nwant      %q", got, test.want)
			}
		})
	}
	deny := &policy.Request{Principal: alice, Action: "sts:AssumeRole"}
	if got := policy.Evaluate(deny, policies{trust: trust("Deny")}.set()).Explain(deny); !strings.HasSuffix(got, "sts:AssumeRole with an explicit deny in the role trust policy") {
		t.Errorf("Explain = %q", got)
	}
}

func TestExplainNamesEveryKindOfCaller(t *testing.T) {
	for want, who := range map[string]policy.Principal{"anonymous": nina, s3.Service: s3, web.Federated: web, role.ARN: role} {
		req := &policy.Request{Principal: who, Action: "a:B"}
		if got := policy.Evaluate(req, &policy.Set{}).Explain(req); !strings.HasPrefix(got, "User: "+want+" is not") {
			t.Errorf("Explain = %q, want it to begin with %q", got, want)
		}
	}
}
