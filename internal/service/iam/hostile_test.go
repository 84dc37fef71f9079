package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A request of a few kilobytes can ask for millions of decisions; no more than a page of them is made.
func TestASimulationDecidesNoMoreThanAPage(t *testing.T) {
	w := start(t)
	in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allow("s3:*")}, MaxItems: aws.Int32(10)}
	for i := range 3000 {
		in.ActionNames = append(in.ActionNames, fmt.Sprint("s3:A", i))
		in.ResourceArns = append(in.ResourceArns, fmt.Sprint("arn:aws:s3:::b", i))
	}
	out, err := w.SimulateCustomPolicy(t.Context(), in)
	must(t, err)
	in.Marker = out.Marker
	next, err := w.SimulateCustomPolicy(t.Context(), in)
	must(t, err)
	if len(out.EvaluationResults) != 10 || !out.IsTruncated || *next.EvaluationResults[0].EvalResourceName != "arn:aws:s3:::b10" {
		t.Errorf("got %d decisions, then %v", len(out.EvaluationResults), next.EvaluationResults)
	}
}

// Who may look at the own device must not see those of others by leaving the user out.
func TestGetMFADeviceShowsTheDevicesOfTheUserItIsAboutOnly(t *testing.T) {
	w := start(t)
	w.user("bob")
	serial, _ := w.device()
	eve := iam.NewFromConfig(w.user("eve"))
	w.allowUser("eve", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetMFADevice","Resource":"`+w.arn("user/${aws:username}")+`"}]}`)
	_, err := eve.GetMFADevice(t.Context(), &iam.GetMFADeviceInput{SerialNumber: serial})
	refused(t, err, "NoSuchEntity", "")
	_, err = eve.GetMFADevice(t.Context(), &iam.GetMFADeviceInput{SerialNumber: serial, UserName: aws.String("bob")})
	refused(t, err, "AccessDenied", "")
	out, err := w.GetMFADevice(t.Context(), &iam.GetMFADeviceInput{SerialNumber: serial, UserName: aws.String("bob")})
	must(t, err)
	if *out.UserName != "bob" {
		t.Errorf("the device is %s's", *out.UserName)
	}
}

// A federated user is backed by the user who vouched, not by whoever has that user's name later.
func TestFederatedUserDoesNotInheritFromWhoTakesTheName(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	clerk := w.user("clerk")
	w.allowUser("clerk", allow("sts:GetFederationToken kms:ListKeys"))
	w.user("boss")
	w.allowUser("boss", allow("kms:*"))
	out, err := sts.NewFromConfig(clerk).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String(allow("kms:*"))})
	must(t, err)
	guest := kms.NewFromConfig(session(w.cfg, out.Credentials))
	_, err = guest.ListKeys(ctx, &kms.ListKeysInput{})
	must(t, err)
	_, err = guest.ListAliases(ctx, &kms.ListAliasesInput{})
	refused(t, err, "AccessDeniedException", "")
	for _, change := range [][2]string{{"clerk", "former"}, {"boss", "clerk"}} {
		_, err := w.UpdateUser(ctx, &iam.UpdateUserInput{UserName: &change[0], NewUserName: &change[1]})
		must(t, err)
	}
	_, err = guest.ListAliases(ctx, &kms.ListAliasesInput{})
	refused(t, err, "UnrecognizedClientException", "")
}
