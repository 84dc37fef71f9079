package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"redoubt/internal/policy"
)

// typical is five policies with twenty statements, of which the last allows.
func typical(resource string) *policy.Set {
	set := &policy.Set{}
	for p := range 5 {
		var statements []string
		for s := range 4 {
			statements = append(statements, fmt.Sprintf(`{"Sid":"S%d","Effect":"Allow","Action":["svc%d%d:Get*","svc%d:*"],"Resource":"arn:aws:svc%d:*:111111111111:thing/x*"}`, s, p, s, s, p))
		}
		if p == 0 {
			statements[3] = `{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
		}
		if p == 4 {
			statements[3] = `{"Effect":"Allow","Action":["dynamodb:Query","dynamodb:Get*"],"Resource":"` + resource + `","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]},"StringEquals":{"aws:PrincipalTag/team":["red","blue"]},"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}`
		}
		text := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		set.Identity = append(set.Identity, policy.MustParse(text, policy.Identity))
	}
	return set
}

func typicalRequest() *policy.Request {
	return &policy.Request{
		Principal: role, Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:eu-west-1:111111111111:table/orders-blue", ResourceAccount: "111111111111",
		Keys: policy.MapKeys{
			"aws:sourceip": {"203.0.113.9"}, "aws:principaltag/team": {"blue"}, "aws:currenttime": {"2026-01-02T03:04:05Z"}, "aws:securetransport": {"true"},
		},
	}
}

func BenchmarkDecision(b *testing.B) {
	for _, bench := range []struct{ name, resource string }{
		{"plain", "arn:aws:dynamodb:*:111111111111:table/orders-*"},
		{"variable", "arn:aws:dynamodb:*:111111111111:table/orders-${aws:PrincipalTag/team}"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			set, req := typical(bench.resource), typicalRequest()
			b.ReportAllocs()
			for b.Loop() {
				if policy.Evaluate(req, set).Effect != policy.Allowed {
					b.Fatal("denied")
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := given(`{"StringEquals":{"aws:PrincipalTag/team":["red","blue"]}}`)
	b.ReportAllocs()
	for b.Loop() {
		policy.MustParse(text, policy.Identity)
	}
}

func TestATypicalDecisionDoesNotAllocate(t *testing.T) {
	for _, resource := range []string{"arn:aws:dynamodb:*:111111111111:table/orders-*", "arn:aws:dynamodb:*:*:table/orders-${aws:PrincipalTag/team}"} {
		set, req := typical(resource), typicalRequest()
		if got := testing.AllocsPerRun(100, func() { policy.Evaluate(req, set) }); got != 0 {
			t.Errorf("a decision on %s allocates %v times", resource, got)
		}
	}
}
