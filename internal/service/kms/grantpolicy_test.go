package kms

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/policy"
)

const (
	bob      = "arn:aws:iam::111111111111:user/bob"
	function = "arn:aws:lambda:us-east-1:111111111111:function:f"
)

func TestGrantsBecomeStatements(t *testing.T) {
	ops := func(o ...types.GrantOperation) []types.GrantOperation { return o }
	for _, c := range []struct {
		name  string
		grant Grant
		want  string
	}{
		{"a plain grant is an allow", Grant{Grantee: bob, Operations: ops("Encrypt", "Decrypt")},
			`[{"Effect":"Allow","Principal":{"AWS":"` + bob + `"},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}]`},
		{"DescribeKey has no encryption context", Grant{Grantee: bob, Operations: ops("Decrypt", "DescribeKey"), Subset: map[string]string{"a": "b"}},
			`[{"Effect":"Allow","Principal":{"AWS":"` + bob + `"},"Action":["kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"redoubt:encryptioncontext:61":"b"}}},` +
				`{"Effect":"Allow","Principal":{"AWS":"` + bob + `"},"Action":["kms:DescribeKey"],"Resource":"*"}]`},
		{"all of the context must be equal", Grant{Grantee: bob, Operations: ops("Decrypt"), Equals: map[string]string{"a": "b"}},
			`[{"Effect":"Allow","Principal":{"AWS":"` + bob + `"},"Action":["kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"redoubt:encryptioncontext":"1 1 a 1 b"}}}]`},
		{"a service acts for one resource", Grant{GranteeService: "lambda.amazonaws.com", Operations: ops("Decrypt"), SourceARN: function},
			`[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":["kms:Decrypt"],"Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"` + function + `"}}}]`},
		{"what is passed on is no more", Grant{Grantee: bob, Operations: ops("CreateGrant")},
			`[{"Effect":"Allow","Principal":{"AWS":"` + bob + `"},"Action":["kms:CreateGrant"],"Resource":"*","Condition":{"ForAllValues:StringEquals":{"kms:GrantOperations":["CreateGrant"]}}}]`},
		{"RetireGrant is about the grant", Grant{Grantee: bob, Operations: ops("RetireGrant")}, `null`},
	} {
		got, err := json.Marshal(c.grant.statements())
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", c.name, got, err, c.want)
		}
		if _, err := c.grant.compile(c.grant.statements()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestGrantIsNamedAsTheReason(t *testing.T) {
	g := Grant{ID: "1", Grantee: bob, Operations: []types.GrantOperation{"Encrypt"}}
	d, err := g.compile(g.statements())
	if err != nil {
		t.Fatal(err)
	}
	req := policy.Request{Principal: policy.Principal{ARN: bob, Account: "111111111111"}, Action: "kms:Encrypt", Resource: "arn:aws:kms:us-east-1:111111111111:key/k", ResourceAccount: "111111111111"}
	decision := policy.Evaluate(&req, &policy.Set{Resource: d, MustDelegate: true})
	if decision.Effect != policy.Allowed || decision.By[0].Policy != "grant 1" {
		t.Errorf("got %+v", decision)
	}
}

func TestTokensNameTheirGrant(t *testing.T) {
	g := Grant{ID: "g", Account: "1", Region: "r", KeyID: "k"}
	p, id, err := parseToken(g.token())
	if err != nil || p != g.place() || id != "g" {
		t.Errorf("got %v, %s, %v", p, id, err)
	}
	for _, junk := range []string{"", "junk", "anVuaw==", "AAAAAA=="} {
		if _, _, err := parseToken(junk); err == nil {
			t.Errorf("%q is a token", junk)
		}
	}
}
