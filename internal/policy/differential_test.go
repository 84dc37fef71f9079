package policy_test

import (
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"redoubt/internal/policy"
)

var seed = flag.Uint64("seed", 0, "repeat the differential test with the `seed` that it logged")

// differentialCases is how many requests are decided in one run.
const differentialCases = 150_000

// generator makes random documents and requests from a small vocabulary, so that they meet often.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }
func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// some is one value or a list of up to three.
func (g generator) some(make func() any) any {
	if g.chance(40) {
		return make()
	}
	list := []any{}
	for range 1 + g.IntN(3) {
		list = append(list, make())
	}
	return list
}

func (g generator) strings(of ...string) any {
	return g.some(func() any { return g.one(of...) })
}

var (
	genActions   = []string{"s3:GetObject", "s3:PutObject", "kms:Decrypt", "S3:GETOBJECT"}
	genResources = []string{
		"*", "arn:aws:s3:::b", "arn:aws:s3:::b/alice/x", "arn:aws:s3:::b/é:z", "arn:aws:s3:::b/*?$", "arn:aws:sqs:eu-west-1:111111111111:q",
		"arn:aws:sqs:eu-west-1:x:x1y:z", "arn:aws:kms:eu-west-1:222222222222:key/k", "arn:aws:s3:::b/${aws:username}",
	}
	genPatterns = []string{
		"*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/?:z", "arn:aws:s3:::*x", "arn:aws:s3:::b/${aws:username}/*",
		"arn:aws:s3:::b/${aws:PrincipalTag/none, 'alice'}/x", "arn:aws:s3:::b/${aws:nothing}*", "arn:aws:s3:::b/${*}${?}${$}", "arn:aws:s3:::b/${aws:TagKeys}",
		"arn:aws:sqs", "arn:aws:sqs:eu-*", "arn:aws:sqs:eu*1:*:q", "arn:aws:sqs:eu-west-?:111111111111:q", "arn:aws:sqs:eu-west-1?111111111111:q",
		"arn:aws:sqs:*:x*y:z", "arn:aws:sqs:e*:*1:?", "arn:*:kms:*:*:key/*", "arn:aws:kms:*:222222222222:*",
	}
	genPrincipals = []policy.Principal{alice, role, bob, root, s3, nina, web, slr,
		{ARN: "arn:aws:iam::222222222222:user/carol", Account: "222222222222", Canonical: "c0ffee"}}
	genNames = []string{
		"*", "111111111111", "arn:aws:iam::111111111111:root", "222222222222", alice.ARN, alice.ID, role.ARN, role.Role, role.ID, bob.ARN, bob.User,
		slr.Role, "arn:aws:iam::222222222222:user/carol",
	}
	// genKeys is what condition keys may hold. A key may also be absent.
	genKeys = map[string][]string{
		"aws:username":           {"alice", "bob", "*"},
		"aws:principaltag/team":  {"red", "blue", "Red", ""},
		"aws:tagkeys":            {"a", "b", "c", ""},
		"aws:sourceip":           {"10.1.2.3", "203.0.113.9", "2001:db8::1", "junk"},
		"aws:currenttime":        {"2020-01-01T00:00:00Z", "2021-06-01T12:00:00+02:00", "1609459200", "2021", "junk"},
		"s3:max-keys":            {"1", "10", "10.0", "-1e1", "junk"},
		"aws:securetransport":    {"true", "false", "True"},
		"aws:sourcearn":          {"arn:aws:sns:eu-west-1:111111111111:t", "arn:aws:s3:::b", "arn:aws:sns:x:y:t:u", "junk"},
		"kms:encryptedbytes":     {"aGVsbG8=", "d29ybGQ=", "%"},
		"aws:requesttag/a:colon": {"red", "b"},
	}
)

// condition is an operator, a key and values that suit it.
func (g generator) condition() (operator, key string, values any) {
	text := []string{"red", "blue", "RED", "a", "b", "alice", "", "${aws:PrincipalTag/team}", "${aws:nothing}", "${aws:nothing, 'b'}", "${*}"}
	order := func(kind string) string {
		return kind + g.one("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
	}
	keys := []string{"aws:PrincipalTag/Team", "AWS:TagKeys", "aws:username", "aws:RequestTag/a:colon", "aws:nothing"}
	switch g.IntN(9) {
	case 0:
		operator, key = g.one("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"), g.one(keys...)
		values = g.strings(text...)
	case 1:
		operator, key = g.one("StringLike", "StringNotLike"), g.one(keys...)
		values = g.strings(append(text, "*", "?", "*e*", "b?*", "r${*}", "${aws:username}*")...)
	case 2:
		operator, key = order("Numeric"), "s3:max-keys"
		values = g.some(func() any {
			if g.chance(30) {
				return json.Number(g.one("1", "10", "1e1"))
			}
			return g.one("1", "10.0", "-10", "2.5")
		})
	case 3:
		operator, key = order("Date"), "aws:CurrentTime"
		values = g.strings("2020-01-01T00:00:00Z", "2021-06-01T10:00:00Z", "2021-01-01", "2021-01", "2021", "1609459200", "-5")
	case 4:
		operator, key = "Bool", "aws:SecureTransport"
		values = g.some(func() any {
			if g.chance(30) {
				return g.chance(50)
			}
			return g.one("true", "false", "TRUE", "${aws:SecureTransport}")
		})
	case 5:
		operator, key = "BinaryEquals", "kms:EncryptedBytes"
		values = g.strings("aGVsbG8=", "d29ybGQ=")
	case 6:
		operator, key = g.one("IpAddress", "NotIpAddress"), "aws:SourceIp"
		values = g.strings("10.0.0.0/8", "10.1.2.3", "203.0.113.77/24", "2001:DB8::/32", "2001:db8::2", "0.0.0.0/0")
	case 7:
		operator, key = g.one("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"), "aws:SourceArn"
		values = g.strings("*", "arn:aws:sns:*", "arn:aws:sns:*:*:t", "arn:aws:s?s:*:*:t*", "arn:aws:sns:eu*1:1*:?", "arn:aws:s3:::b", "arn:aws:s3:::${aws:RequestTag/a:colon, 'b'}", "arn:aws:sns:*:y:t:u")
	default:
		operator, key = "Null", g.one("aws:TagKeys", "aws:username", "aws:nothing", "aws:SourceIp")
		return operator, key, g.strings("true", "false")
	}
	return g.one("", "", "", "ForAllValues:", "ForAnyValue:") + operator + g.one("", "", "IfExists"), key, values
}

func (g generator) statement(kind policy.Kind) map[string]any {
	s := map[string]any{"Effect": g.one("Allow", "Allow", "Allow", "Deny")}
	s[g.one("Action", "Action", "Action", "NotAction")] = g.strings("*", "s3:*", "s3:Get*", "S3:?etobject", "kms:Decrypt", "s3:PutObject", "*", "iam:*")
	s[g.one("Resource", "Resource", "Resource", "NotResource")] = g.strings(append(genPatterns, "*", "*", "*", "*")...)
	if g.chance(45) {
		conditions := map[string]any{}
		for range 1 + g.IntN(2) {
			operator, key, values := g.condition()
			conditions[operator] = map[string]any{key: values}
		}
		s["Condition"] = conditions
	}
	switch kind {
	case policy.Resource, policy.Endpoint:
		if s["Effect"] == "Deny" && g.chance(40) {
			s["NotPrincipal"] = g.principal()
		} else {
			s["Principal"] = g.principal()
		}
	case policy.ResourceControl:
		s["Principal"] = "*"
	}
	return s
}

func (g generator) principal() any {
	if g.chance(25) {
		return "*"
	}
	p := map[string]any{"AWS": g.strings(genNames...)}
	if g.chance(40) {
		p[g.one("Service", "Federated")] = g.strings("s3.amazonaws.com", "accounts.google.com", "sns.amazonaws.com")
	}
	if g.chance(10) {
		p["CanonicalUser"] = "c0ffee"
	}
	return p
}

// document is a random policy in both forms.
type document struct {
	compiled *policy.Document
	decoded  any
}

func (g generator) document(t *testing.T, kind policy.Kind) document {
	doc := map[string]any{}
	if g.chance(80) {
		doc["Version"] = "2012-10-17"
	}
	if g.chance(20) {
		doc["Statement"] = g.statement(kind)
	} else {
		var list []any
		for range 1 + g.IntN(3) {
			list = append(list, g.statement(kind))
		}
		doc["Statement"] = list
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := policy.Parse(string(text), kind)
	if err != nil {
		return g.document(t, kind) // Bool with a variable, before variables were
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	return document{compiled, decoded}
}

func (g generator) request() refRequest {
	r := refRequest{
		who: genPrincipals[g.IntN(len(genPrincipals))], action: g.one(genActions...), resource: g.one(genResources...),
		owner: g.one("", "111111111111", "111111111111", "222222222222"), keys: map[string][]string{},
	}
	for key, values := range genKeys {
		if g.chance(30) {
			continue
		}
		r.keys[key] = []string{g.one(values...)}
		for g.chance(25) {
			r.keys[key] = append(r.keys[key], g.one(values...))
		}
	}
	return r
}

// pool is the documents of one kind.
type pool []document

func (g generator) pool(t *testing.T, kind policy.Kind) (p pool) {
	for range 1500 {
		p = append(p, g.document(t, kind))
	}
	return p
}

func (g generator) pick(p pool, percent int) (*policy.Document, any) {
	if !g.chance(percent) {
		return nil, nil
	}
	d := p[g.IntN(len(p))]
	return d.compiled, d.decoded
}

func (g generator) pickList(p pool, most int) (compiled []*policy.Document, decoded []any) {
	for range g.IntN(most + 1) {
		c, d := g.pick(p, 100)
		compiled, decoded = append(compiled, c), append(decoded, d)
	}
	return compiled, decoded
}

// set is random policies in both forms.
func (g generator) set(pools []pool) (*policy.Set, refSet) {
	var set policy.Set
	var ref refSet
	set.Identity, ref.identity = g.pickList(pools[policy.Identity], 4)
	set.Resource, ref.resource = g.pick(pools[policy.Resource], 55)
	set.Boundary, ref.boundary = g.pick(pools[policy.Boundary], 15)
	set.Endpoint, ref.endpoint = g.pick(pools[policy.Endpoint], 10)
	if g.chance(25) {
		set.Session, ref.session = g.pickList(pools[policy.Session], 3)
	}
	for range g.IntN(6) / 4 {
		compiled, decoded := g.pickList(pools[policy.ServiceControl], 3)
		set.ServiceControl, ref.serviceControl = append(set.ServiceControl, compiled), append(ref.serviceControl, decoded)
	}
	for range g.IntN(6) / 4 {
		compiled, decoded := g.pickList(pools[policy.ResourceControl], 2)
		set.ResourceControl, ref.resourceControl = append(set.ResourceControl, compiled), append(ref.resourceControl, decoded)
	}
	set.MustDelegate = g.chance(20)
	ref.mustDelegate = set.MustDelegate
	return &set, ref
}

func TestDecisionsAgreeWithASecondEvaluator(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed=%d", *seed)
	g := generator{rand.New(rand.NewPCG(*seed, 0))}
	pools := make([]pool, policy.Endpoint+1)
	for kind := range pools {
		if policy.Kind(kind) != policy.Trust {
			pools[kind] = g.pool(t, policy.Kind(kind))
		}
	}
	outcomes := map[string]int{}
	for range differentialCases {
		set, ref := g.set(pools)
		r := g.request()
		req := &policy.Request{Principal: r.who, Action: r.action, Resource: r.resource, ResourceAccount: r.owner, Keys: policy.MapKeys(r.keys)}
		got := policy.Evaluate(req, set)
		want, denials := refDecide(r, ref)
		outcomes[want]++
		if got.Effect.String() != want || denials > 0 && len(got.By) != denials {
			dump, _ := json.Marshal(map[string]any{"identity": ref.identity, "resource": ref.resource, "boundary": ref.boundary, "session": ref.session, "endpoint": ref.endpoint, "scp": ref.serviceControl, "rcp": ref.resourceControl})
			t.Fatalf("Evaluate = %v by %v, the second evaluator says %s (%d denials)\nrequest %+v\nmustDelegate %v\npolicies %s", got.Effect, got.By, want, denials, r, ref.mustDelegate, dump)
		}
	}
	for _, outcome := range []string{"allowed", "explicitDeny", "implicitDeny"} {
		if outcomes[outcome] < differentialCases/20 {
			t.Errorf("only %d of %d cases are %s: the generator tests too little", outcomes[outcome], differentialCases, outcome)
		}
	}
	t.Logf("%d cases: %v", differentialCases, outcomes)
}

func TestConditionsAgreeWithASecondEvaluator(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed=%d", *seed)
	g := generator{rand.New(rand.NewPCG(*seed, 1))}
	held, failed := map[string]int{}, map[string]int{}
	for range 10_000 {
		operator, key, values := g.condition()
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
			"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": map[string]any{operator: map[string]any{key: values}}}})
		if err != nil {
			t.Fatal(err)
		}
		set := &policy.Set{Identity: []*policy.Document{policy.MustParse(string(text), policy.Identity)}}
		for range 5 {
			r := g.request()
			req := &policy.Request{Principal: alice, Action: r.action, Resource: r.resource, Keys: policy.MapKeys(r.keys)}
			got, want := policy.Evaluate(req, set).Effect == policy.Allowed, refCondition(operator, key, values, r, true)
			if got != want {
				t.Fatalf("%s with %v holds: %v, the second evaluator says %v", text, r.keys, got, want)
			}
			if got {
				held[operator]++
			} else {
				failed[operator]++
			}
		}
	}
	// Chance decides what becomes of one form of an operator; of all its forms together some must hold, and some fail.
	bases := map[string][2]int{}
	for operator, n := range held {
		base := strings.TrimSuffix(operator[strings.IndexByte(operator, ':')+1:], "IfExists")
		bases[base] = [2]int{bases[base][0] + n, bases[base][1] + failed[operator]}
	}
	for base, n := range bases {
		if n[0] == 0 || n[1] == 0 {
			t.Errorf("%s held %d times and failed %d times", base, n[0], n[1])
		}
	}
	// 26 operators, each with no or one of two set operators and with IfExists or not, and Null.
	forms := maps.Clone(held)
	maps.Copy(forms, failed)
	if len(forms) != 26*3*2+1 {
		t.Errorf("%d operators were tested, want %d", len(forms), 26*3*2+1)
	}
}
