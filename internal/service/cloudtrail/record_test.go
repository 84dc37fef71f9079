package cloudtrail_test

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// The fields are those of the user guide, "CloudTrail record contents".
func TestARecordTellsWhoDidWhatAndHow(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`)
	keys, err := bob.Credentials.Retrieve(t.Context())
	must(t, err)
	before := time.Now().Truncate(time.Second)
	_, err = iam.NewFromConfig(bob).CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("team"), Path: aws.String("/red/")})
	must(t, err)
	u, err := a.iam().GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("bob")})
	must(t, err)
	event, record := a.one("CreateGroup")
	has(t, record, map[string]any{
		"eventVersion": "1.11", "eventSource": "iam.amazonaws.com", "eventName": "CreateGroup", "awsRegion": "us-east-1",
		"eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "readOnly": false,
		"recipientAccountId": a.id, "sourceIPAddress": "127.0.0.1", "eventID": *event.EventId, "sharedEventID": nil,
		"errorCode": nil, "errorMessage": nil, "tlsDetails.tlsVersion": "TLSv1.3",
		"userIdentity.type": "IAMUser", "userIdentity.principalId": *u.User.UserId, "userIdentity.arn": *u.User.Arn,
		"userIdentity.accountId": a.id, "userIdentity.accessKeyId": keys.AccessKeyID, "userIdentity.userName": "bob",
		"userIdentity.sessionContext": nil,
		"requestParameters.groupName": "team", "requestParameters.path": "/red/",
		"responseElements.group.arn": "arn:aws:iam::" + a.id + ":group/red/team",
	})
	when, err := time.Parse("2006-01-02T15:04:05Z", at(record, "eventTime").(string))
	must(t, err)
	if when.Before(before) || when.After(time.Now()) || !when.Equal(*event.EventTime) {
		t.Errorf("event is of %s, and shown as of %s", when, event.EventTime)
	}
	for _, field := range []string{"userAgent", "requestID", "tlsDetails.cipherSuite", "tlsDetails.clientProvidedHostHeader"} {
		if s, _ := at(record, field).(string); s == "" {
			t.Errorf("record has no %s", field)
		}
	}
}

func TestARecordOfAReadingCallHasNoAnswer(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.listGroups(t.Context(), 1)
	_, record := a.one("ListGroups")
	has(t, record, map[string]any{"readOnly": true, "requestParameters": nil, "responseElements": nil})
	for _, field := range []string{"requestParameters", "responseElements"} {
		if _, ok := record[field]; !ok {
			t.Errorf("record has no %s, not even null", field)
		}
	}
}

func TestARoleSessionIsRecordedWithItsRoleAndFoundByTheKeyItGot(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", `{"AWS":"arn:aws:iam::`+a.id+`:user/bob"}`)
	session := assume(t, bob, role)
	c := session.Credentials
	cfg := redoubttest.With(a.cfg, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	(&account{t: t, cfg: cfg}).listGroups(t.Context(), 1)
	event, record := a.one("ListGroups")
	id, _, _ := strings.Cut(*session.AssumedRoleUser.AssumedRoleId, ":")
	has(t, record, map[string]any{
		"userIdentity.type": "AssumedRole", "userIdentity.principalId": id + ":session",
		"userIdentity.arn":       "arn:aws:sts::" + a.id + ":assumed-role/r/session",
		"userIdentity.accountId": a.id, "userIdentity.accessKeyId": *c.AccessKeyId,
		"userIdentity.sessionContext.sessionIssuer.type":          "Role",
		"userIdentity.sessionContext.sessionIssuer.principalId":   id,
		"userIdentity.sessionContext.sessionIssuer.arn":           role,
		"userIdentity.sessionContext.sessionIssuer.accountId":     a.id,
		"userIdentity.sessionContext.sessionIssuer.userName":      "r",
		"userIdentity.sessionContext.attributes.mfaAuthenticated": "false",
	})
	if *event.Username != "session" {
		t.Errorf("username is %s", *event.Username)
	}
	_, issue := a.one("AssumeRole")
	has(t, issue, map[string]any{
		"userIdentity.userName": "bob", "readOnly": true, "requestParameters.roleArn": role,
		"responseElements.credentials.accessKeyId": *c.AccessKeyId,
		"responseElements.assumedRoleUser.arn":     "arn:aws:sts::" + a.id + ":assumed-role/r/session",
	})
}

func TestAResourceOfSeveralPermissionsIsListedOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	role := a.role("r", `{"AWS":"`+a.id+`"}`)
	_, err := a.iam().UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("r"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"AWS":"` + a.id + `"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`),
	})
	must(t, err)
	_, err = sts.NewFromConfig(a.cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("session"), Tags: []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("red")}},
	})
	must(t, err)
	event, record := a.one("AssumeRole")
	if listed, _ := at(record, "resources").([]any); len(listed) != 1 || len(event.Resources) != 1 {
		t.Errorf("resources are %v, and shown as %v", listed, event.Resources)
	}
}

func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "bootstrap"})
	must(t, err)
	_, err = f.Write([]byte("#!/bin/sh\n"))
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func (a *account) function(name, secret string) {
	a.t.Helper()
	_, err := lambda.NewFromConfig(a.cfg).CreateFunction(a.t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("x"),
		Role: aws.String(a.role(name+"-role", `{"Service":"lambda.amazonaws.com"}`)), Code: &lambdatypes.FunctionCode{ZipFile: archive(a.t)},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"PASSWORD": secret}},
	})
	must(a.t, err)
}

func TestCallsOfServicesAreRecordedAsTheirs(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.function("f", "canary")
	var byService, forwarded bool
	for _, e := range a.find(&sdk.LookupEventsInput{}) {
		record := recordOf(t, e)
		switch {
		case at(record, "userIdentity.type") == "AWSService":
			byService = true
			has(t, record, map[string]any{
				"userIdentity.invokedBy": "lambda.amazonaws.com", "sourceIPAddress": "lambda.amazonaws.com", "userAgent": "lambda.amazonaws.com",
				"userIdentity.accountId": nil, "userIdentity.arn": nil, "recipientAccountId": a.id,
			})
		case at(record, "userIdentity.invokedBy") == "lambda.amazonaws.com":
			forwarded = true
			has(t, record, map[string]any{"userIdentity.userName": "operator", "sourceIPAddress": "lambda.amazonaws.com"})
		}
	}
	if !byService || !forwarded {
		t.Errorf("calls by the service itself: %v, calls that it forwards: %v", byService, forwarded)
	}
}

func TestARefusedCallIsRecordedWithItsReason(t *testing.T) {
	t.Parallel()
	a := start(t)
	nobody := a.user("nobody", "")
	_, err := iam.NewFromConfig(nobody).CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("team")})
	refused(t, err, "AccessDenied")
	_, record := a.one("CreateGroup")
	has(t, record, map[string]any{
		"errorCode": "AccessDenied", "userIdentity.userName": "nobody", "requestParameters.groupName": "team", "responseElements": nil,
		"errorMessage": "User: arn:aws:iam::" + a.id + ":user/nobody is not authorized to perform: iam:CreateGroup on resource: arn:aws:iam::" + a.id +
			":group/team because no identity-based policy allows the iam:CreateGroup action",
	})
}

func TestAFailedCallIsRecordedWithItsError(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, err := a.iam().DeleteGroup(t.Context(), &iam.DeleteGroupInput{GroupName: aws.String("missing")})
	refused(t, err, "NoSuchEntity")
	_, record := a.one("DeleteGroup")
	has(t, record, map[string]any{"errorCode": "NoSuchEntityException", "userIdentity.userName": "operator", "requestParameters.groupName": "missing"})
}

func TestAWrongSignatureIsRecordedAsNobodys(t *testing.T) {
	t.Parallel()
	a := start(t)
	keys, err := a.cfg.Credentials.Retrieve(t.Context())
	must(t, err)
	forger := redoubttest.With(a.cfg, keys.AccessKeyID, "wrong", "")
	_, err = kms.NewFromConfig(forger).ListKeys(t.Context(), &kms.ListKeysInput{})
	refused(t, err, "InvalidSignatureException")
	_, record := a.one("ListKeys")
	has(t, record, map[string]any{
		"errorCode": "InvalidSignatureException", "userIdentity.type": "Unknown", "userIdentity.arn": nil,
		"userIdentity.userName": nil, "userIdentity.accessKeyId": keys.AccessKeyID, "recipientAccountId": a.id,
	})
}

// secretsOf makes calls that carry secrets, and returns these.
func secretsOf(t *testing.T, a *account) []string {
	t.Helper()
	ctx := t.Context()
	_, err := a.iam().CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bob")})
	must(t, err)
	key, err := a.iam().CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("bob")})
	must(t, err)
	device, err := a.iam().CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(t, err)
	token, err := sts.NewFromConfig(a.cfg).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	must(t, err)
	federation, err := sts.NewFromConfig(a.cfg).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("alice")})
	must(t, err)
	session := assume(t, redoubttest.With(a.cfg, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""), a.role("r", `{"AWS":"arn:aws:iam::`+a.id+`:user/bob"}`))
	k, err := kms.NewFromConfig(a.cfg).CreateKey(ctx, &kms.CreateKeyInput{})
	must(t, err)
	const text, password = "canary-of-the-plaintext", "canary-of-the-environment"
	sealed, err := kms.NewFromConfig(a.cfg).Encrypt(ctx, &kms.EncryptInput{KeyId: k.KeyMetadata.KeyId, Plaintext: []byte(text)})
	must(t, err)
	_, err = kms.NewFromConfig(a.cfg).Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	must(t, err)
	data, err := kms.NewFromConfig(a.cfg).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: k.KeyMetadata.KeyId, KeySpec: kmstypes.DataKeySpecAes256})
	must(t, err)
	a.function("f", password)
	_, err = lambda.NewFromConfig(a.cfg).UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Environment: &lambdatypes.Environment{Variables: map[string]string{"PASSWORD": password}},
	})
	must(t, err)
	return []string{
		*key.AccessKey.SecretAccessKey, string(device.VirtualMFADevice.Base32StringSeed), text, password, string(data.Plaintext),
		*token.Credentials.SecretAccessKey, *token.Credentials.SessionToken, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken,
		*federation.Credentials.SecretAccessKey, *federation.Credentials.SessionToken,
	}
}

func TestSecretsAreNotRecorded(t *testing.T) {
	t.Parallel()
	a := start(t)
	secrets := secretsOf(t, a)
	var names []string
	for _, e := range a.find(&sdk.LookupEventsInput{}) {
		names = append(names, *e.EventName)
		for i, s := range secrets {
			if strings.Contains(*e.CloudTrailEvent, s) || strings.Contains(*e.CloudTrailEvent, base64Of(s)) {
				t.Errorf("the record of %s has secret %d", *e.EventName, i)
			}
		}
	}
	for _, name := range []string{"CreateAccessKey", "CreateVirtualMFADevice", "GetSessionToken", "GetFederationToken", "AssumeRole", "Encrypt", "Decrypt", "GenerateDataKey", "CreateFunction20150331", "UpdateFunctionConfiguration20150331v2"} {
		short := strings.TrimRight(strings.TrimSuffix(name, "v2"), "0123456789")
		if !slices.Contains(names, name) && !slices.Contains(names, short) {
			t.Errorf("there is no record of %s", name)
		}
	}
	_, record := a.one("CreateAccessKey")
	has(t, record, map[string]any{"responseElements.accessKey.userName": "bob", "responseElements.accessKey.status": "Active"})
}

func TestACallThatConcernsTwoAccountsIsInBothTrails(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	role := b.role("r", `{"AWS":"`+a.id+`"}`)
	assume(t, a.cfg, role)
	_, ours := a.one("AssumeRole")
	_, theirs := b.one("AssumeRole")
	has(t, ours, map[string]any{"recipientAccountId": a.id, "userIdentity.type": "IAMUser", "userIdentity.userName": "operator"})
	has(t, theirs, map[string]any{
		"recipientAccountId": b.id, "userIdentity.type": "AWSAccount", "userIdentity.accountId": a.id,
		"userIdentity.principalId": at(ours, "userIdentity.principalId"), "userIdentity.userName": nil, "userIdentity.arn": nil,
		"userIdentity.accessKeyId": nil, "requestID": ours["requestID"], "sharedEventID": ours["sharedEventID"],
	})
	if ours["eventID"] == theirs["eventID"] || ours["sharedEventID"] == nil {
		t.Errorf("event ids are %v and %v, shared %v", ours["eventID"], theirs["eventID"], ours["sharedEventID"])
	}
}

func TestACallThatIsDeniedAcrossAccountsIsInTheCallersTrail(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	role := b.role("r", `{"AWS":"`+b.id+`"}`)
	_, err := sts.NewFromConfig(a.cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	refused(t, err, "AccessDenied")
	a.one("AssumeRole")
	if found := b.find(attribute(types.LookupAttributeKeyEventName, "AssumeRole")); len(found) > 0 {
		t.Errorf("a stranger's denied call is in %d records of the owner", len(found))
	}
}

func TestDataEventsAreKeptWhereAskedForAndWhenRefused(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		s := redoubttest.Run(t, app.Config{RecordData: keep})
		a := accountOf(t, s.Account(t))
		a.function("f", "")
		invoke := func(cfg aws.Config) error {
			_, err := lambda.NewFromConfig(cfg).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeDryRun})
			return err
		}
		must(t, invoke(a.cfg))
		refused(t, invoke(a.user("nobody", "")), "AccessDeniedException")
		found := a.find(attribute(types.LookupAttributeKeyEventName, "Invoke"))
		if want := map[bool]int{false: 1, true: 2}[keep]; len(found) != want {
			t.Errorf("data events kept %v: got %d, want %d", keep, len(found), want)
		}
		has(t, recordOf(t, found[0]), map[string]any{
			"errorCode": "AccessDeniedException", "eventCategory": "Data", "managementEvent": false, "userIdentity.userName": "nobody",
		})
	}
}
