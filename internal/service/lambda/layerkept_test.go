package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// recorded counts the calls of that name in the account's trail.
func (w *world) recorded(name string) int {
	w.Helper()
	out, err := cloudtrail.NewFromConfig(w.cfg).LookupEvents(w.ctx, &cloudtrail.LookupEventsInput{
		LookupAttributes: []cttypes.LookupAttribute{{AttributeKey: cttypes.LookupAttributeKeyEventName, AttributeValue: &name}},
	})
	w.must(err)
	return len(out.Events)
}

func TestOwnerOfALayerLearnsNothingOfFunctionsElsewhere(t *testing.T) {
	t.Parallel()
	owner := newWorld(t)
	user := owner.neighbour()
	arn := owner.layer("l", files{"x": "x"})
	_, err := owner.permit("l", "all", "*")
	owner.must(err)
	in := provided(t)
	in.Layers = []string{arn}
	user.create("f", in)
	if user.recorded("CreateFunction20150331") != 1 || owner.recorded("CreateFunction20150331") != 0 {
		t.Errorf("the user's trail has %d records, the owner's %d", user.recorded("CreateFunction20150331"), owner.recorded("CreateFunction20150331"))
	}
	if n := owner.recorded("PublishLayerVersion20181031"); n != 1 {
		t.Errorf("the owner's trail has %d publications", n)
	}
}

func TestContentOfALayerIsKeptAsLongAsItIsNeeded(t *testing.T) {
	t.Parallel()
	server := redoubttest.Run(t, app.Config{})
	w := worldOf(t, server.Account(t))
	kept := func() int {
		for _, s := range server.App.Registry().Services() {
			if s.Service.Name() == "lambda" {
				ids, err := s.Service.(api.BlobKeeper).Keeps(w.ctx)
				w.must(err)
				return len(ids)
			}
		}
		return -1
	}
	count := func(want int, when string) {
		t.Helper()
		if got := kept(); got != want {
			t.Errorf("%s: %d packages are kept, want %d", when, got, want)
		}
	}
	forget := func(version int64) {
		t.Helper()
		_, err := w.lambda.DeleteLayerVersion(w.ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: &version})
		w.must(err)
	}
	first := w.layer("l", files{"x": "1"})
	w.layer("l", files{"x": "2"})
	in := provided(t)
	in.Layers = []string{first}
	w.create("f", in)
	count(3, "two layers and a function")
	_, err := w.lambda.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: aws.String("f")})
	w.must(err)
	forget(2)
	count(2, "the layer that nobody has is deleted")
	forget(1)
	count(2, "the layer of the function is deleted")
	_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: []string{}})
	w.must(err)
	count(2, "a version still has it")
	_, err = w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	w.must(err)
	count(1, "no version has it")
}
