package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestASimulationTellsWhatAPolicyWouldDo(t *testing.T) {
	w := start(t)
	policy := "{\"Version\":\"2012-10-17\",\"Statement\":[\n {\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"},\n {\"Effect\":\"Deny\",\"Action\":\"s3:DeleteObject\",\"Resource\":\"*\"}]}"
	out, err := w.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{policy}, ActionNames: []string{"s3:GetObject", "s3:DeleteObject", "sqs:SendMessage"},
	})
	must(t, err)
	var got []string
	for _, r := range out.EvaluationResults {
		got = append(got, string(r.EvalDecision))
	}
	if s := strings.Join(got, " "); s != "allowed explicitDeny implicitDeny" {
		t.Errorf("decisions are %s", s)
	}
	if st := out.EvaluationResults[1].MatchedStatements; len(st) != 1 || *st[0].SourcePolicyId != "PolicyInputList.1" ||
		st[0].StartPosition.Line != 3 || st[0].StartPosition.Column != 2 {
		t.Errorf("denied by %+v at %+v", st, st[0].StartPosition)
	}
}

func TestASimulationTellsWhichContextIsMissing(t *testing.T) {
	w := start(t)
	ask := &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`},
		ActionNames:     []string{"s3:GetObject"},
	}
	out, err := w.SimulateCustomPolicy(t.Context(), ask)
	must(t, err)
	if r := out.EvaluationResults[0]; r.EvalDecision != "implicitDeny" || strings.Join(r.MissingContextValues, " ") != "aws:SourceIp" {
		t.Errorf("%s for lack of %v", r.EvalDecision, r.MissingContextValues)
	}
	ask.ContextEntries = []types.ContextEntry{{ContextKeyName: aws.String("aws:SourceIp"), ContextKeyType: types.ContextKeyTypeEnumIp, ContextKeyValues: []string{"10.1.2.3"}}}
	out, err = w.SimulateCustomPolicy(t.Context(), ask)
	must(t, err)
	if r := out.EvaluationResults[0]; r.EvalDecision != "allowed" {
		t.Errorf("decision is %s", r.EvalDecision)
	}
}

func TestASimulationOfAUserCountsGroupsAndBoundary(t *testing.T) {
	w := start(t)
	ctx, bob := t.Context(), aws.String("bob")
	w.user("bob")
	_, err := w.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")})
	must(t, err)
	_, err = w.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("g"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("s3:GetObject sqs:SendMessage"))})
	must(t, err)
	_, err = w.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: bob})
	must(t, err)
	boundary := w.policy("b", allow("s3:*"))
	_, err = w.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: bob, PermissionsBoundary: &boundary})
	must(t, err)
	ask := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(w.arn("user/bob")), ActionNames: []string{"s3:GetObject", "sqs:SendMessage"}}
	out, err := w.SimulatePrincipalPolicy(ctx, ask)
	must(t, err)
	if r := out.EvaluationResults; r[0].EvalDecision != "allowed" || r[1].EvalDecision != "implicitDeny" || r[1].PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary {
		t.Errorf("results are %+v", r)
	}
	ask.PolicyExclusionList = []types.PolicyIdentifier{&types.PolicyIdentifierMemberPolicyArn{Value: boundary}}
	out, err = w.SimulatePrincipalPolicy(ctx, ask)
	must(t, err)
	if r := out.EvaluationResults[1]; r.EvalDecision != "allowed" {
		t.Errorf("without the boundary it is %s", r.EvalDecision)
	}
}

func TestContextKeysAreFoundInConditionsAndVariables(t *testing.T) {
	w := start(t)
	out, err := w.GetContextKeysForCustomPolicy(t.Context(), &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"${aws:ResourceTag/team}"}}}}`,
	}})
	must(t, err)
	if got := strings.Join(out.ContextKeyNames, " "); got != "aws:PrincipalTag/team aws:ResourceTag/team aws:username" {
		t.Errorf("keys are %s", got)
	}
}
