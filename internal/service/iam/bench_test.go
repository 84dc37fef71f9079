package iam

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"redoubt/internal/api"
)

// BenchmarkSession is what the directory costs a call of an assumed role.
func BenchmarkSession(b *testing.B) {
	x := newBench(b)
	trust := aws.String(accessTrust(testAccount))
	out := do[iam.CreateRoleOutput](x, x.admin(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust})
	session := &api.Session{
		Kind: api.AssumedRole, ARN: "arn:aws:sts::" + testAccount + ":assumed-role/r/s", ID: *out.Role.RoleId + ":s", Issuer: *out.Role.Arn,
	}
	c := session.Caller()
	for b.Loop() {
		if _, err := x.Identity(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkForgotten is what it costs after every change: the entity is read, and its policies are compiled.
func BenchmarkForgotten(b *testing.B) {
	x := newBench(b)
	k, err := x.Key(b.Context(), x.operator.AccessKey)
	check(b, err)
	c := callerOf(k)
	for b.Loop() {
		x.forget()
		if _, err := x.Identity(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
