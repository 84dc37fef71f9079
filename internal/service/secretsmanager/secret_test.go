package secretsmanager_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func TestSecretIsReadByNameByARNAndByPartOfItsARN(t *testing.T) {
	p := start(t)
	arn := p.create(t, "app/db", "hunter2")
	if !regexp.MustCompile(`^arn:aws:secretsmanager:us-east-1:` + p.account + `:secret:app/db-[A-Za-z0-9]{6}$`).MatchString(arn) {
		t.Errorf("the ARN is %s", arn)
	}
	partial := arn[:len(arn)-len("-abcdef")]
	for _, id := range []string{"app/db", arn, partial} {
		p.holds(t, id, "hunter2")
	}
	for _, id := range []string{"app/none", partial + "-AAAAAA", partial + "x"} {
		_, err := p.get(id)
		refused(t, err, "ResourceNotFoundException", missing)
	}
	_, err := p.get("what is this?")
	refused(t, err, "ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
}

func TestPartOfAnARNThatLooksCompleteFindsNothing(t *testing.T) {
	p := start(t)
	arn := p.create(t, "my-secret", "x")
	p.holds(t, "my-secret", "x")
	_, err := p.get(arn[:len(arn)-len("-abcdef")])
	refused(t, err, "ResourceNotFoundException", missing)
}

func TestBinarySecretsAreKept(t *testing.T) {
	p := start(t)
	value := bytes.Repeat([]byte{0, 255, 7}, 20000)
	_, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("b"), SecretBinary: value})
	must(t, err)
	out, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("b")})
	must(t, err)
	if !bytes.Equal(out.SecretBinary, value) || out.SecretString != nil {
		t.Errorf("got %d bytes and the string %v", len(out.SecretBinary), out.SecretString)
	}
	_, err = p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("c"), SecretBinary: value, SecretString: ptr("x")})
	refused(t, err, "InvalidParameterException", "You can't specify both a binary secret value and a string secret value in the same secret.")
}

func TestCreateIsIdempotentByItsToken(t *testing.T) {
	p := start(t)
	create := func(token *string, value string) (string, error) {
		out, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x"), ClientRequestToken: token, SecretString: &value})
		if err != nil {
			return "", err
		}
		return *out.ARN + *out.VersionId, nil
	}
	first, err := create(token("a"), "1")
	must(t, err)
	again, err := create(token("a"), "1")
	must(t, err)
	if first != again {
		t.Errorf("made %s and %s", first, again)
	}
	_, err = create(token("a"), "2")
	refused(t, err, "ResourceExistsException", "")
	_, err = create(token("b"), "1")
	refused(t, err, "ResourceExistsException", "The operation failed because the secret x already exists.")
}

func TestSecretWithoutAValueHasNone(t *testing.T) {
	p := start(t)
	in := &sdk.CreateSecretInput{Name: ptr("x"), ClientRequestToken: token("a")}
	out, err := p.CreateSecret(ctx, in)
	must(t, err)
	if out.VersionId != nil {
		t.Errorf("it has version %s", *out.VersionId)
	}
	_, err = p.CreateSecret(ctx, in)
	must(t, err)
	_, err = p.get("x")
	refused(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	p.put(t, "x", "b", "now", "MINE")
	if got := p.stages(t, "x")["b"]; got != "AWSCURRENT MINE" {
		t.Errorf("the first version has %s", got)
	}
}

func TestDeletionWaitsAndCanBeUndone(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	for _, days := range []int64{6, 31} {
		_, err := p.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("x"), RecoveryWindowInDays: &days})
		refused(t, err, "InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	_, err := p.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("x"), RecoveryWindowInDays: ptr[int64](7), ForceDeleteWithoutRecovery: ptr(true)})
	refused(t, err, "InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	out, err := p.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("x"), RecoveryWindowInDays: ptr[int64](7)})
	must(t, err)
	if left := time.Until(*out.DeletionDate); left < 6*24*time.Hour || left > 8*24*time.Hour {
		t.Errorf("it is deleted in %s", left)
	}
	_, err = p.get("x")
	refused(t, err, "InvalidRequestException", marked)
	_, err = p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x")})
	refused(t, err, "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
	seen, err := p.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: ptr("x")})
	must(t, err)
	if seen.DeletedDate == nil {
		t.Error("it has no date of deletion")
	}
	_, err = p.RestoreSecret(ctx, &sdk.RestoreSecretInput{SecretId: ptr("x")})
	must(t, err)
	p.holds(t, "x", "1")
}

func TestForcedDeletionLeavesNothing(t *testing.T) {
	p := start(t)
	before := p.create(t, "x", "1")
	force := &sdk.DeleteSecretInput{SecretId: ptr("x"), ForceDeleteWithoutRecovery: ptr(true)}
	_, err := p.DeleteSecret(ctx, force)
	must(t, err)
	_, err = p.DeleteSecret(ctx, force) // sent again
	must(t, err)
	_, err = p.get("x")
	refused(t, err, "ResourceNotFoundException", missing)
	if after := p.create(t, "x", "2"); after == before {
		t.Error("a later secret has the ARN of the deleted one")
	}
	list, err := p.ListSecretVersionIds(ctx, &sdk.ListSecretVersionIdsInput{SecretId: ptr("x"), IncludeDeprecated: ptr(true)})
	must(t, err)
	if len(list.Versions) != 1 {
		t.Errorf("the new secret has %d versions", len(list.Versions))
	}
	_, err = p.get(before)
	refused(t, err, "ResourceNotFoundException", missing)
}

func TestListsAreFilteredSortedAndPaged(t *testing.T) {
	p := start(t)
	for _, name := range []string{"prod/a", "prod/b", "test/c"} {
		_, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: &name, Description: ptr("Of " + name), Tags: []types.Tag{{Key: ptr("env"), Value: ptr(name[:4])}}})
		must(t, err)
	}
	_, err := p.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("prod/b")})
	must(t, err)
	for _, c := range []struct {
		filters string
		deleted bool
		want    string
	}{
		{"", false, "test/c prod/a"}, {"", true, "test/c prod/b prod/a"}, {"name=prod", true, "prod/b prod/a"}, {"name=PROD", true, ""},
		{"description=of test", false, "test/c"}, {"tag-key=env;tag-value=pr", false, "prod/a"}, {"name=!prod", false, "test/c"},
		{"all=TEST of", false, "test/c"}, {"name=test,prod", false, "test/c prod/a"}, {"owning-service=rds", false, ""},
	} {
		in := &sdk.ListSecretsInput{IncludePlannedDeletion: &c.deleted, SortOrder: types.SortOrderTypeDesc, SortBy: types.SortByTypeName, MaxResults: ptr[int32](1)}
		for _, f := range strings.FieldsFunc(c.filters, func(r rune) bool { return r == ';' }) {
			key, values, _ := strings.Cut(f, "=")
			in.Filters = append(in.Filters, types.Filter{Key: types.FilterNameStringType(key), Values: strings.Split(values, ",")})
		}
		var got []string
		for pages := sdk.NewListSecretsPaginator(p, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			must(t, err)
			for _, x := range page.SecretList {
				got = append(got, *x.Name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q lists %v, want %s", c.filters, got, c.want)
		}
	}
	_, err = p.ListSecrets(ctx, &sdk.ListSecretsInput{NextToken: ptr("nonsense")})
	refused(t, err, "InvalidNextTokenException", "")
}

func TestReplicasAreRefused(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	regions := []types.ReplicaRegionType{{Region: ptr("eu-west-1")}}
	_, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("y"), AddReplicaRegions: regions})
	refused(t, err, "InvalidParameterException", "")
	_, err = p.ReplicateSecretToRegions(ctx, &sdk.ReplicateSecretToRegionsInput{SecretId: ptr("x"), AddReplicaRegions: regions})
	refused(t, err, "InvalidParameterException", "")
	_, err = p.RemoveRegionsFromReplication(ctx, &sdk.RemoveRegionsFromReplicationInput{SecretId: ptr("x"), RemoveReplicaRegions: []string{"eu-west-1"}})
	refused(t, err, "InvalidParameterException", "")
	_, err = p.StopReplicationToReplica(ctx, &sdk.StopReplicationToReplicaInput{SecretId: ptr("x")})
	refused(t, err, "InvalidRequestException", "")
}

func TestTagsAreAddedAndRemoved(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	tag := func(k, v string) error {
		_, err := p.TagResource(ctx, &sdk.TagResourceInput{SecretId: ptr("x"), Tags: []types.Tag{{Key: &k, Value: &v}}})
		return err
	}
	must(t, tag("team", "red"))
	must(t, tag("cost", "low"))
	refused(t, tag("aws:mine", "x"), "InvalidParameterException", "")
	_, err := p.UntagResource(ctx, &sdk.UntagResourceInput{SecretId: ptr("x"), TagKeys: []string{"cost"}})
	must(t, err)
	out, err := p.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: ptr("x")})
	must(t, err)
	if len(out.Tags) != 1 || aws.ToString(out.Tags[0].Value) != "red" {
		t.Errorf("the tags are %v", out.Tags)
	}
}
