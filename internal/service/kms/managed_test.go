package kms_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trail "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
)

// viaLambda is a call of a user that Lambda forwards.
func viaLambda(t *testing.T, p *principal) context.Context {
	return api.Via(api.WithCaller(ctx, p.caller(t)), "lambda.amazonaws.com")
}

const lambdaKey = "alias/aws/lambda"

func TestManagedKeyIsMadeOnFirstUseThroughItsService(t *testing.T) {
	t.Parallel()
	a := serve(t)
	n := a.nobody(t, "n")
	_, err := a.encrypt(lambdaKey)
	refused(t, err, "AccessDeniedException", "...")
	list, err := a.ListAliases(ctx, &sdk.ListAliasesInput{})
	must(t, err)
	if len(list.Aliases) != 0 {
		t.Fatal("a call that was denied made the key")
	}
	out, err := api.Call[sdk.EncryptOutput](viaLambda(t, n), a.server.App.Registry(), &sdk.EncryptInput{KeyId: ptr(lambdaKey), Plaintext: []byte("x")})
	must(t, err)
	again, err := api.Call[sdk.EncryptOutput](viaLambda(t, a), a.server.App.Registry(), &sdk.EncryptInput{KeyId: ptr(lambdaKey), Plaintext: []byte("x")})
	must(t, err)
	if *out.KeyId != *again.KeyId {
		t.Error("two calls made two keys")
	}
	_, err = api.Call[sdk.DecryptOutput](viaLambda(t, n), a.server.App.Registry(), &sdk.DecryptInput{CiphertextBlob: out.CiphertextBlob})
	must(t, err)
	_, err = a.decrypt(out.CiphertextBlob)
	refused(t, err, "AccessDeniedException", "...")
	_, err = api.Call[sdk.DecryptOutput](viaLambda(t, a.neighbour(t)), a.server.App.Registry(), &sdk.DecryptInput{CiphertextBlob: out.CiphertextBlob})
	refused(t, err, "AccessDeniedException", "...")
}

func TestEveryManagedKeyServesItsServiceOnly(t *testing.T) {
	t.Parallel()
	a := serve(t)
	n := a.nobody(t, "n")
	services := []string{"dynamodb", "kinesis", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm"}
	for i, service := range services {
		via := func(service string) context.Context {
			return api.Via(api.WithCaller(ctx, n.caller(t)), service+".amazonaws.com")
		}
		in := &sdk.GenerateDataKeyInput{KeyId: ptr("alias/aws/" + service), KeySpec: "AES_256", EncryptionContext: contextOf([]string{"a", "b"})}
		out, err := api.Call[sdk.GenerateDataKeyOutput](via(service), a.server.App.Registry(), in)
		must(t, err)
		open := &sdk.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: in.EncryptionContext}
		_, err = api.Call[sdk.DecryptOutput](via(service), a.server.App.Registry(), open)
		must(t, err)
		_, err = api.Call[sdk.DecryptOutput](via(services[(i+1)%len(services)]), a.server.App.Registry(), open)
		refused(t, err, "AccessDeniedException", "...")
		key, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: out.KeyId})
		must(t, err)
		if m := key.KeyMetadata; m.KeyManager != types.KeyManagerTypeAws || !strings.HasPrefix(*m.Description, "Default key that protects my ") {
			t.Errorf("got %+v", m)
		}
		if text := a.policyOf(t, *out.KeyId); !strings.Contains(text, `"`+service+"."+region+`.amazonaws.com"`) {
			t.Errorf("got %s", text)
		}
	}
}

func TestManagedKeyIsDescribedAndCannotBeChanged(t *testing.T) {
	t.Parallel()
	a := start(t)
	out, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: ptr(lambdaKey)})
	must(t, err)
	m := out.KeyMetadata
	if m.KeyManager != types.KeyManagerTypeAws || *m.Description != "Default key that protects my Lambda functions when no other key is defined" {
		t.Errorf("got %+v", m)
	}
	status, err := a.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: m.KeyId})
	must(t, err)
	if !status.KeyRotationEnabled || time.Until(*status.NextRotationDate) > 366*24*time.Hour {
		t.Errorf("got %+v", status)
	}
	_, disabling := a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: m.KeyId})
	_, deleting := a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: m.KeyId})
	_, rotating := a.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: m.KeyId})
	_, tagging := a.TagResource(ctx, &sdk.TagResourceInput{KeyId: m.KeyId, Tags: []types.Tag{{TagKey: ptr("a"), TagValue: ptr("b")}}})
	_, granting := a.grant(*m.Arn, a.arn, nil, "Encrypt")
	for _, err := range []error{disabling, deleting, rotating, tagging, granting, a.name("alias/mine", *m.Arn), a.setPolicy(*m.Arn, a.keyPolicy(), true)} {
		refused(t, err, "AccessDeniedException", "...")
	}
	_, err = a.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: ptr(lambdaKey)})
	refused(t, err, "AccessDeniedException", "...")
}

func TestViaServiceDecidesAccess(t *testing.T) {
	t.Parallel()
	a := serve(t)
	n := a.nobody(t, "n")
	key := a.createKey(t, a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"`+n.arn+`"},"Action":"kms:Encrypt","Resource":"*",
		"Condition":{"StringEquals":{"kms:ViaService":"lambda.`+region+`.amazonaws.com"}}}`))
	_, err := n.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	_, err = api.Call[sdk.EncryptOutput](viaLambda(t, n), a.server.App.Registry(), &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
	must(t, err)
}

func TestGrantToAServiceHoldsForItsResource(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.createKey(t, "")
	function := "arn:aws:lambda:" + region + ":" + a.account + ":function:f"
	_, err := a.CreateGrant(ctx, &sdk.CreateGrantInput{
		KeyId: &key, GranteeServicePrincipal: ptr("lambda.amazonaws.com"), RetiringPrincipal: &a.arn, Operations: []types.GrantOperation{"Encrypt"},
		Constraints: &types.GrantConstraints{SourceArn: &function},
	})
	must(t, err)
	as := func(source string) error {
		_, err := api.Call[sdk.EncryptOutput](api.As(api.WithCaller(ctx, a.caller(t)), "lambda.amazonaws.com", source),
			a.server.App.Registry(), &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
		return err
	}
	must(t, as(function))
	refused(t, as(function+"2"), "AccessDeniedException", "...")
}

func TestUseOfKeysIsRecorded(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	a.mustEncrypt(t, key, "app", "web")
	out, err := cloudtrail.NewFromConfig(a.cfg).LookupEvents(ctx, &cloudtrail.LookupEventsInput{
		LookupAttributes: []trail.LookupAttribute{{AttributeKey: trail.LookupAttributeKeyEventName, AttributeValue: ptr("Encrypt")}},
	})
	must(t, err)
	if len(out.Events) != 1 {
		t.Fatalf("got %d events", len(out.Events))
	}
	e := out.Events[0]
	if *e.ReadOnly != "true" || len(e.Resources) != 1 || *e.Resources[0].ResourceType != "AWS::KMS::Key" || *e.Resources[0].ResourceName != key {
		t.Errorf("got %+v", e)
	}
	if text := *e.CloudTrailEvent; !strings.Contains(text, `"app":"web"`) || strings.Contains(text, "YXR0YWNrIGF0IGRhd24") {
		t.Errorf("got %s", text)
	}
}
