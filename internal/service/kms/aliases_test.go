package kms_test

import (
	"fmt"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/api"
)

func (p *principal) name(alias, key string) error {
	_, err := p.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &alias, TargetKeyId: &key})
	return err
}

func TestAliasNamesFollowAWSRules(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	refused(t, a.name("app", key), "ValidationException", `Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	refused(t, a.name("alias/aws/mine", key), "NotAuthorizedException", "...")
	refused(t, a.name("alias/a:b", key), "ValidationException", "alias/a:b contains invalid characters for an alias")
	refused(t, a.name("alias/a b", key), "ValidationException", "1 validation error detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
	must(t, a.name("alias/a", key))
	refused(t, a.name("alias/a", key), "AlreadyExistsException", "An alias with the name "+a.arnOf("alias/a")+" already exists")
	refused(t, a.name("alias/b", "alias/a"), "ValidationException", "Aliases must refer to keys. Not aliases")
	refused(t, a.name("alias/b", "9f1a4e5c-3d3e-4d4e-8d55-1f3c7a3b2a10"), "NotFoundException", "Key '"+a.arnOf("key/9f1a4e5c-3d3e-4d4e-8d55-1f3c7a3b2a10")+"' does not exist")
}

func TestAliasMovesToAnotherKey(t *testing.T) {
	t.Parallel()
	a := start(t)
	one, two := a.createKey(t, ""), a.createKey(t, "")
	must(t, a.name("alias/a", one))
	_, err := a.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: ptr("alias/a"), TargetKeyId: &two})
	must(t, err)
	out, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: ptr("alias/a"), Plaintext: []byte("x")})
	must(t, err)
	if *out.KeyId != two {
		t.Errorf("got %s", *out.KeyId)
	}
	list, err := a.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: &one})
	must(t, err)
	if len(list.Aliases) != 0 {
		t.Errorf("the first key still has %d aliases", len(list.Aliases))
	}
	list, err = a.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: &two})
	must(t, err)
	if len(list.Aliases) != 1 || *list.Aliases[0].AliasArn != a.arnOf("alias/a") || *list.Aliases[0].TargetKeyId != idOf(two) {
		t.Errorf("the second key has %+v", list.Aliases)
	}
}

func TestDeletedAliasIsGoneAndItsKeyStays(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	must(t, a.name("alias/a", key))
	_, err := a.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: ptr("alias/a")})
	must(t, err)
	_, err = a.encrypt("alias/a")
	refused(t, err, "NotFoundException", "Alias "+a.arnOf("alias/a")+" is not found.")
	_, err = a.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: ptr("alias/a")})
	refused(t, err, "NotFoundException", "Alias "+a.arnOf("alias/a")+" is not found.")
	a.mustEncrypt(t, key)
}

func TestListAliasesPages(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	for i := range 5 {
		must(t, a.name(fmt.Sprint("alias/", i), key))
	}
	for _, of := range []*string{nil, &key} {
		n, pages := 0, 0
		for p := sdk.NewListAliasesPaginator(a, &sdk.ListAliasesInput{KeyId: of, Limit: ptr(int32(2))}); p.HasMorePages(); pages++ {
			out, err := p.NextPage(ctx)
			must(t, err)
			n += len(out.Aliases)
		}
		if n != 5 || pages != 3 {
			t.Errorf("got %d aliases on %d pages", n, pages)
		}
	}
}

func TestKeyHasAtMostFiftyAliases(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	for i := range 50 {
		must(t, a.name(fmt.Sprint("alias/", i), key))
	}
	refused(t, a.name("alias/one-more", key), "LimitExceededException", "...")
}

func TestAliasNeedsPermissionOnAliasAndKey(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	onKey := a.user(t, "key", allow("kms:*", "arn:aws:kms:*:*:key/*"))
	onAlias := a.user(t, "alias", allow("kms:*", "arn:aws:kms:*:*:alias/*"))
	refused(t, onKey.name("alias/a", key), "AccessDeniedException", "User: "+onKey.arn+" is not authorized to perform: kms:CreateAlias on resource: "+a.arnOf("alias/a")+"...")
	refused(t, onAlias.name("alias/a", key), "AccessDeniedException", "User: "+onAlias.arn+" is not authorized to perform: kms:CreateAlias on resource: "+key+"...")
	must(t, a.name("alias/a", key))
	_, err := onAlias.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: ptr("alias/a")})
	refused(t, err, "AccessDeniedException", "User: "+onAlias.arn+" is not authorized to perform: kms:DeleteAlias on resource: "+key+"...")
}

func TestAliasDecidesAccess(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	must(t, a.name("alias/app", key))
	policy := func(operator, name string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*","Condition":{%q:{%q:"alias/app"}}}]}`, operator, name)
	}
	byRequest := a.user(t, "request", policy("StringEquals", "kms:RequestAlias"))
	byResource := a.user(t, "resource", policy("ForAnyValue:StringEquals", "kms:ResourceAliases"))
	byRequest.mustEncrypt(t, "alias/app")
	_, err := byRequest.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	byResource.mustEncrypt(t, key)
	_, err = a.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: ptr("alias/app")})
	must(t, err)
	_, err = byResource.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
}

// TestAliasThatHasMovedIsNotChanged makes calls that were allowed on no key, as if the alias had been pointed to another
// one since permission was asked.
func TestAliasThatHasMovedIsNotChanged(t *testing.T) {
	t.Parallel()
	a := serve(t)
	from, to := a.createKey(t, ""), a.createKey(t, "")
	must(t, a.name("alias/a", from))
	s, unasked := a.service(), api.WithCaller(ctx, a.caller(t))
	_, err := s.DeleteAlias(unasked, &sdk.DeleteAliasInput{AliasName: ptr("alias/a")})
	refused(t, err, "DependencyTimeoutException", "The alias changed while the request was processed. Try again.")
	_, err = s.UpdateAlias(unasked, &sdk.UpdateAliasInput{AliasName: ptr("alias/a"), TargetKeyId: &to})
	refused(t, err, "DependencyTimeoutException", "The alias changed while the request was processed. Try again.")
	out, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: ptr("alias/a")})
	must(t, err)
	if *out.KeyMetadata.Arn != from {
		t.Errorf("alias points to %s", *out.KeyMetadata.Arn)
	}
}

func TestAliasMovesToAKeyOfTheSameKindOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	sign, symmetric := a.make(t, "ECC_NIST_P256", "SIGN_VERIFY"), a.createKey(t, "")
	must(t, a.name("alias/kind", sign))
	move := func(key string) error {
		_, err := a.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: ptr("alias/kind"), TargetKeyId: &key})
		return err
	}
	for _, key := range []string{symmetric, a.make(t, "ECC_NIST_P256", "KEY_AGREEMENT"), a.make(t, "HMAC_256", "GENERATE_VERIFY_MAC")} {
		refused(t, move(key), "ValidationException", "...")
	}
	must(t, move(a.make(t, "ECC_NIST_P384", "SIGN_VERIFY")))
	must(t, a.name("alias/rsa", a.make(t, "RSA_2048", "ENCRYPT_DECRYPT")))
	_, err := a.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: ptr("alias/rsa"), TargetKeyId: &symmetric})
	refused(t, err, "ValidationException", "...")
}
