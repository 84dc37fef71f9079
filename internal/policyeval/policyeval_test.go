package policyeval_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"redoubt/internal/policyeval"
)

// run evaluates lines and gives the answers.
func run(t *testing.T, in string) (out string, malformed int) {
	t.Helper()
	var b strings.Builder
	malformed, err := policyeval.Run(t.Context(), strings.NewReader(in), &b)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return b.String(), malformed
}

const (
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	publicAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	alice     = `"principal":"arn:aws:iam::111111111111:user/alice"`
	get       = `,"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"`
)

func TestLinesAreDecided(t *testing.T) {
	identity := `,"identityPolicies":[` + allowAll + `]`
	quoted, _ := json.Marshal(allowAll)
	const byIdentity = `"decision":"allowed","by":[{"policy":"identityPolicies[0]","statement":0,"sid":"All"}]}`
	const implicit = `"decision":"implicitDeny","by":[]}`
	for _, test := range []struct{ name, in, want string }{
		{"an allow", `{"id":"1",` + alice + get + identity + `}`, `{"id":"1",` + byIdentity},
		{"no allow", `{"id":2,` + alice + get + `}`, `{"id":2,` + implicit},
		{"no id", `{` + alice + get + `}`, `{"id":null,` + implicit},
		{"space between everything", " { \"id\" : \"a\\\"b\" ,\t" + alice + get + ` , "identityPolicies" : [ ` + allowAll + ` ] } `, `{"id":"a\"b",` + byIdentity},
		{"a document as a string", `{"id":"1",` + alice + get + `,"identityPolicies":[` + string(quoted) + `]}`, `{"id":"1",` + byIdentity},
		{"nulls", `{"id":"1",` + alice + get + identity + `,"resourcePolicy":null,"context":null,"sessionPolicies":null}`, `{"id":"1",` + byIdentity},
		{"denials", `{"id":"1",` + alice + get + identity + `,"permissionsBoundary":` + denyAll + `,"serviceControlPolicies":[[` + allowAll + `],[` + allowAll + `,` + denyAll + `]]}`,
			`{"id":"1","decision":"explicitDeny","by":[{"policy":"serviceControlPolicies[1][1]","statement":0},{"policy":"permissionsBoundary","statement":0}]}`},
		{"every layer", `{"id":"1",` + alice + get + identity + `,"resourceAccount":"222222222222","resourcePolicy":` + publicAll + `,"sessionPolicies":[` + allowAll + `],"endpointPolicy":` + publicAll + `,"resourceControlPolicies":[[` + publicAll + `]]}`,
			`{"id":"1","decision":"allowed","by":[{"policy":"endpointPolicy","statement":0},{"policy":"identityPolicies[0]","statement":0,"sid":"All"},{"policy":"sessionPolicies[0]","statement":0,"sid":"All"},{"policy":"resourcePolicy","statement":0}]}`},
		{"the account of the resource", `{"id":"1",` + alice + `,"action":"sqs:SendMessage","resource":"arn:aws:sqs:eu-west-1:222222222222:q"` + identity + `}`, `{"id":"1",` + implicit},
		{"a key", `{"id":"1",` + alice + `,"action":"kms:Decrypt","resource":"arn:aws:kms:eu-west-1:111111111111:key/k"` + identity + `}`, `{"id":"1",` + implicit},
		{"a key's alias", `{"id":"1",` + alice + `,"action":"kms:CreateAlias","resource":"arn:aws:kms:eu-west-1:111111111111:alias/k"` + identity + `}`, `{"id":"1",` + byIdentity},
		{"a role's trust policy", `{"id":"1",` + alice + `,"action":"sts:AssumeRole","resource":"arn:aws:iam::111111111111:role/R","resourcePolicy":{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}` + identity + `}`,
			`{"id":"1","decision":"allowed","by":[{"policy":"identityPolicies[0]","statement":0,"sid":"All"},{"policy":"resourcePolicy","statement":0}]}`},
		{"a service", `{"id":"1","principal":{"service":"s3.amazonaws.com"}` + get + `,"resourcePolicy":` + publicAll + `}`, `{"id":"1","decision":"allowed","by":[{"policy":"resourcePolicy","statement":0}]}`},
		{"a federated caller", `{"id":"1","principal":{"federated":"accounts.google.com"}` + get + `}`, `{"id":"1",` + implicit},
		{"an anonymous caller", `{"id":"1","principal":{"anonymous":true}` + get + `}`, `{"id":"1",` + implicit},
		{"a root user", `{"id":"1","principal":"arn:aws:iam::111111111111:root"` + get + `}`, `{"id":"1","decision":"allowed","by":[]}`},
		{"a role session", `{"id":"1","principal":"arn:aws:sts::111111111111:assumed-role/R/s"` + get + `,"resourcePolicy":{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/R"},"Action":"*","Resource":"*"}}}`,
			`{"id":"1","decision":"allowed","by":[{"policy":"resourcePolicy","statement":0}]}`},
		{"a role", `{"id":"1","principal":"arn:aws:iam::111111111111:role/path/R"` + get + `,"resourcePolicy":{"Statement":{"Sid":"a \"é\"","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/path/R"},"Action":"*","Resource":"*"}}}`,
			`{"id":"1","decision":"allowed","by":[{"policy":"resourcePolicy","statement":0,"sid":"a \"é\""}]}`},
		{"a federated user", `{"id":"1","principal":"arn:aws:sts::111111111111:federated-user/bob"` + get + identity + `}`, `{"id":"1",` + implicit},
		{"condition keys", `{"id":"1",` + alice + get + `,"context":{"AWS:TagKeys":["a","b"],"n":7,"b":true,"e":"\u0061\n"},"identityPolicies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:tagkeys":["a","b"]},"NumericEquals":{"N":"7"},"Bool":{"b":"true"},"StringEquals":{"e":"a\n"}}}}]}`,
			`{"id":"1","decision":"allowed","by":[{"policy":"identityPolicies[0]","statement":0}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, malformed := run(t, test.in+"\n"); got != test.want+"\n" || malformed != 0 {
				t.Errorf("%s\ngives  %swant   %s", test.in, got, test.want)
			}
		})
	}
}

func TestMalformedLinesAreAnsweredAndCounted(t *testing.T) {
	const syntax = "the line is not valid JSON"
	for _, test := range []struct{ name, in, want string }{
		{"no JSON", `{"id":1`, syntax},
		{"no object", `[]`, "the line must be an object"},
		{"two objects", `{"id":1,` + alice + get + `} {}`, syntax},
		{"no comma", `{"id":1 "action":"a"}`, syntax},
		{"no colon", `{"id":1,"action" "a"}`, syntax},
		{"number as name", `{"id":1,2:3}`, syntax},
		{"a string without end", `{"id":1,"action":"a}`, syntax},
		{"a string with a line break", "{\"id\":1,\"action\":\"a\x01b\"}", syntax},
		{"a list without comma", `{"id":1,"identityPolicies":[` + allowAll + ` ` + allowAll + `]}`, syntax},
		{"an object without end", `{"id":1,"identityPolicies":[{`, syntax},
		{"an id that is no JSON", `{"id":1x}`, syntax},
		{"nothing as a value", `{"id":1,"action":}`, `action must be a string`},
		{"nothing as a key", `{"id":1,"context":{"a":}}`, syntax},
		{"an end before a value", `{"id":1,"context":`, syntax},
		{"nothing as a document", `{"id":1,"resourcePolicy":}`, syntax},
		{"nothing in a list", `{"id":1,"identityPolicies":[,]}`, syntax},
		{"an id that is an object", `{"id":{}}`, "id must be a string, a number or a boolean"},
		{"an unknown field", `{"id":1,"identityPolicy":[]}`, `unknown field "identityPolicy"`},
		{"a field that stands twice", `{"id":1,"action":"a","action":"b"}`, `the line: "action" is there twice`},
		{"no principal", `{"id":1` + get + `}`, "principal is missing"},
		{"no action", `{"id":1,` + alice + `,"resource":"*"}`, "action is missing"},
		{"no resource", `{"id":1,` + alice + `,"action":"s3:GetObject"}`, "resource is missing"},
		{"a number as principal", `{"id":1,"principal":7}`, "principal must be a string"},
		{"a name as principal", `{"id":1,"principal":"alice"}`, `principal: "alice" is not an ARN: it does not start with "arn:"`},
		{"a bucket as principal", `{"id":1,"principal":"arn:aws:s3:::b"}`, `principal: "arn:aws:s3:::b" is not a user, role, role session, federated user or root user`},
		{"another kind of principal", `{"id":1,"principal":{"aws":"x"}}`, `a principal has no "aws"; it is an ARN or one of service, federated and anonymous`},
		{"a condition key that is an object", `{"id":1,"context":{"a":{}}}`, "a must be a string, a number or a boolean"},
		{"a context that is a list", `{"id":1,"context":[]}`, "context must be an object"},
		{"policies that are no list", `{"id":1,"identityPolicies":{}}`, "identityPolicies must be a list"},
		{"levels that are no lists", `{"id":1,"serviceControlPolicies":[{}]}`, "serviceControlPolicies must be a list"},
		{"a malformed document", `{"id":1,` + alice + get + `,"sessionPolicies":[` + allowAll + `,{}]}`, "sessionPolicies[1]: Syntax errors in policy."},
		{"a malformed resource policy", `{"id":1,` + alice + get + `,"resourcePolicy":` + allowAll + `}`, "resourcePolicy: Missing required field Principal"},
		{"a document in a malformed string", `{"id":1,"permissionsBoundary":"\x"}`, `permissionsBoundary: invalid character 'x' in string escape code`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, malformed := run(t, test.in+"\n")
			var answer struct {
				ID    json.RawMessage
				Error string
			}
			if err := json.Unmarshal([]byte(got), &answer); err != nil || answer.Error != test.want || malformed != 1 {
				t.Errorf("%s\ngives  %swant   %s", test.in, got, test.want)
			}
		})
	}
}

func TestTheIDOfAMalformedLineIsKept(t *testing.T) {
	if got, _ := run(t, `{"id":"x","foo":1}`); got != `{"id":"x","error":"unknown field \"foo\""}`+"\n" {
		t.Errorf("answer is %s", got)
	}
}

func TestLongLinesAreRefused(t *testing.T) {
	line := `{"id":1,` + alice + get + `}` + "\n"
	got, malformed := run(t, line+strings.Repeat("x", policyeval.MaxLine+1)+"\n"+"  \n\n"+line)
	want := `{"id":1,"decision":"implicitDeny","by":[]}` + "\n"
	if got != want+`{"id":null,"error":"the line is longer than 4194304 bytes"}`+"\n"+want || malformed != 1 {
		t.Errorf("answers are %s, %d malformed", got, malformed)
	}
}

func TestAnswersComeInOrder(t *testing.T) {
	var in, want strings.Builder
	for i := range 20_000 {
		who, decision := "alice", "implicitDeny"
		if i%3 == 0 {
			who, decision = "bob", "allowed"
		}
		fmt.Fprintf(&in, `{"id":%d,"principal":"arn:aws:iam::111111111111:user/%s"%s,"identityPolicies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bob"}}}}],"context":{"aws:username":%q}}`+"\n", i, who, get, who)
		by := ""
		if decision == "allowed" {
			by = `{"policy":"identityPolicies[0]","statement":0}`
		}
		fmt.Fprintf(&want, `{"id":%d,"decision":%q,"by":[%s]}`+"\n", i, decision, by)
	}
	if got, malformed := run(t, in.String()); got != want.String() || malformed != 0 {
		t.Errorf("%d answers, %d malformed, differ from what was asked", strings.Count(got, "\n"), malformed)
	}
}

func TestReadingAndWritingFail(t *testing.T) {
	broken := errors.New("broken")
	line := `{"id":1,` + alice + get + `}` + "\n"
	if _, err := policyeval.Run(t.Context(), io.MultiReader(strings.NewReader(line), iotest.ErrReader(broken)), io.Discard); !errors.Is(err, broken) {
		t.Errorf("Run = %v, want the reader's error", err)
	}
	r, w := io.Pipe()
	r.CloseWithError(broken)
	if _, err := policyeval.Run(t.Context(), strings.NewReader(strings.Repeat(line, 50_000)), w); !errors.Is(err, broken) {
		t.Errorf("Run = %v, want the writer's error", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	line := `{"id":1,` + alice + get + `}` + "\n"
	if _, err := policyeval.Run(ctx, strings.NewReader(strings.Repeat(line, 100_000)), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want %v", err, context.Canceled)
	}
	silent, _ := io.Pipe()
	if _, err := policyeval.Run(ctx, silent, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Run of a silent reader = %v, want %v", err, context.Canceled)
	}
}

func FuzzRun(f *testing.F) {
	f.Add(`{"id":"1",` + alice + get + `,"identityPolicies":[` + allowAll + `],"context":{"a":["b",1,true],"c":"\u00e9"}}`)
	f.Add(`{"id":-1.5e3,"principal":{"service":"s3.amazonaws.com"}` + get + `,"serviceControlPolicies":[[` + allowAll + `],[]],"resourcePolicy":` + publicAll + `}`)
	f.Fuzz(func(t *testing.T, line string) {
		var out bytes.Buffer
		malformed, err := policyeval.Run(t.Context(), strings.NewReader(line), &out)
		if err != nil {
			t.Fatal(err)
		}
		for answer := range bytes.Lines(out.Bytes()) {
			if !json.Valid(answer) {
				t.Errorf("answer %q is not JSON", answer)
			}
		}
		if malformed == 0 && !strings.Contains(strings.TrimSpace(line), "\n") && strings.TrimSpace(line) != "" && !json.Valid([]byte(line)) {
			t.Errorf("%q is decided though it is not JSON", line)
		}
	})
}

// BenchmarkRun decides lines as a policy test has them: about 0.9 kB, the same few policies with changing requests.
func BenchmarkRun(b *testing.B) {
	var in bytes.Buffer
	statement := func(action string) string {
		return `{"Sid":"S` + action + `","Effect":"Allow","Action":["` + action + `:Get*","` + action + `:List*"],"Resource":"arn:aws:` + action + `:*:111111111111:thing/${aws:username}/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`
	}
	document := `{"Version":"2012-10-17","Statement":[` + statement("sqs") + `,` + statement("dynamodb") + `]}`
	const lines = 10_000
	for i := range lines {
		fmt.Fprintf(&in, `{"id":"case-%d",%s,"action":"dynamodb:GetItem","resource":"arn:aws:dynamodb:eu-west-1:111111111111:thing/alice/%d","context":{"aws:SourceIp":"10.0.%d.1","aws:username":"alice","aws:TagKeys":["a","b"]},"identityPolicies":[%s,%s],"permissionsBoundary":%s}`+"\n",
			i, alice, i, i%256, document, allowAll, allowAll)
	}
	b.SetBytes(int64(in.Len()))
	for b.Loop() {
		if malformed, err := policyeval.Run(b.Context(), bytes.NewReader(in.Bytes()), io.Discard); err != nil || malformed != 0 {
			b.Fatal(malformed, err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
