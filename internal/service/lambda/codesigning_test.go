package lambda_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cloudtrailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	signertypes "github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/redoubttest"
)

const (
	notSigned   = "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for "
	notProperly = "Lambda cannot deploy the function. The function or layer code is not properly signed. This can mean that the code was signed incorrectly or modified after it was signed. Check the provided signature for "
)

// A publisher signs packages under a profile of an account.
type publisher struct {
	*world
	signer  *signer.Client
	s3      *s3.Client
	bucket  string
	name    string
	version string
	arn     string // of the profile's version
}

func newPublisher(w *world, name string, validity *signertypes.SignatureValidityPeriod) *publisher {
	w.Helper()
	p := &publisher{
		world: w, signer: signer.NewFromConfig(w.cfg), s3: s3.NewFromConfig(w.cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		bucket: strings.ToLower(strings.ReplaceAll(name, "_", "-")) + "-" + w.account, name: name,
	}
	_, err := p.s3.CreateBucket(w.ctx, &s3.CreateBucketInput{Bucket: &p.bucket})
	w.must(err)
	_, err = p.s3.PutBucketVersioning(w.ctx, &s3.PutBucketVersioningInput{
		Bucket: &p.bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	w.must(err)
	out, err := p.signer.PutSigningProfile(w.ctx, &signer.PutSigningProfileInput{
		ProfileName: &name, PlatformId: aws.String("AWSLambda-SHA384-ECDSA"), SignatureValidityPeriod: validity,
	})
	w.must(err)
	p.version, p.arn = *out.ProfileVersion, *out.ProfileVersionArn
	return p
}

// sign signs a package, and returns it with the id of the job.
func (p *publisher) sign(pkg []byte) (signed []byte, job string) {
	p.Helper()
	source, err := p.s3.PutObject(p.ctx, &s3.PutObjectInput{Bucket: &p.bucket, Key: aws.String("plain.zip"), Body: bytes.NewReader(pkg)})
	p.must(err)
	made, err := p.signer.StartSigningJob(p.ctx, &signer.StartSigningJobInput{
		ProfileName: &p.name,
		Source:      &signertypes.Source{S3: &signertypes.S3Source{BucketName: &p.bucket, Key: aws.String("plain.zip"), Version: source.VersionId}},
		Destination: &signertypes.Destination{S3: &signertypes.S3Destination{BucketName: &p.bucket}},
	})
	p.must(err)
	done, err := signer.NewSuccessfulSigningJobWaiter(p.signer, func(o *signer.SuccessfulSigningJobWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	}).WaitForOutput(p.ctx, &signer.DescribeSigningJobInput{JobId: made.JobId}, time.Minute)
	p.must(err)
	object, err := p.s3.GetObject(p.ctx, &s3.GetObjectInput{Bucket: done.SignedObject.S3.BucketName, Key: done.SignedObject.S3.Key})
	p.must(err)
	signed, err = io.ReadAll(object.Body)
	p.must(err)
	return signed, *made.JobId
}

func (w *world) jobARN(id string) string {
	return "arn:aws:signer:" + w.cfg.Region + ":" + w.account + ":/signing-jobs/" + id
}

// config makes a code signing configuration, and returns its ARN.
func (w *world) config(policy types.CodeSigningPolicy, publishers ...string) string {
	w.Helper()
	out, err := w.lambda.CreateCodeSigningConfig(w.ctx, &lambda.CreateCodeSigningConfigInput{
		AllowedPublishers:   &types.AllowedPublishers{SigningProfileVersionArns: publishers},
		CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: policy},
	})
	w.must(err)
	return *out.CodeSigningConfig.CodeSigningConfigArn
}

// guarded is a function, of a signed package, with a configuration.
func (p *publisher) guarded(name, config string) (signed []byte, job, arn string) {
	p.Helper()
	in := python(returns("first"))
	in.Code.ZipFile, job = p.sign(in.Code.ZipFile)
	in.CodeSigningConfigArn = &config
	out := p.create(name, in)
	if aws.ToString(out.SigningProfileVersionArn) != p.arn || aws.ToString(out.SigningJobArn) != p.jobARN(job) {
		p.Errorf("signed by %s in %s", aws.ToString(out.SigningProfileVersionArn), aws.ToString(out.SigningJobArn))
	}
	return in.Code.ZipFile, job, *out.FunctionArn
}

func returns(text string) string {
	return "def handler(event, context):\n    return '" + text + "'\n"
}

func (w *world) upload(name string, pkg []byte, change ...func(*lambda.UpdateFunctionCodeInput)) (*lambda.UpdateFunctionCodeOutput, error) {
	in := &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: pkg}
	for _, c := range change {
		c(in)
	}
	return w.lambda.UpdateFunctionCode(w.ctx, in)
}

// edit changes the entries of a package.
func edit(t testing.TB, pkg []byte, how func(h *zip.FileHeader, body []byte) []byte) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		body, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		h := &zip.FileHeader{Name: f.Name, Method: f.Method, ExternalAttrs: f.ExternalAttrs, CreatorVersion: f.CreatorVersion}
		content = how(h, content)
		e, err := w.CreateHeader(h)
		if err == nil {
			_, err = e.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tampered(t testing.TB, pkg []byte) []byte {
	return edit(t, pkg, func(h *zip.FileHeader, body []byte) []byte {
		if strings.HasSuffix(h.Name, ".py") {
			return append(body, "import os\n"...)
		}
		return body
	})
}

func TestOnlySignedPackagesDeployWhereThatIsEnforced(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	w := newWorld(t)
	p := newPublisher(w, "mine", nil)
	config := w.config(types.CodeSigningPolicyEnforce, p.arn)
	in := python(returns("x"))
	in.FunctionName, in.Role, in.CodeSigningConfigArn = aws.String("f"), aws.String(w.role("f-role", mayLog)), &config
	_, err := w.lambda.CreateFunction(w.ctx, in)
	wantError(t, err, "CodeVerificationFailedException", notSigned+"f.")
	signed, _, arn := p.guarded("g", config)
	if got := w.invoke("g", "{}"); got.payload != `"first"` {
		t.Errorf("the signed function answers %+v", got)
	}
	unsigned := python(returns("second")).Code.ZipFile
	_, err = w.upload("g", unsigned)
	wantError(t, err, "CodeVerificationFailedException", notSigned+arn+".")
	_, err = w.upload("g", unsigned, func(in *lambda.UpdateFunctionCodeInput) { in.DryRun = true })
	wantError(t, err, "CodeVerificationFailedException", notSigned+arn+".")
	_, err = w.upload("g", tampered(t, signed))
	wantError(t, err, "CodeVerificationFailedException", notProperly+arn+".")
	other, _ := newPublisher(w, "other", nil).sign(unsigned)
	_, err = w.upload("g", other)
	wantError(t, err, "CodeVerificationFailedException", notSigned+arn+".")
	if got := w.invoke("g", "{}"); got.payload != `"first"` {
		t.Errorf("after refused deployments the function answers %+v", got)
	}
	recompressed := edit(t, signed, func(h *zip.FileHeader, body []byte) []byte { h.Method = zip.Store; return body })
	_, err = w.upload("g", recompressed)
	w.must(err)
}

func TestWarningsAreInTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPublisher(w, "mine", nil)
	config := w.config(types.CodeSigningPolicyWarn, p.arn)
	signed, job, arn := p.guarded("f", config)
	_, err := w.upload("f", tampered(t, signed))
	wantError(t, err, "CodeVerificationFailedException", notProperly+arn+".")
	out, err := w.upload("f", python(returns("second")).Code.ZipFile)
	w.must(err)
	if out.SigningJobArn != nil || out.SigningProfileVersionArn != nil {
		t.Errorf("an unsigned package is signed by %s", *out.SigningProfileVersionArn)
	}
	events, err := cloudtrail.NewFromConfig(w.cfg).LookupEvents(w.ctx, &cloudtrail.LookupEventsInput{
		LookupAttributes: []cloudtrailtypes.LookupAttribute{{AttributeKey: "EventSource", AttributeValue: aws.String("lambda.amazonaws.com")}},
	})
	w.must(err)
	var got []string
	for _, e := range events.Events {
		var record struct {
			EventName           string
			ErrorCode           string
			AdditionalEventData map[string]string
		}
		w.must(json.Unmarshal([]byte(*e.CloudTrailEvent), &record))
		if a := record.AdditionalEventData; a != nil || record.ErrorCode != "" {
			got = append(got, record.EventName+" "+record.ErrorCode+" "+a["signatureStatus"]+" "+a["signingJobArn"]+" "+a["signingProfileVersionArn"])
		}
	}
	want := []string{
		"UpdateFunctionCode20150331v2  MISMATCH  ", "UpdateFunctionCode20150331v2 CodeVerificationFailedException   ",
		"CreateFunction20150331  VALID " + w.jobARN(job) + " " + p.arn,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRevocationStopsDeploymentAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPublisher(w, "mine", nil)
	signed, job, arn := p.guarded("f", w.config(types.CodeSigningPolicyEnforce, p.arn))
	second, _ := p.sign(python(returns("second")).Code.ZipFile)
	_, err := p.signer.RevokeSignature(w.ctx, &signer.RevokeSignatureInput{JobId: &job, Reason: aws.String("a bug")})
	w.must(err)
	const revoked = "Lambda cannot deploy the function. The signature of the function or layer code has been revoked. Check the provided signature for "
	_, err = w.upload("f", signed)
	wantError(t, err, "CodeVerificationFailedException", revoked+arn+".")
	_, err = w.upload("f", second)
	w.must(err)
	_, err = p.signer.RevokeSigningProfile(w.ctx, &signer.RevokeSigningProfileInput{
		ProfileName: &p.name, ProfileVersion: &p.version, Reason: aws.String("stolen"), EffectiveTime: aws.Time(time.Now().Add(-time.Hour)),
	})
	w.must(err)
	_, err = w.upload("f", second)
	wantError(t, err, "CodeVerificationFailedException", revoked+arn+".")
}

func TestLayersMustBeSignedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPublisher(w, "mine", nil)
	config := w.config(types.CodeSigningPolicyEnforce, p.arn)
	_, _, _ = p.guarded("f", config)
	plain := files{"python/extra.py": "x = 1\n"}.zip()
	signed, job := p.sign(plain)
	publish := func(pkg []byte) *lambda.PublishLayerVersionOutput {
		out, err := w.lambda.PublishLayerVersion(w.ctx, &lambda.PublishLayerVersionInput{
			LayerName: aws.String("extra"), Content: &types.LayerVersionContentInput{ZipFile: pkg},
		})
		w.must(err)
		return out
	}
	attach := func(layer string) (*lambda.UpdateFunctionConfigurationOutput, error) {
		return w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: []string{layer}})
	}
	unsignedLayer, broken, good := publish(plain), publish(tampered(t, signed)), publish(signed)
	if unsignedLayer.Content.SigningJobArn != nil || broken.Content.SigningJobArn != nil || aws.ToString(good.Content.SigningJobArn) != w.jobARN(job) {
		t.Errorf("layers are signed in %v, %v, %v", unsignedLayer.Content.SigningJobArn, broken.Content.SigningJobArn, good.Content.SigningJobArn)
	}
	_, err := attach(*unsignedLayer.LayerVersionArn)
	wantError(t, err, "CodeVerificationFailedException", notSigned+*unsignedLayer.LayerVersionArn+".")
	_, err = attach(*broken.LayerVersionArn)
	wantError(t, err, "CodeVerificationFailedException", notProperly+*broken.LayerVersionArn+".")
	out, err := attach(*good.LayerVersionArn)
	w.must(err)
	if l := out.Layers[0]; aws.ToString(l.SigningJobArn) != w.jobARN(job) || aws.ToString(l.SigningProfileVersionArn) != p.arn {
		t.Errorf("the layer is %+v", l)
	}
}

// A package that another account has signed deploys where its profile is allowed.
func TestPublisherMayBeAnotherAccount(t *testing.T) {
	t.Parallel()
	w, vendor := newWorld(t), newWorld(t)
	p := newPublisher(vendor, "vendor", nil)
	in := python(returns("theirs"))
	in.Code.ZipFile, _ = p.sign(in.Code.ZipFile)
	in.CodeSigningConfigArn = aws.String(w.config(types.CodeSigningPolicyEnforce, p.arn))
	if out := w.create("f", in); aws.ToString(out.SigningProfileVersionArn) != p.arn {
		t.Errorf("signed by %s", aws.ToString(out.SigningProfileVersionArn))
	}
}

func TestCodeSigningConfigIsShownAsAWSDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const publisher = "arn:aws:signer:us-west-2:111111111111:/signing-profiles/not_created/0123456789"
	arn := w.config("Enforce", publisher)
	updated, err := w.lambda.UpdateCodeSigningConfig(w.ctx, &lambda.UpdateCodeSigningConfigInput{
		CodeSigningConfigArn: &arn, CodeSigningPolicies: &types.CodeSigningPolicies{}, Description: aws.String("d"),
	})
	w.must(err)
	got, err := w.lambda.GetCodeSigningConfig(w.ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: &arn})
	w.must(err)
	list, err := w.lambda.ListCodeSigningConfigs(w.ctx, &lambda.ListCodeSigningConfigsInput{})
	w.must(err)
	for _, c := range []types.CodeSigningConfig{*updated.CodeSigningConfig, *got.CodeSigningConfig, list.CodeSigningConfigs[0]} {
		if *c.CodeSigningConfigArn != arn || !strings.HasSuffix(arn, ":code-signing-config:"+*c.CodeSigningConfigId) || *c.Description != "d" ||
			c.CodeSigningPolicies.UntrustedArtifactOnDeployment != "Enforce" || c.AllowedPublishers.SigningProfileVersionArns[0] != publisher {
			t.Errorf("got %+v", c)
		}
	}
	_, err = w.lambda.CreateCodeSigningConfig(w.ctx, &lambda.CreateCodeSigningConfigInput{
		AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{"arn:aws:s3:us-east-1:111111111111:x"}},
	})
	wantError(t, err, "InvalidParameterValueException", "not the ARN of a version of a signing profile")
}

func TestFunctionsHaveOrHaveNoCodeSigningConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("f")
	arn := w.config("Warn", "arn:aws:signer:us-east-1:111111111111:/signing-profiles/p1/0123456789")
	get := func() *lambda.GetFunctionCodeSigningConfigOutput {
		out, err := w.lambda.GetFunctionCodeSigningConfig(w.ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: aws.String("f")})
		w.must(err)
		return out
	}
	put := func(name, config string) error {
		_, err := w.lambda.PutFunctionCodeSigningConfig(w.ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: &name, CodeSigningConfigArn: &config})
		return err
	}
	if got := get(); got.CodeSigningConfigArn != nil || got.FunctionName != nil {
		t.Errorf("got %+v", got)
	}
	w.must(put("f", arn))
	if got := get(); *got.CodeSigningConfigArn != arn || *got.FunctionName != "f" {
		t.Errorf("got %+v", got)
	}
	list, err := w.lambda.ListFunctionsByCodeSigningConfig(w.ctx, &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: &arn})
	w.must(err)
	if len(list.FunctionArns) != 1 || !strings.HasSuffix(list.FunctionArns[0], ":function:f") {
		t.Errorf("got %v", list.FunctionArns)
	}
	_, err = w.lambda.DeleteCodeSigningConfig(w.ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: &arn})
	wantError(t, err, "ResourceConflictException", "Lambda cannot delete the code signing configuration at this time — another operation is in progress. Try again later.")
	wantError(t, put("f:1", arn), "InvalidParameterValueException", "")
	wantError(t, put("none", arn), "ResourceNotFoundException", "Function not found")
	gone := arn[:len(arn)-17] + "00000000000000000"
	wantError(t, put("f", gone), "CodeSigningConfigNotFoundException", "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "+gone+".")
	in := python(returns("x"))
	in.FunctionName, in.Role, in.CodeSigningConfigArn = aws.String("g"), aws.String(w.role("g-role")), &gone
	_, err = w.lambda.CreateFunction(w.ctx, in)
	wantError(t, err, "CodeSigningConfigNotFoundException", "")
	_, err = w.lambda.DeleteFunctionCodeSigningConfig(w.ctx, &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: aws.String("f")})
	w.must(err)
	_, err = w.lambda.DeleteCodeSigningConfig(w.ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: &arn})
	w.must(err)
	_, err = w.lambda.GetCodeSigningConfig(w.ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: &arn})
	wantError(t, err, "ResourceNotFoundException", "The Lambda code signing configuration "+arn+" can not be found.")
}

func TestCodeSigningConfigsHaveTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.lambda.CreateCodeSigningConfig(w.ctx, &lambda.CreateCodeSigningConfigInput{
		AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{"arn:aws:signer:us-east-1:111111111111:/signing-profiles/p1/0123456789"}},
		Tags:              map[string]string{"a": "1"},
	})
	w.must(err)
	arn := out.CodeSigningConfig.CodeSigningConfigArn
	_, err = w.lambda.TagResource(w.ctx, &lambda.TagResourceInput{Resource: arn, Tags: map[string]string{"b": "2"}})
	w.must(err)
	_, err = w.lambda.UntagResource(w.ctx, &lambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a"}})
	w.must(err)
	tags, err := w.lambda.ListTags(w.ctx, &lambda.ListTagsInput{Resource: arn})
	w.must(err)
	if len(tags.Tags) != 1 || tags.Tags["b"] != "2" {
		t.Errorf("tags are %v", tags.Tags)
	}
	may := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:DeleteCodeSigningConfig","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/b":"3"}}}]}`
	_, err = lambda.NewFromConfig(w.user("u", may)).DeleteCodeSigningConfig(w.ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn})
	wantError(t, err, "AccessDeniedException", "")
}

// A policy can make sure that nobody creates a function without a certain configuration, or takes it away.
func TestConditionOnTheCodeSigningConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPublisher(w, "mine", nil)
	config, other := w.config("Enforce", p.arn), w.config("Warn", p.arn)
	role := w.role("r", mayLog)
	dev := worldOf(t, w.user("dev", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["lambda:CreateFunction","lambda:PutFunctionCodeSigningConfig"],"Resource":"*",
			"Condition":{"StringEquals":{"lambda:CodeSigningConfigArn":"`+config+`"}}},
		{"Effect":"Allow","Action":"lambda:UpdateFunctionCode","Resource":"*","Condition":{"StringEquals":{"lambda:CodeSigningConfigArn":"`+config+`"}}},
		{"Effect":"Allow","Action":["iam:PassRole"],"Resource":"*"}]}`))
	signed, _ := p.sign(python(returns("x")).Code.ZipFile)
	create := func(name string, config *string) error {
		in := python("")
		in.FunctionName, in.Role, in.Code.ZipFile, in.CodeSigningConfigArn = &name, &role, signed, config
		_, err := dev.lambda.CreateFunction(dev.ctx, in)
		return err
	}
	wantError(t, create("f", nil), "AccessDeniedException", "")
	wantError(t, create("f", &other), "AccessDeniedException", "")
	w.must(create("f", &config))
	_, err := dev.upload("f", signed)
	w.must(err)
	_, err = dev.lambda.PutFunctionCodeSigningConfig(w.ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: aws.String("f"), CodeSigningConfigArn: &other})
	wantError(t, err, "AccessDeniedException", "")
	_, err = w.lambda.PutFunctionCodeSigningConfig(w.ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: aws.String("f"), CodeSigningConfigArn: &other})
	w.must(err)
	_, err = dev.upload("f", signed)
	wantError(t, err, "AccessDeniedException", "")
	stranger := worldOf(t, redoubttest.Start(t))
	_, err = stranger.lambda.GetCodeSigningConfig(w.ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: &config})
	wantError(t, err, "AccessDeniedException", "")
}
