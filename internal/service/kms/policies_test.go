package kms_test

import (
	"encoding/json"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
)

func (p *principal) setPolicy(key, policy string, bypass bool) error {
	_, err := p.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: &key, Policy: &policy, BypassPolicyLockoutSafetyCheck: bypass})
	return err
}

func TestDefaultPolicyLetsTheAccountDecide(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	out, err := a.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &key})
	must(t, err)
	var d struct {
		ID        string `json:"Id"`
		Statement []struct{ Sid string }
	}
	must(t, json.Unmarshal([]byte(*out.Policy), &d))
	if *out.PolicyName != "default" || d.ID != "key-default-1" || d.Statement[0].Sid != "Enable IAM User Permissions" {
		t.Errorf("got %s", *out.Policy)
	}
	a.user(t, "may", allow("kms:Encrypt", key)).mustEncrypt(t, key)
	n := a.nobody(t, "may-not")
	_, err = n.encrypt(key)
	refused(t, err, "AccessDeniedException", "User: "+n.arn+" is not authorized to perform: kms:Encrypt on resource: "+key+" because no identity-based policy allows the kms:Encrypt action")
}

func TestIdentityPolicyIsNothingWithoutTheKeyPolicy(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	only := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + a.arn + `"},"Action":"kms:*","Resource":"*"}]}`
	must(t, a.setPolicy(key, only, false))
	a.mustEncrypt(t, key)
	all := a.user(t, "all", allow("*", "*"))
	_, err := all.encrypt(key)
	refused(t, err, "AccessDeniedException", "User: "+all.arn+" is not authorized to perform: kms:Encrypt on resource: "+key+" because no resource-based policy allows the kms:Encrypt action")
}

func TestKeyPolicyCanNameAUserDirectly(t *testing.T) {
	t.Parallel()
	a := start(t)
	n := a.nobody(t, "n")
	key := a.createKey(t, a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"`+n.arn+`"},"Action":"kms:Encrypt","Resource":"*"}`))
	n.mustEncrypt(t, key)
	_, err := n.decrypt(a.mustEncrypt(t, key))
	refused(t, err, "AccessDeniedException", "...")
}

func TestPolicyThatLocksItsAuthorOutIsRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	lockout := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + a.arn + `"},"Action":"kms:Encrypt","Resource":"*"}]}`
	const message = "The new key policy will not allow you to update the key policy in the future."
	refused(t, a.setPolicy(key, lockout, false), "MalformedPolicyDocumentException", message)
	_, err := a.CreateKey(ctx, &sdk.CreateKeyInput{Policy: &lockout})
	refused(t, err, "MalformedPolicyDocumentException", message)
	// The account may, but this user may not.
	u := a.user(t, "u", allow("kms:CreateKey", "*"))
	_, err = u.CreateKey(ctx, &sdk.CreateKeyInput{})
	refused(t, err, "MalformedPolicyDocumentException", message)
	must(t, a.setPolicy(key, lockout, true))
	refused(t, a.setPolicy(key, a.keyPolicy(), false), "AccessDeniedException", "...")
}

func TestMalformedPolicies(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	refused(t, a.setPolicy(key, `{"Version":"2012-10-17"}`, false), "MalformedPolicyDocumentException", "...")
	refused(t, a.setPolicy(key, `nonsense`, false), "MalformedPolicyDocumentException", "...")
	refused(t, a.setPolicy(key, a.keyPolicy()+strings.Repeat(" ", 32<<10), false), "LimitExceededException", "...")
	_, err := a.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &key, PolicyName: ptr("other")})
	refused(t, err, "NotFoundException", "No such policy exists")
	out, err := a.ListKeyPolicies(ctx, &sdk.ListKeyPoliciesInput{KeyId: &key})
	must(t, err)
	if len(out.PolicyNames) != 1 || out.PolicyNames[0] != "default" {
		t.Errorf("got %v", out.PolicyNames)
	}
}

func TestKeyOfAnotherAccountNeedsBothSides(t *testing.T) {
	t.Parallel()
	a := start(t)
	b := a.neighbour(t)
	key := a.createKey(t, "")
	_, err := b.encrypt(key)
	refused(t, err, "AccessDeniedException", "User: "+b.arn+" is not authorized to perform: kms:Encrypt on resource: "+key+" because no resource-based policy allows the kms:Encrypt action")
	missing := a.arnOf("key/00000000-0000-4000-8000-000000000000")
	_, err = b.encrypt(missing)
	refused(t, err, "AccessDeniedException", "User: "+b.arn+" is not authorized to perform: kms:Encrypt on resource: "+missing+" because no resource-based policy allows the kms:Encrypt action")

	share := `{"Effect":"Allow","Principal":{"AWS":"` + b.account + `"},"Action":["kms:Encrypt","kms:Decrypt","kms:DisableKey"],"Resource":"*"}`
	must(t, a.setPolicy(key, a.keyPolicy(share), false))
	blob := b.mustEncrypt(t, key)
	if plain, err := b.decrypt(blob); err != nil || plain != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
	n := b.nobody(t, "n")
	_, err = n.encrypt(key)
	refused(t, err, "AccessDeniedException", "User: "+n.arn+" is not authorized to perform: kms:Encrypt on resource: "+key+" because no identity-based policy allows the kms:Encrypt action")
	// AWS does not offer this one across accounts, whatever the key policy says.
	_, err = b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &key})
	refused(t, err, "AccessDeniedException", "...")
}

func TestConditionsOnEncryptionContext(t *testing.T) {
	t.Parallel()
	a := start(t)
	n := a.nobody(t, "n")
	key := a.createKey(t, a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"`+n.arn+`"},"Action":"kms:Encrypt","Resource":"*",
		"Condition":{"StringEquals":{"kms:EncryptionContext:AppName":"Web"},"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["AppName","appname","tier"]}}}`))
	n.mustEncrypt(t, key, "AppName", "Web")
	n.mustEncrypt(t, key, "appname", "Web", "tier", "1")
	for _, pairs := range [][]string{nil, {"AppName", "web"}, {"AppName", "Web", "other", "x"}} {
		_, err := n.encrypt(key, pairs...)
		refused(t, err, "AccessDeniedException", "...")
	}
}

func TestConditionsOnKeysAndParameters(t *testing.T) {
	t.Parallel()
	a := start(t)
	u := a.user(t, "u", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Action":"kms:CreateKey","Resource":"*","Condition":{"StringNotEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}}},
		{"Effect":"Deny","Action":["kms:CreateKey","kms:PutKeyPolicy"],"Resource":"*","Condition":{"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"true"}}},
		{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*","Condition":{"NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}}},
		{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*","Condition":{"StringNotEquals":{"kms:CallerAccount":"`+a.account+`","kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT","kms:KeyOrigin":"AWS_KMS","kms:KeyUsage":"ENCRYPT_DECRYPT"}}},
		{"Effect":"Deny","Action":"kms:EnableKeyRotation","Resource":"*","Condition":{"NumericGreaterThan":{"kms:RotationPeriodInDays":"365"}}}]}`)
	key := u.createKey(t, "")
	u.mustEncrypt(t, key)
	_, asymmetric := u.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY"})
	_, bypassing := u.CreateKey(ctx, &sdk.CreateKeyInput{BypassPolicyLockoutSafetyCheck: true})
	_, hasty := u.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: ptr(int32(7))})
	_, slow := u.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key, RotationPeriodInDays: ptr(int32(400))})
	for _, err := range []error{asymmetric, bypassing, u.setPolicy(key, a.keyPolicy(), true), hasty, slow} {
		refused(t, err, "AccessDeniedException", "...")
	}
}
