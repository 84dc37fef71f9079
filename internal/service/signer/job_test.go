package signer_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func (p *principal) s3() *s3.Client {
	return s3.NewFromConfig(p.cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// bucket makes a versioned bucket.
func (p *principal) bucket(t *testing.T, name string) string {
	t.Helper()
	name += p.account
	_, err := p.s3().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	must(t, err)
	_, err = p.s3().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	must(t, err)
	return name
}

// upload puts an object, and returns it as the source of a job.
func (p *principal) upload(t *testing.T, bucket, key string, content []byte) *types.Source {
	t.Helper()
	out, err := p.s3().PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)})
	must(t, err)
	return &types.Source{S3: &types.S3Source{BucketName: &bucket, Key: &key, Version: out.VersionId}}
}

func (p *principal) startJob(profile, bucket string, source *types.Source, change ...func(*sdk.StartSigningJobInput)) (*sdk.StartSigningJobOutput, error) {
	in := &sdk.StartSigningJobInput{
		ProfileName: &profile, Source: source,
		Destination: &types.Destination{S3: &types.S3Destination{BucketName: &bucket, Prefix: ptr("signed/")}},
	}
	for _, c := range change {
		c(in)
	}
	return p.StartSigningJob(ctx, in)
}

// ended waits for the end of a job.
func (p *principal) ended(t *testing.T, id string) *sdk.DescribeSigningJobOutput {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out, err := p.DescribeSigningJob(ctx, &sdk.DescribeSigningJobInput{JobId: &id})
		must(t, err)
		if out.Status != types.SigningStatusInProgress || time.Now().After(end) {
			return out
		}
	}
}

// pkg is a package with one file.
func pkg(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	e, err := w.Create("index.py")
	must(t, err)
	_, err = io.WriteString(e, "def handler(event, context):\n    return 'signed'\n")
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

func TestJobSignsAnObjectOfS3(t *testing.T) {
	p := start(t)
	bucket, version := p.bucket(t, "code-"), p.profile(t, "mine")
	source := p.upload(t, bucket, "plain.zip", pkg(t))
	made, err := p.startJob("mine", bucket, source)
	must(t, err)
	job := p.ended(t, *made.JobId)
	want := fmt.Sprintln("Succeeded", "Signing Succeeded", bucket, "signed/"+*made.JobId+".zip", p.account, p.account, "mine", version, lambdaPlatform)
	if job.SignedObject == nil {
		t.Fatalf("got %s: %s", job.Status, aws.ToString(job.StatusReason))
	}
	o := job.SignedObject.S3
	got := fmt.Sprintln(job.Status, aws.ToString(job.StatusReason), *o.BucketName, *o.Key, *job.JobOwner, *job.JobInvoker, *job.ProfileName, *job.ProfileVersion, *job.PlatformId)
	if got != want || !job.SignatureExpiresAt.After(time.Now().AddDate(11, 2, 0)) || *job.Source.S3.Version != *source.S3.Version {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	object, err := p.s3().GetObject(ctx, &s3.GetObjectInput{Bucket: o.BucketName, Key: o.Key})
	must(t, err)
	signed, err := io.ReadAll(object.Body)
	must(t, err)
	r, err := zip.NewReader(bytes.NewReader(signed), int64(len(signed)))
	must(t, err)
	if len(r.File) != 3 || r.File[0].Name != "index.py" || r.File[2].Name != "META_INF/aws_signer_signature_v1.0.SF" {
		t.Errorf("the signed package has %d entries", len(r.File))
	}
}

func TestTokenOfAJobIsUsedOnce(t *testing.T) {
	p := start(t)
	bucket := p.bucket(t, "code-")
	p.profile(t, "mine")
	source := p.upload(t, bucket, "plain.zip", pkg(t))
	token := func(in *sdk.StartSigningJobInput) { in.ClientRequestToken = ptr("token") }
	one, err := p.startJob("mine", bucket, source, token)
	must(t, err)
	two, err := p.startJob("mine", bucket, source, token)
	must(t, err)
	three, err := p.startJob("mine", bucket, source)
	must(t, err)
	if *one.JobId != *two.JobId || *one.JobId == *three.JobId {
		t.Errorf("jobs %s, %s, %s", *one.JobId, *two.JobId, *three.JobId)
	}
	p.ended(t, *one.JobId)
	p.ended(t, *three.JobId)
	list, err := p.ListSigningJobs(ctx, &sdk.ListSigningJobsInput{Status: types.SigningStatusSucceeded, MaxResults: ptr(int32(1))})
	must(t, err)
	rest, err := p.ListSigningJobs(ctx, &sdk.ListSigningJobsInput{Status: types.SigningStatusSucceeded, NextToken: list.NextToken})
	must(t, err)
	if len(list.Jobs) != 1 || len(rest.Jobs) != 1 || *list.Jobs[0].JobId == *rest.Jobs[0].JobId || rest.NextToken != nil {
		t.Errorf("lists %+v and %+v", list.Jobs, rest.Jobs)
	}
	for want, in := range map[int]*sdk.ListSigningJobsInput{
		0: {Status: types.SigningStatusFailed}, 2: {JobInvoker: &p.account, SignatureExpiresAfter: ptr(time.Now())},
	} {
		got, err := p.ListSigningJobs(ctx, in)
		must(t, err)
		if len(got.Jobs) != want {
			t.Errorf("%+v lists %d jobs, want %d", in, len(got.Jobs), want)
		}
	}
}

func TestJobsThatFailSayWhy(t *testing.T) {
	p := start(t)
	bucket := p.bucket(t, "code-")
	p.profile(t, "mine")
	signedBefore := func() *types.Source {
		made, err := p.startJob("mine", bucket, p.upload(t, bucket, "plain.zip", pkg(t)))
		must(t, err)
		o := p.ended(t, *made.JobId).SignedObject.S3
		head, err := p.s3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: o.BucketName, Key: o.Key})
		must(t, err)
		return &types.Source{S3: &types.S3Source{BucketName: o.BucketName, Key: o.Key, Version: head.VersionId}}
	}
	for name, c := range map[string]struct {
		source *types.Source
		bucket string
		want   string
	}{
		"no such key":    {&types.Source{S3: &types.S3Source{BucketName: &bucket, Key: ptr("none"), Version: ptr("null")}}, bucket, "reading the source"},
		"no zip":         {p.upload(t, bucket, "text", []byte("hello")), bucket, "it is no zip file"},
		"signed already": {signedBefore(), bucket, "has a signature already"},
		"nowhere to go":  {p.upload(t, bucket, "plain.zip", pkg(t)), "no-such-bucket-anywhere", "writing the signed object"},
	} {
		made, err := p.startJob("mine", c.bucket, c.source)
		must(t, err)
		if job := p.ended(t, *made.JobId); job.Status != types.SigningStatusFailed || !strings.Contains(aws.ToString(job.StatusReason), c.want) || job.SignedObject != nil {
			t.Errorf("%s: %s: %s", name, job.Status, aws.ToString(job.StatusReason))
		}
	}
}

func TestJobsThatAreNotStartedAreRefused(t *testing.T) {
	p := start(t)
	bucket := p.bucket(t, "code-")
	p.profile(t, "mine")
	source := p.upload(t, bucket, "plain.zip", pkg(t))
	_, err := p.startJob("none", bucket, source)
	refused(t, err, "ResourceNotFoundException", "profile with name none does not exist")
	_, err = p.startJob("mine", bucket, &types.Source{})
	refused(t, err, "ValidationException", "")
	_, err = p.startJob("mine", bucket, source, func(in *sdk.StartSigningJobInput) { in.Destination.S3.BucketName = nil })
	refused(t, err, "ValidationException", "")
	_, err = p.CancelSigningProfile(ctx, &sdk.CancelSigningProfileInput{ProfileName: ptr("mine")})
	must(t, err)
	_, err = p.startJob("mine", bucket, source)
	refused(t, err, "ValidationException", "Signing Profile mine is not active")
	_, err = p.DescribeSigningJob(ctx, &sdk.DescribeSigningJobInput{JobId: ptr("none")})
	refused(t, err, "ResourceNotFoundException", "")
}

// A job reads and writes as whoever has started it: Signer lends nobody its permissions.
func TestJobMayDoWhatItsCallerMay(t *testing.T) {
	p := start(t)
	bucket := p.bucket(t, "code-")
	p.profile(t, "mine")
	source := p.upload(t, bucket, "plain.zip", pkg(t))
	sign := `{"Effect":"Allow","Action":["signer:StartSigningJob","signer:DescribeSigningJob"],"Resource":"*"},`
	read := `{"Effect":"Allow","Action":"s3:GetObjectVersion","Resource":"arn:aws:s3:::` + bucket + `/plain.zip"}`
	write := `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::` + bucket + `/signed/*"}`
	for name, c := range map[string]struct {
		statements string
		want       types.SigningStatus
	}{
		"reader": {sign + read, types.SigningStatusFailed}, "writer": {sign + write, types.SigningStatusFailed},
		"both": {sign + read + "," + write, types.SigningStatusSucceeded},
	} {
		u := p.user(t, name, c.statements)
		made, err := u.startJob("mine", bucket, source)
		must(t, err)
		if job := u.ended(t, *made.JobId); job.Status != c.want || *job.RequestedBy != "arn:aws:iam::"+p.account+":user/"+name {
			t.Errorf("%s: %s: %s", name, job.Status, aws.ToString(job.StatusReason))
		}
	}
}

func TestAnotherAccountSignsByPermissionOnly(t *testing.T) {
	p, dev := start(t), identify(t, redoubttest.Start(t))
	p.profile(t, "mine")
	bucket := dev.bucket(t, "code-")
	source := dev.upload(t, bucket, "plain.zip", pkg(t))
	owned := func(in *sdk.StartSigningJobInput) { in.ProfileOwner = &p.account }
	_, err := dev.startJob("mine", bucket, source, owned)
	refused(t, err, "AccessDeniedException", "")
	first, err := p.permit("mine", "sign", "signer:StartSigningJob", dev.account, nil)
	must(t, err)
	made, err := dev.startJob("mine", bucket, source, owned)
	must(t, err)
	job := dev.ended(t, *made.JobId)
	if job.Status != types.SigningStatusSucceeded || *job.JobOwner != p.account || *job.JobInvoker != dev.account {
		t.Fatalf("%s: %s, owner %s, invoker %s", job.Status, aws.ToString(job.StatusReason), *job.JobOwner, *job.JobInvoker)
	}
	p.ended(t, *made.JobId) // the owner sees it, too
	revoke := func() error {
		_, err := dev.RevokeSignature(ctx, &sdk.RevokeSignatureInput{JobId: made.JobId, JobOwner: &p.account, Reason: ptr("a mistake")})
		return err
	}
	refused(t, revoke(), "AccessDeniedException", "")
	_, err = p.permit("mine", "revoke", "signer:RevokeSignature", dev.account, first.RevisionId)
	must(t, err)
	must(t, revoke())
	if r := p.ended(t, *made.JobId).RevocationRecord; r == nil || *r.Reason != "a mistake" {
		t.Errorf("revocation is %+v", r)
	}
	list, err := p.ListSigningJobs(ctx, &sdk.ListSigningJobsInput{IsRevoked: true})
	must(t, err)
	if len(list.Jobs) != 1 || !list.Jobs[0].IsRevoked {
		t.Errorf("revoked jobs are %+v", list.Jobs)
	}
}

// A job that is running when the server stops has ended when it runs again: done, or failed and said so.
func TestNoJobIsLostByARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: dir})
	keys := server.App.Operator
	p := identify(t, server.Config(t, keys.AccessKey, keys.SecretKey, ""))
	bucket := p.bucket(t, "code-")
	p.profile(t, "mine")
	source := p.upload(t, bucket, "plain.zip", pkg(t))
	var ids []string
	for range 20 {
		made, err := p.startJob("mine", bucket, source)
		must(t, err)
		ids = append(ids, *made.JobId)
	}
	must(t, server.Stop())
	server = redoubttest.Run(t, app.Config{Data: dir})
	p = identify(t, server.Config(t, keys.AccessKey, keys.SecretKey, ""))
	for _, id := range ids {
		job := p.ended(t, id)
		if job.Status == types.SigningStatusInProgress ||
			job.Status == types.SigningStatusFailed && aws.ToString(job.StatusReason) != "The server was stopped before the job was done. Start it again." {
			t.Errorf("%s: %s: %s", id, job.Status, aws.ToString(job.StatusReason))
		}
	}
}
