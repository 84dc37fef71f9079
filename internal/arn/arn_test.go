package arn_test

import (
	"testing"

	"redoubt/internal/arn"
)

func TestParseSplitsTheSixFields(t *testing.T) {
	for _, test := range []struct {
		in   string
		want arn.ARN
	}{
		{"arn:aws:iam::123456789012:user/dev/Bob", arn.ARN{Partition: "aws", Service: "iam", Account: "123456789012", Resource: "user/dev/Bob"}},
		{"arn:aws:s3:::bucket/a:b", arn.ARN{Partition: "aws", Service: "s3", Resource: "bucket/a:b"}},
		{"arn:aws-cn:lambda:cn-north-1:123456789012:function:f:1", arn.ARN{Partition: "aws-cn", Service: "lambda", Region: "cn-north-1", Account: "123456789012", Resource: "function:f:1"}},
	} {
		got, err := arn.Parse(test.in)
		if err != nil || got != test.want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", test.in, got, err, test.want)
		}
		if got.String() != test.in {
			t.Errorf("String() = %q, want %q", got, test.in)
		}
	}
}

func TestParseRefusesWhatIsNoARN(t *testing.T) {
	for _, in := range []string{"", "bucket", "urn:aws:s3:::b", "arn:aws:s3::b", "arn::s3:::b", "arn:aws::::b", "arn:aws:s3:::"} {
		if got, err := arn.Parse(in); err == nil || got != (arn.ARN{}) {
			t.Errorf("Parse(%q) = %+v, %v, want an error", in, got, err)
		}
	}
}

func TestSplitReadsTheResource(t *testing.T) {
	for _, test := range []struct{ resource, kind, rest string }{
		{"role/dev/R", "role", "dev/R"},
		{"function:f:1", "function", "f:1"},
		{"bucket", "", "bucket"},
		{"log-group:/aws/lambda/f", "log-group", "/aws/lambda/f"},
	} {
		a := arn.ARN{Resource: test.resource}
		if kind, rest := a.Split(); kind != test.kind || rest != test.rest {
			t.Errorf("Split of %q = %q, %q, want %q, %q", test.resource, kind, rest, test.kind, test.rest)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:iam::123456789012:root")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := arn.Parse(s); err == nil && a.String() != s {
			t.Errorf("String() of Parse(%q) = %q", s, a)
		}
	})
}
