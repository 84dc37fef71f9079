package s3_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/redoubttest"
)

// user makes a user with a policy, and returns its configuration.
func user(t *testing.T, admin aws.Config, name, statements string) aws.Config {
	t.Helper()
	c := iam.NewFromConfig(admin)
	_, err := c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})
	ok(t, err)
	if statements != "" {
		_, err = c.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: aws.String(document(statements))})
		ok(t, err)
	}
	key, err := c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	ok(t, err)
	return redoubttest.With(admin, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func setPolicy(t *testing.T, c *s3.Client, b *string, statements string) {
	t.Helper()
	_, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(document(statements))})
	ok(t, err)
}

func tryGet(t *testing.T, c *s3.Client, b *string, key string) error {
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: &key})
	if err == nil {
		out.Body.Close()
	}
	return err
}

func TestWhoMayNotListDoesNotLearnWhatIsMissing(t *testing.T) {
	t.Parallel()
	admin := redoubttest.Start(t)
	c := client(admin)
	b := bucket(t, c)
	put(t, c, b, "there", "x")
	reader := client(user(t, admin, "reader", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`))
	ok(t, tryGet(t, reader, b, "there"))
	must(t, tryGet(t, reader, b, "missing"), "AccessDenied")
	lister := client(user(t, admin, "lister", `{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}`))
	must(t, tryGet(t, lister, b, "missing"), "NoSuchKey")
	must(t, tryGet(t, client(user(t, admin, "nobody", "")), b, "there"), "AccessDenied")
}

func TestBucketPoliciesLetOtherAccountsIn(t *testing.T) {
	t.Parallel()
	admin, other := redoubttest.Start(t), redoubttest.Start(t)
	c, guest := client(admin), client(other)
	b := bucket(t, c)
	put(t, c, b, "shared/a", "x")
	put(t, c, b, "own/a", "x")
	must(t, tryGet(t, guest, b, "shared/a"), "AccessDenied")
	who, err := iam.NewFromConfig(other).GetUser(t.Context(), &iam.GetUserInput{})
	ok(t, err)
	setPolicy(t, c, b, fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":%q},"Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/shared/*"},
		{"Effect":"Allow","Principal":{"AWS":%[1]q},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::%[2]s","Condition":{"StringLike":{"s3:prefix":"shared/*"}}}`, *who.User.Arn, *b))
	ok(t, tryGet(t, guest, b, "shared/a"))
	must(t, tryGet(t, guest, b, "own/a"), "AccessDenied")
	_, err = guest.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("shared/")})
	ok(t, err)
	_, err = guest.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b})
	must(t, err, "AccessDenied")
	_, err = c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(document(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}`))})
	must(t, err, "MalformedPolicy")
	_, err = c.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: b})
	ok(t, err)
	must(t, tryGet(t, guest, b, "shared/a"), "AccessDenied")
}

func TestStrangersReadOnlyWhatIsMadePublic(t *testing.T) {
	t.Parallel()
	admin := redoubttest.Start(t)
	c := client(admin)
	b := bucket(t, c)
	put(t, c, b, "k", "for all")
	public := fmt.Sprintf(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}`, *b)
	_, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(document(public))})
	must(t, err, "AccessDenied") // blocked, as in every new bucket
	anonymous := func() (int, string) {
		res, err := admin.HTTPClient.(*http.Client).Get(*admin.BaseEndpoint + "/" + *b + "/k")
		ok(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		ok(t, err)
		return res.StatusCode, string(text)
	}
	if status, text := anonymous(); status != 403 || !strings.Contains(text, "<Code>AccessDenied</Code>") {
		t.Errorf("a stranger got %d: %s", status, text)
	}
	_, err = c.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: b})
	ok(t, err)
	setPolicy(t, c, b, public)
	status, err := c.GetBucketPolicyStatus(t.Context(), &s3.GetBucketPolicyStatusInput{Bucket: b})
	ok(t, err)
	if !*status.PolicyStatus.IsPublic {
		t.Error("the policy is not found to be public")
	}
	if status, text := anonymous(); status != 200 || text != "for all" {
		t.Errorf("a stranger got %d: %s", status, text)
	}
	_, err = c.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{RestrictPublicBuckets: aws.Bool(true)}})
	ok(t, err)
	if status, _ := anonymous(); status != 403 {
		t.Errorf("a stranger got %d from a restricted bucket", status)
	}
}

func TestPoliciesDemandEncryptionTagsAndTransport(t *testing.T) {
	t.Parallel()
	admin := redoubttest.Start(t)
	c := client(admin)
	b := bucket(t, c)
	setPolicy(t, c, b, fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::%s/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s/*","arn:aws:s3:::%[1]s"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%[1]s/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::%[1]s/*","Condition":{"StringEquals":{"s3:RequestObjectTag/Bad":"1"}}}`, *b))
	write := func(in s3.PutObjectInput) error {
		in.Bucket, in.Key, in.Body = b, aws.String("k"), strings.NewReader("x")
		_, err := c.PutObject(t.Context(), &in)
		return err
	}
	must(t, write(s3.PutObjectInput{}), "AccessDenied")
	must(t, write(s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAes256}), "AccessDenied")
	ok(t, write(s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms}))
	must(t, write(s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms, Tagging: aws.String("bad=1")}), "AccessDenied")
	ok(t, tryGet(t, c, b, "k"))
	ok(t, write(s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms, Tagging: aws.String("secret=yes")}))
	must(t, tryGet(t, c, b, "k"), "AccessDenied")
}

func TestDeletionOfManyAsksAboutEach(t *testing.T) {
	t.Parallel()
	admin := redoubttest.Start(t)
	c := client(admin)
	b := bucket(t, c)
	put(t, c, b, "mine/a", "x")
	put(t, c, b, "theirs/a", "x")
	u := client(user(t, admin, "u", fmt.Sprintf(`{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::%s/mine/*"}`, *b)))
	out, err := u.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("mine/a")}, {Key: aws.String("theirs/a")}}}})
	ok(t, err)
	if len(out.Deleted) != 1 || len(out.Errors) != 1 || *out.Errors[0].Code != "AccessDenied" {
		t.Errorf("deleted %v, errors %v", out.Deleted, out.Errors)
	}
	ok(t, tryGet(t, c, b, "theirs/a"))
}

func TestBucketsAreFoundByTheirHosts(t *testing.T) {
	t.Parallel()
	cfg := everyHost(redoubttest.Start(t))
	_, port, _ := strings.Cut(strings.TrimPrefix(*cfg.BaseEndpoint, "https://"), ":")
	for _, host := range []string{"s3.localhost", "s3.us-east-1.localhost", "localhost"} {
		cfg.BaseEndpoint = aws.String("https://" + host + ":" + port)
		c := s3.NewFromConfig(cfg)
		b := bucket(t, c)
		put(t, c, b, "a//b/../c d", "text")
		if got := get(t, c, b, "a//b/../c d"); got != "text" {
			t.Errorf("%s: got %q", host, got)
		}
		signed, err := s3.NewPresignClient(c).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("a//b/../c d")}, s3.WithPresignExpires(time.Minute))
		ok(t, err)
		if !strings.Contains(signed.URL, *b+"."+host) {
			t.Errorf("the URL has no bucket in its host: %s", signed.URL)
		}
		res, err := cfg.HTTPClient.(*http.Client).Get(signed.URL)
		ok(t, err)
		if got := read(t, res.Body); got != "text" || res.StatusCode != 200 {
			t.Errorf("%s: got %d %q", host, res.StatusCode, got)
		}
	}
}

func TestPresignedURLsReadAndWrite(t *testing.T) {
	t.Parallel()
	cfg := redoubttest.Start(t)
	c := client(cfg)
	b := bucket(t, c)
	do := func(method, url, body string, header http.Header) (int, string) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		ok(t, err)
		for k, v := range header {
			r.Header[k] = v
		}
		res, err := cfg.HTTPClient.Do(r)
		ok(t, err)
		return res.StatusCode, read(t, res.Body)
	}
	p := s3.NewPresignClient(c)
	putURL, err := p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), ContentType: aws.String("text/plain")})
	ok(t, err)
	if status, text := do("PUT", putURL.URL, "uploaded", putURL.SignedHeader); status != 200 {
		t.Fatalf("PUT: %d %s", status, text)
	}
	getURL, err := p.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	if status, text := do("GET", getURL.URL, "", nil); status != 200 || text != "uploaded" {
		t.Errorf("GET: %d %s", status, text)
	}
	if status, text := do("GET", getURL.URL+"&versionId=null", "", nil); status != 403 || !strings.Contains(text, "SignatureDoesNotMatch") {
		t.Errorf("changed: %d %s", status, text)
	}
	if status, _ := do("DELETE", getURL.URL, "", nil); status != 403 {
		t.Errorf("another method: %d", status)
	}
}

func TestListingsOfBucketsArePaged(t *testing.T) {
	t.Parallel()
	c := start(t)
	for range 3 {
		bucket(t, c)
	}
	n := 0
	p := s3.NewListBucketsPaginator(c, &s3.ListBucketsInput{MaxBuckets: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		ok(t, err)
		n += len(page.Buckets)
	}
	if n != 3 {
		t.Errorf("listed %d", n)
	}
}
