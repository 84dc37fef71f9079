package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
