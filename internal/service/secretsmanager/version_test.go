package secretsmanager_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func (p *principal) move(id, stage string, from, to *string) error {
	_, err := p.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{
		SecretId: &id, VersionStage: &stage, RemoveFromVersionId: from, MoveToVersionId: to,
	})
	return err
}

func TestLabelsMoveAsOnAWS(t *testing.T) {
	p := start(t)
	_, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x"), ClientRequestToken: token("a"), SecretString: ptr("1")})
	must(t, err)
	want := func(want map[string]string) {
		t.Helper()
		if got := p.stages(t, "x"); !maps.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
	p.put(t, "x", "b", "2", "AWSPENDING")
	want(map[string]string{"a": "AWSCURRENT", "b": "AWSPENDING"})
	must(t, p.move("x", "AWSCURRENT", token("a"), token("b")))
	want(map[string]string{"a": "AWSPREVIOUS", "b": "AWSCURRENT AWSPENDING"})
	p.holds(t, "x", "2")
	p.put(t, "x", "c", "3") // as recorded of AWS: the label of the pending version goes, and the first has none
	want(map[string]string{"b": "AWSPREVIOUS", "c": "AWSCURRENT"})
	must(t, p.move("x", "GREEN", nil, token("b")))
	want(map[string]string{"b": "AWSPREVIOUS GREEN", "c": "AWSCURRENT"})
	must(t, p.move("x", "GREEN", token("b"), nil))
	want(map[string]string{"b": "AWSPREVIOUS", "c": "AWSCURRENT"})
	must(t, p.move("x", "AWSCURRENT", token("c"), token("b")))
	want(map[string]string{"b": "AWSCURRENT", "c": "AWSPREVIOUS"})
}

func TestLabelsAreMovedOnlyFromWhereTheyAre(t *testing.T) {
	p := start(t)
	_, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x"), ClientRequestToken: token("a"), SecretString: ptr("1")})
	must(t, err)
	p.put(t, "x", "b", "2", "NEXT")
	refused(t, p.move("x", "AWSCURRENT", nil, token("b")), "InvalidParameterException",
		"The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version "+*token("a")+
			", so you must explicitly reference that version in RemoveFromVersionId.")
	refused(t, p.move("x", "AWSCURRENT", token("b"), token("b")), "InvalidParameterException", "")
	refused(t, p.move("x", "AWSCURRENT", token("a"), nil), "InvalidParameterException", "")
	refused(t, p.move("x", "AWSCURRENT", token("a"), token("c")), "ResourceNotFoundException", "")
	refused(t, p.move("x", "NEXT", nil, nil), "InvalidParameterException", "")
	p.holds(t, "x", "1")
}

func TestVersionsAreReadByIdAndByLabel(t *testing.T) {
	p := start(t)
	_, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x"), ClientRequestToken: token("a"), SecretString: ptr("1")})
	must(t, err)
	p.put(t, "x", "b", "2")
	get := func(id, stage *string) (string, error) {
		out, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x"), VersionId: id, VersionStage: stage})
		if err != nil {
			return "", err
		}
		return *out.SecretString, nil
	}
	for _, c := range []struct {
		id, stage *string
		want      string
	}{{token("a"), nil, "1"}, {nil, ptr("AWSPREVIOUS"), "1"}, {token("b"), ptr("AWSCURRENT"), "2"}, {nil, nil, "2"}} {
		if got, err := get(c.id, c.stage); err != nil || got != c.want {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
	_, err = get(token("a"), ptr("AWSCURRENT"))
	refused(t, err, "InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
	_, err = get(token("c"), nil)
	refused(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: "+*token("c"))
	_, err = get(nil, ptr("BLUE"))
	refused(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: BLUE")
}

func TestPutAndUpdateAreIdempotentByTheirTokens(t *testing.T) {
	p := start(t)
	p.create(t, "x", "0")
	put := func(value string) error {
		_, err := p.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: ptr("x"), ClientRequestToken: token("a"), SecretString: &value})
		return err
	}
	must(t, put("1"))
	p.put(t, "x", "b", "2")
	must(t, put("1"))
	p.holds(t, "x", "2") // the repetition has moved no label
	refused(t, put("3"), "ResourceExistsException", "")
	_, err := p.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: ptr("x"), ClientRequestToken: token("c"), SecretString: ptr("4"), Description: ptr("d")})
	must(t, err)
	p.holds(t, "x", "4")
	_, err = p.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: ptr("x"), ClientRequestToken: token("b"), SecretString: ptr("5")})
	refused(t, err, "ResourceExistsException", "")
	_, err = p.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: ptr("x")})
	refused(t, err, "InvalidParameterException", "You must provide either SecretString or SecretBinary.")
}

func TestVersionsHaveTheirLimit(t *testing.T) {
	p := start(t)
	p.create(t, "x", "0")
	put := func(i int) error {
		_, err := p.PutSecretValue(ctx, &sdk.PutSecretValueInput{
			SecretId: ptr("x"), ClientRequestToken: ptr(fmt.Sprintf("%032d", i)), SecretString: ptr("v"),
		})
		return err
	}
	for i := 1; i < 100; i++ {
		must(t, put(i))
	}
	refused(t, put(100), "LimitExceededException", "")
	list, err := p.ListSecretVersionIds(ctx, &sdk.ListSecretVersionIdsInput{SecretId: ptr("x")})
	must(t, err)
	if len(list.Versions) != 2 || strings.Join(list.Versions[0].KmsKeyIds, " ") != "DefaultEncryptionKey" {
		t.Errorf("with labels are %+v", list.Versions)
	}
	most := ptr[int32](60)
	all := 0
	for pages := sdk.NewListSecretVersionIdsPaginator(p, &sdk.ListSecretVersionIdsInput{SecretId: ptr("x"), IncludeDeprecated: ptr(true), MaxResults: most}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must(t, err)
		all += len(page.Versions)
	}
	if all != 100 {
		t.Errorf("there are %d versions", all)
	}
	for i := range 19 {
		if err := p.move("x", fmt.Sprint("L", i), nil, ptr(fmt.Sprintf("%032d", 1))); err != nil {
			if i < 18 {
				t.Fatal(i, err)
			}
			refused(t, err, "LimitExceededException", "")
		}
	}
}
