package ssm_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// blob reads a parameter without decryption.
func (p *principal) blob(t *testing.T, name string) []byte {
	t.Helper()
	out, err := p.GetParameter(ctx, &sdk.GetParameterInput{Name: &name})
	must(t, err)
	b, err := base64.StdEncoding.DecodeString(*out.Parameter.Value)
	must(t, err)
	return b
}

func TestStandardSecureStringIsACiphertextOfKMS(t *testing.T) {
	t.Parallel()
	p := start(t)
	key := p.key(t)
	p.mustPut(t, "/s/own", "attack at dawn", under(key))
	p.mustPut(t, "/s/default", "at noon", isSecure)
	equal(t, "type", p.wants(t, "/s/own", "attack at dawn").Type, types.ParameterTypeSecureString)
	p.wants(t, "/s/default", "at noon")
	c := kms.NewFromConfig(p.cfg)
	blob := p.blob(t, "/s/own")
	out, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"PARAMETER_ARN": p.arn("s/own")}})
	must(t, err)
	equal(t, "plaintext", string(out.Plaintext), "attack at dawn")
	equal(t, "key", *out.KeyId, key)
	_, err = c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"PARAMETER_ARN": p.arn("s/default")}})
	refused(t, err, "InvalidCiphertextException", "")
	list, err := p.DescribeParameters(ctx, &sdk.DescribeParametersInput{})
	must(t, err)
	equal(t, "key of the first", *list.Parameters[0].KeyId, "alias/aws/ssm")
	equal(t, "key of the second", *list.Parameters[1].KeyId, key)
}

func TestAdvancedSecureStringIsAMessageUnderADataKey(t *testing.T) {
	t.Parallel()
	p := start(t)
	long := strings.Repeat("secret ", 1170)
	p.mustPut(t, "/adv", long, under(p.key(t)), isAdvanced)
	p.wants(t, "/adv", long)
	blob := p.blob(t, "/adv")
	equal(t, "begin", string(blob[:3]), "\x02\x04\x78")
	if !strings.Contains(string(blob), p.arn("adv")) || strings.Contains(string(blob), "secret secret") {
		t.Error("the message has no context, or the value in the clear")
	}
	p.mustPut(t, "/adv", "short", isSecure, overwrite)
	p.wants(t, "/adv", "short")
	p.wants(t, "/adv:1", long)
}

func TestStandardSecureStringBecomesAdvanced(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/up", "old", isSecure)
	p.mustPut(t, "/up", "new", isSecure, isAdvanced, overwrite)
	h, err := p.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/up"), WithDecryption: ptr(true)})
	must(t, err)
	equal(t, "first value", *h.Parameters[0].Value, "old")
	equal(t, "first tier", h.Parameters[0].Tier, types.ParameterTierStandard)
	equal(t, "second value", *h.Parameters[1].Value, "new")
	equal(t, "second tier", h.Parameters[1].Tier, types.ParameterTierAdvanced)
}

func TestTakingDecryptAwayStopsReadsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t)
	key := p.key(t)
	p.mustPut(t, "/r/standard", "a", under(key))
	p.mustPut(t, "/r/advanced", "b", under(key), isAdvanced)
	read, use := statement("Allow", "ssm:Get*", p.arn("r*")), statement("Allow", "kms:Decrypt", key, `{"StringEquals":{"kms:ViaService":"ssm.us-east-1.amazonaws.com"}}`)
	u := p.user(t, "reader", read, use)
	u.wants(t, "/r/standard", "a")
	u.wants(t, "/r/advanced", "b")
	p.allow(t, "reader", read)
	for _, name := range []string{"/r/standard", "/r/advanced"} {
		_, err := u.get(name)
		refused(t, err, "AccessDeniedException", "User: "+u.who+" is not authorized to perform: kms:Decrypt on resource: "+key+"...")
		u.blob(t, name)
	}
	_, err := u.GetParameters(ctx, &sdk.GetParametersInput{Names: []string{"/r/standard"}, WithDecryption: ptr(true)})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.GetParametersByPath(ctx, &sdk.GetParametersByPathInput{Path: ptr("/r"), WithDecryption: ptr(true)})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/r/standard"), WithDecryption: ptr(true)})
	refused(t, err, "AccessDeniedException", "")
}

func TestSecureStringNeedsAKeyThatWorks(t *testing.T) {
	t.Parallel()
	p := start(t)
	missing := "arn:aws:kms:us-east-1:" + p.account + ":key/0a0a0a0a-0000-4000-8000-000000000000"
	_, err := p.put("/k", "x", under(missing))
	refused(t, err, "InvalidKeyId", "Key '"+missing+"' does not exist (Service: AWSKMS; Status Code: 400; Error Code: NotFoundException; Request ID: ...")
	c, key := kms.NewFromConfig(p.cfg), p.key(t)
	p.mustPut(t, "/k", "x", under(key))
	_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key})
	must(t, err)
	_, err = p.get("/k")
	refused(t, err, "InvalidKeyId", key+" is disabled. (Service: AWSKMS; Status Code: 400; Error Code: DisabledException; ...")
	pair, err := c.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecRsa2048, KeyUsage: kmstypes.KeyUsageTypeEncryptDecrypt})
	must(t, err)
	_, err = p.put("/pair", "x", under(*pair.KeyMetadata.KeyId))
	refused(t, err, "InvalidKeyId", "")
	_, err = p.put("/pair", "x", under(*pair.KeyMetadata.KeyId), isAdvanced)
	refused(t, err, "InvalidKeyId", "")
	u := p.user(t, "writer", statement("Allow", "ssm:PutParameter", "*"))
	_, err = u.put("/w", "x", under(p.key(t)))
	refused(t, err, "AccessDeniedException", "User: "+u.who+" is not authorized to perform: kms:Encrypt on resource: ...")
	u.mustPut(t, "/w", "x", isSecure) // the policy of aws/ssm lets in all of the account who come through Parameter Store
}

func TestValuesAreInNoRecord(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/canary/plain", "canary-1")
	p.mustPut(t, "/canary/secure", "canary-2", isSecure)
	p.mustPut(t, "/canary/secure", "canary-3", isSecure, isAdvanced, overwrite)
	p.wants(t, "/canary/secure", "canary-3")
	_, err := p.put("/canary/plain", "canary-4 {{}}", overwrite)
	refused(t, err, "ValidationException", "")
	_, err = p.put("/canary/plain", "canary-5", overwrite, func(in *sdk.PutParameterInput) { in.AllowedPattern = ptr("x") })
	refused(t, err, "ParameterPatternMismatchException", "")
	events, err := cloudtrail.NewFromConfig(p.cfg).LookupEvents(ctx, &cloudtrail.LookupEventsInput{})
	must(t, err)
	seen := map[string]bool{}
	for _, e := range events.Events {
		seen[*e.EventName] = true
		if strings.Contains(*e.CloudTrailEvent, "canary-") {
			t.Errorf("a record has a value: %s", *e.CloudTrailEvent)
		}
	}
	for _, name := range []string{"PutParameter", "GetParameter", "Encrypt", "GenerateDataKey", "Decrypt"} {
		if !seen[name] {
			t.Errorf("there is no record of %s", name)
		}
	}
}
