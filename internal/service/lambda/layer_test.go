package lambda_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/redoubttest"
)

// layer publishes a version of a layer, and returns its ARN.
func (w *world) layer(name string, content files) string {
	w.Helper()
	return *w.publishLayer(&lambda.PublishLayerVersionInput{LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: content.zip()}}).LayerVersionArn
}

func (w *world) publishLayer(in *lambda.PublishLayerVersionInput) *lambda.PublishLayerVersionOutput {
	w.Helper()
	out, err := w.lambda.PublishLayerVersion(w.ctx, in)
	w.must(err)
	return out
}

func TestPublishedLayerVersionIsReadInEveryWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := files{"lib/x": "x"}.zip()
	made := w.publishLayer(&lambda.PublishLayerVersionInput{
		LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{ZipFile: content}, Description: aws.String("what it is"),
		LicenseInfo: aws.String("MIT"), CompatibleRuntimes: []types.Runtime{types.RuntimePython312}, CompatibleArchitectures: []types.Architecture{types.ArchitectureArm64},
	})
	sum := sha256.Sum256(content)
	arn := "arn:aws:lambda:us-east-1:" + w.account + ":layer:l"
	want := fmt.Sprintf("%s %s:1 1 what it is MIT [python3.12] [arm64] %s %d", arn, arn, base64.StdEncoding.EncodeToString(sum[:]), len(content))
	show := func(o *lambda.GetLayerVersionOutput) string {
		return fmt.Sprint(*o.LayerArn, " ", *o.LayerVersionArn, " ", o.Version, " ", *o.Description, " ", *o.LicenseInfo, " ", o.CompatibleRuntimes, " ",
			o.CompatibleArchitectures, " ", *o.Content.CodeSha256, " ", o.Content.CodeSize)
	}
	published := lambda.GetLayerVersionOutput(*made)
	byName, err := w.lambda.GetLayerVersion(w.ctx, &lambda.GetLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
	w.must(err)
	byLayer, err := w.lambda.GetLayerVersion(w.ctx, &lambda.GetLayerVersionInput{LayerName: &arn, VersionNumber: aws.Int64(1)})
	w.must(err)
	found, err := w.lambda.GetLayerVersionByArn(w.ctx, &lambda.GetLayerVersionByArnInput{Arn: aws.String(arn + ":1")})
	w.must(err)
	byARN := lambda.GetLayerVersionOutput(*found)
	for name, o := range map[string]*lambda.GetLayerVersionOutput{"published": &published, "by name": byName, "by ARN of the layer": byLayer, "by ARN": &byARN} {
		if got := show(o); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestRefusedLayers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.layer("l", files{"x": "x"})
	publish := func(content *types.LayerVersionContentInput) error {
		_, err := w.lambda.PublishLayerVersion(w.ctx, &lambda.PublishLayerVersionInput{LayerName: aws.String("new"), Content: content})
		return err
	}
	get := func(name string, number int64) error {
		_, err := w.lambda.GetLayerVersion(w.ctx, &lambda.GetLayerVersionInput{LayerName: &name, VersionNumber: &number})
		return err
	}
	byARN := func(arn string) error {
		_, err := w.lambda.GetLayerVersionByArn(w.ctx, &lambda.GetLayerVersionByArnInput{Arn: &arn})
		return err
	}
	_, deleted := w.lambda.DeleteLayerVersion(w.ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(-1)})
	_, longName := w.lambda.PublishLayerVersion(w.ctx, &lambda.PublishLayerVersionInput{
		LayerName: aws.String(strings.Repeat("l", 120)), Content: &types.LayerVersionContentInput{ZipFile: files{"x": "x"}.zip()},
	})
	_, elsewhere := w.lambda.PublishLayerVersion(w.ctx, &lambda.PublishLayerVersionInput{
		LayerName: aws.String("arn:aws:lambda:eu-west-1:" + w.account + ":layer:l"), Content: &types.LayerVersionContentInput{ZipFile: files{"x": "x"}.zip()},
	})
	const gone, less = "The resource you requested does not exist.", "Layer Version Cannot be less than 1"
	arn := "arn:aws:lambda:us-east-1:" + w.account + ":layer:"
	for name, c := range map[string]struct {
		err           error
		code, message string
	}{
		"no zip":           {publish(&types.LayerVersionContentInput{ZipFile: []byte("PK")}), "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"empty zip":        {publish(&types.LayerVersionContentInput{ZipFile: files{}.zip()}), "InvalidParameterValueException", "Uploaded file must be a non-empty zip"},
		"escaping link":    {publish(&types.LayerVersionContentInput{ZipFile: linkTo(t, "../x")}), "InvalidParameterValueException", "Could not unzip uploaded file."},
		"large":            {publish(&types.LayerVersionContentInput{ZipFile: zeros(250<<20 + 1)}), "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
		"no content":       {publish(&types.LayerVersionContentInput{}), "InvalidParameterValueException", "Please provide a source for function code."},
		"reference":        {publish(&types.LayerVersionContentInput{S3Bucket: aws.String("bucket"), S3Key: aws.String("k"), S3ObjectStorageMode: types.S3ObjectStorageModeReference}), "InvalidParameterValueException", "(S3ObjectStorageMode REFERENCE) is not supported by Redoubt yet"},
		"other region":     {elsewhere, "ResourceNotFoundException", "Layers from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		"long name":        {longName, "ValidationException", "at 'layerName' failed to satisfy constraint: Member must have length less than or equal to 94"},
		"other layer":      {get("other", 1), "ResourceNotFoundException", gone},
		"other version":    {get("l", 2), "ResourceNotFoundException", gone},
		"version 0":        {get("l", 0), "InvalidParameterValueException", less},
		"deleting -1":      {deleted, "InvalidParameterValueException", less},
		"ARN of no layer":  {byARN(arn + "other:1"), "ResourceNotFoundException", gone},
		"endless version":  {byARN(arn + "l:99999999999999999999"), "ResourceNotFoundException", gone},
		"ARN of no number": {byARN(arn + "l"), "ValidationException", "at 'arn' failed to satisfy constraint"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.err, c.code, c.message) })
	}
}

// zeros packs a file of that size.
func zeros(size int) []byte { return files{"zeros": strings.Repeat("\x00", size)}.zip() }

func TestNumbersOfLayersAreNeverReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := aws.String("l")
	w.layer("l", files{"x": "1"})
	w.layer("l", files{"x": "2"})
	for _, n := range []int64{2, 1, 1} { // the last time there is none any more
		_, err := w.lambda.DeleteLayerVersion(w.ctx, &lambda.DeleteLayerVersionInput{LayerName: name, VersionNumber: &n})
		w.must(err)
	}
	layers, err := w.lambda.ListLayers(w.ctx, &lambda.ListLayersInput{})
	w.must(err)
	versions, err := w.lambda.ListLayerVersions(w.ctx, &lambda.ListLayerVersionsInput{LayerName: name})
	w.must(err)
	if len(layers.Layers)+len(versions.LayerVersions) != 0 {
		t.Errorf("got %v, %v", layers.Layers, versions.LayerVersions)
	}
	if arn := w.layer("l", files{"x": "3"}); !strings.HasSuffix(arn, ":layer:l:3") {
		t.Errorf("got %s", arn)
	}
}

func TestLayersAreListedByWhatTheyAreCompatibleWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, l := range []struct {
		name    string
		runtime types.Runtime
		arch    types.Architecture
	}{
		{"a", types.RuntimePython312, types.ArchitectureX8664}, {"a", types.RuntimePython313, types.ArchitectureArm64},
		{"a", types.RuntimePython312, types.ArchitectureArm64}, {"b", types.RuntimeNodejs22x, types.ArchitectureX8664},
	} {
		w.publishLayer(&lambda.PublishLayerVersionInput{
			LayerName: aws.String(l.name), Content: &types.LayerVersionContentInput{ZipFile: files{"x": "x"}.zip()},
			CompatibleRuntimes: []types.Runtime{l.runtime}, CompatibleArchitectures: []types.Architecture{l.arch},
		})
	}
	w.layer("c", files{"x": "x"})
	for _, c := range []struct {
		runtime      types.Runtime
		arch         types.Architecture
		layers, of_a string
	}{
		{"", "", "a:3 b:1 c:1", "3 2 1"},
		{types.RuntimePython312, "", "a:3", "3 1"},
		{types.RuntimePython313, "", "a:2", "2"},
		{types.RuntimePython312, types.ArchitectureX8664, "a:1", "1"},
		{"", types.ArchitectureX8664, "a:1 b:1", "1"},
		{types.RuntimeJava21, "", "", ""},
	} {
		var layers, versions []string
		for p := lambda.NewListLayersPaginator(w.lambda, &lambda.ListLayersInput{CompatibleRuntime: c.runtime, CompatibleArchitecture: c.arch, MaxItems: aws.Int32(1)}); p.HasMorePages(); {
			page, err := p.NextPage(w.ctx)
			w.must(err)
			for _, l := range page.Layers {
				layers = append(layers, *l.LayerName+":"+strconv.FormatInt(l.LatestMatchingVersion.Version, 10))
			}
		}
		for p := lambda.NewListLayerVersionsPaginator(w.lambda, &lambda.ListLayerVersionsInput{LayerName: aws.String("a"), CompatibleRuntime: c.runtime, CompatibleArchitecture: c.arch, MaxItems: aws.Int32(1)}); p.HasMorePages(); {
			page, err := p.NextPage(w.ctx)
			w.must(err)
			for _, v := range page.LayerVersions {
				versions = append(versions, strconv.FormatInt(v.Version, 10))
			}
		}
		if got, of_a := strings.Join(layers, " "), strings.Join(versions, " "); got != c.layers || of_a != c.of_a {
			t.Errorf("%s %s: got %q and %q, want %q and %q", c.runtime, c.arch, got, of_a, c.layers, c.of_a)
		}
	}
}

func TestLayersTakeFromTheQuotaUntilTheyAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	size := func() int64 {
		out, err := w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{})
		w.must(err)
		return out.AccountUsage.TotalCodeSize
	}
	content := files{"x": "x"}
	w.layer("l", content)
	if got := size(); got != int64(len(content.zip())) {
		t.Errorf("got %d", got)
	}
	_, err := w.lambda.DeleteLayerVersion(w.ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
	w.must(err)
	if got := size(); got != 0 {
		t.Errorf("got %d", got)
	}
}

// neighbour is another account of the same server.
func (w *world) neighbour() *world {
	w.Helper()
	return worldOf(w, redoubttest.Start(w))
}
