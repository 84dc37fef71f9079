package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Policies that go by tags are worth nothing if whoever makes a key may choose its tags.
func TestKeyIsBornWithTagsOnlyByPermissionToTag(t *testing.T) {
	t.Parallel()
	a := start(t)
	maker := a.user(t, "maker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:CreateKey","kms:PutKeyPolicy"],"Resource":"*"}]}`)
	tagged := &sdk.CreateKeyInput{Tags: []types.Tag{{TagKey: ptr("team"), TagValue: ptr("red")}}}
	_, err := maker.CreateKey(ctx, &sdk.CreateKeyInput{})
	must(t, err)
	_, err = maker.CreateKey(ctx, tagged)
	refused(t, err, "AccessDeniedException", "...")
	a.permit(t, "maker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:CreateKey","kms:PutKeyPolicy","kms:TagResource"],"Resource":"*",
		"Condition":{"StringEqualsIfExists":{"aws:RequestTag/team":"red"}}}]}`)
	_, err = maker.CreateKey(ctx, tagged)
	must(t, err)
	tagged.Tags[0].TagValue = ptr("blue")
	_, err = maker.CreateKey(ctx, tagged)
	refused(t, err, "AccessDeniedException", "...")
}
