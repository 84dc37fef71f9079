package ssm_test

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func (p *principal) label(name string, version int64, labels ...string) (string, error) {
	in := &sdk.LabelParameterVersionInput{Name: &name, Labels: labels}
	if version > 0 {
		in.ParameterVersion = &version
	}
	out, err := p.LabelParameterVersion(ctx, in)
	if err != nil {
		return "", err
	}
	return strings.Join(out.InvalidLabels, " "), nil
}

func TestLabelSelectsAVersionUntilItMoves(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/l", "one")
	p.mustPut(t, "/l", "two", overwrite)
	_, err := p.label("/l", 1, "live")
	must(t, err)
	equal(t, "selector", *p.wants(t, "/l:live", "one").Selector, ":live")
	p.wants(t, p.arn("l")+":live", "one")
	_, err = p.label("/l", 0, "live", "new")
	must(t, err)
	p.wants(t, "/l:live", "two")
	h, err := p.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/l")})
	must(t, err)
	equal(t, "labels of the first", len(h.Parameters[0].Labels), 0)
	equal(t, "labels of the second", strings.Join(h.Parameters[1].Labels, " "), "live new")
	out, err := p.UnlabelParameterVersion(ctx, &sdk.UnlabelParameterVersionInput{Name: ptr("/l"), ParameterVersion: ptr(int64(2)), Labels: []string{"live", "no"}})
	must(t, err)
	equal(t, "removed", strings.Join(out.RemovedLabels, " "), "live")
	equal(t, "invalid", strings.Join(out.InvalidLabels, " "), "no")
	_, err = p.get("/l:live")
	refused(t, err, "ParameterVersionNotFound", "")
}

func TestLabelsHaveAFormAndALimit(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/l", "one")
	wrong, err := p.label("/l", 0, "1st", "AWS-x", "ssm", "a b", "good")
	must(t, err)
	equal(t, "invalid", wrong, "1st AWS-x ssm a b")
	p.wants(t, "/l:good", "one")
	var nine []string
	for i := range 9 {
		nine = append(nine, fmt.Sprint("l", i))
	}
	_, err = p.label("/l", 0, nine...)
	must(t, err)
	_, err = p.label("/l", 0, "more")
	refused(t, err, "ParameterVersionLabelLimitExceeded", "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again.")
	_, err = p.label("/l", 7, "x")
	refused(t, err, "ParameterVersionNotFound", "Systems Manager could not find version 7 of /l. Verify the version and try again.")
	_, err = p.label("/none", 0, "x")
	refused(t, err, "ParameterNotFound", "")
}

func (p *principal) tags(name string) (string, error) {
	out, err := p.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: &name})
	if err != nil {
		return "", err
	}
	var all []string
	for _, t := range out.TagList {
		all = append(all, *t.Key+"="+*t.Value)
	}
	return strings.Join(all, " "), nil
}

func (p *principal) tag(name string, pairs ...string) error {
	in := &sdk.AddTagsToResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: &name}
	for i := 0; i < len(pairs); i += 2 {
		in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	_, err := p.AddTagsToResource(ctx, in)
	return err
}

func TestTagsAreAddedAndRemoved(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/t", "x", func(in *sdk.PutParameterInput) { in.Tags = []types.Tag{{Key: ptr("a"), Value: ptr("1")}} })
	must(t, p.tag("/t", "b", "2", "a", "3"))
	p.mustPut(t, "/t", "y", overwrite)
	got, err := p.tags("/t")
	must(t, err)
	equal(t, "tags", got, "a=3 b=2")
	_, err = p.RemoveTagsFromResource(ctx, &sdk.RemoveTagsFromResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: ptr("/t"), TagKeys: []string{"a", "none"}})
	must(t, err)
	got, err = p.tags(p.arn("t"))
	must(t, err)
	equal(t, "tags", got, "b=2")
}

func TestTagsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/t", "x")
	refused(t, p.tag("/none", "a", "b"), "InvalidResourceId", "")
	refused(t, p.tag("/t", "aws:a", "b"), "ValidationException", "")
	refused(t, p.tag("/t", "a", "b", "a", "c"), "ValidationException", "")
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprint("k", i), "v")
	}
	refused(t, p.tag("/t", many...), "TooManyTagsError", "")
	_, err := p.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingDocument, ResourceId: ptr("/t")})
	refused(t, err, "InvalidResourceType", "")
}
