package secretsmanager_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func (p *principal) key(t testing.TB, spec kmstypes.KeySpec) string {
	t.Helper()
	in := &kms.CreateKeyInput{KeySpec: spec}
	if spec != "" {
		in.KeyUsage = kmstypes.KeyUsageTypeEncryptDecrypt
	}
	out, err := kms.NewFromConfig(p.cfg).CreateKey(ctx, in)
	must(t, err)
	return *out.KeyMetadata.Arn
}

const noKMS = "Access to KMS is not allowed"

func TestWhoMayNotUseTheKeyMayNotReadTheSecret(t *testing.T) {
	p := start(t)
	key := p.key(t, "")
	arn := p.createUnder(t, "x", key)
	use := `,{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"` + key + `","Condition":{"StringEquals":{` +
		`"kms:EncryptionContext:SecretARN":"` + arn + `","kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"}}}`
	u := p.user(t, "u", anything+use)
	u.holds(t, "x", "1")
	u.put(t, "x", "b", "2")
	u.holds(t, "x", "2")
	p.allow(t, "u", anything) // revoked: at once
	_, err := u.get("x")
	refused(t, err, "AccessDeniedException", noKMS)
	_, err = u.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: ptr("x"), SecretString: ptr("3")})
	refused(t, err, "AccessDeniedException", noKMS)
	_, err = u.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: ptr("x"), SecretString: ptr("2"), ClientRequestToken: token("b")})
	refused(t, err, "AccessDeniedException", noKMS) // not even to learn that it is the same
	p.holds(t, "x", "2")
}

func (p *principal) createUnder(t testing.TB, name, key string) string {
	t.Helper()
	out, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: &name, SecretString: ptr("1"), KmsKeyId: &key})
	must(t, err)
	return *out.ARN
}

func TestOwnKeyNeedsNoPermissionsOfKMS(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	p.user(t, "u", reading).holds(t, "x", "1")
	keys, err := kms.NewFromConfig(p.cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: ptr("alias/aws/secretsmanager")})
	must(t, err)
	if keys.KeyMetadata.KeyManager != kmstypes.KeyManagerTypeAws {
		t.Errorf("the key is of %s", keys.KeyMetadata.KeyManager)
	}
}

func TestKeyThatDoesNotWorkIsToldOf(t *testing.T) {
	p := start(t)
	key := p.key(t, "")
	p.createUnder(t, "x", key)
	_, err := kms.NewFromConfig(p.cfg).DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key})
	must(t, err)
	_, err = p.get("x")
	refused(t, err, "DecryptionFailure", "")
	_, err = p.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: ptr("x"), SecretString: ptr("2")})
	refused(t, err, "EncryptionFailure", "")
	_, err = p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("y"), SecretString: ptr("1"), KmsKeyId: ptr("alias/none")})
	refused(t, err, "EncryptionFailure", "")
	rsa := p.key(t, kmstypes.KeySpecRsa2048)
	_, err = p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("y"), SecretString: ptr("1"), KmsKeyId: &rsa})
	refused(t, err, "InvalidRequestException", "Cannot generate a data key with an asymmetric KMS key")
}

func TestSecretMovesToAnotherKey(t *testing.T) {
	p := start(t)
	before, after := p.key(t, ""), p.key(t, "")
	p.createUnder(t, "x", before)
	_, err := p.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: ptr("x"), KmsKeyId: &after})
	must(t, err)
	may := func(key string) string {
		return reading + `,{"Effect":"Allow","Action":"kms:Decrypt","Resource":"` + key + `"}`
	}
	u := p.user(t, "u", may(after))
	u.holds(t, "x", "1")
	p.allow(t, "u", may(before)) // as on AWS: the version that was there opens with either
	u.holds(t, "x", "1")
	p.put(t, "x", "b", "2")
	_, err = u.get("x")
	refused(t, err, "AccessDeniedException", noKMS)
	out, err := p.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: ptr("x")})
	must(t, err)
	if *out.KmsKeyId != after {
		t.Errorf("the key is %s", *out.KmsKeyId)
	}
	list, err := p.ListSecretVersionIds(ctx, &sdk.ListSecretVersionIdsInput{SecretId: ptr("x")})
	must(t, err)
	if got := strings.Join(list.Versions[0].KmsKeyIds, " "); got != after+" "+before {
		t.Errorf("the first version has %s", got)
	}
}

func TestTrailTellsOfSecretsWithoutThem(t *testing.T) {
	p := start(t)
	const canary = "correct-horse-battery-staple"
	p.create(t, "x", canary)
	p.put(t, "x", "b", canary+"2")
	_, err := p.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: ptr("x"), SecretBinary: []byte(canary)})
	must(t, err)
	_, err = p.get("x")
	must(t, err)
	_, err = p.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: ptr("none"), SecretString: ptr(canary)})
	refused(t, err, "ResourceNotFoundException", missing)
	password, err := p.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{})
	must(t, err)
	names := map[string]bool{}
	for pages := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(p.cfg), &cloudtrail.LookupEventsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, e := range page.Events {
			names[*e.EventName] = true
			if strings.Contains(*e.CloudTrailEvent, canary) || strings.Contains(*e.CloudTrailEvent, *password.RandomPassword) {
				t.Errorf("a record has the secret: %s", *e.CloudTrailEvent)
			}
			if *e.EventName == "Decrypt" && !strings.Contains(*e.CloudTrailEvent, `"SecretARN":"arn:aws:secretsmanager:`) {
				t.Errorf("KMS was not told which secret: %s", *e.CloudTrailEvent)
			}
			if *e.EventName == "CreateSecret" && !strings.Contains(aws.ToString(e.CloudTrailEvent), ":secret:x-") {
				t.Errorf("the record of its creation has no ARN: %s", *e.CloudTrailEvent)
			}
		}
	}
	for _, name := range []string{"CreateSecret", "PutSecretValue", "UpdateSecret", "GetSecretValue", "GetRandomPassword", "GenerateDataKey", "Decrypt"} {
		if !names[name] {
			t.Errorf("there is no record of %s", name)
		}
	}
}

// shareKey lets another account use a key.
func (p *principal) shareKey(t testing.TB, key, account string) {
	t.Helper()
	_, err := kms.NewFromConfig(p.cfg).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: ptr(document(
		`{"Effect":"Allow","Principal":{"AWS":["` + p.account + `","` + account + `"]},"Action":"kms:*","Resource":"*"}`))})
	must(t, err)
}
