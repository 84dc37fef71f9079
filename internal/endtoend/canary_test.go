//go:build linux

package endtoend

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// TestNothingReadableIsKept plants canaries wherever a client can put text, and looks for them wherever the server writes.
func TestNothingReadableIsKept(t *testing.T) {
	if hostPython() == "" {
		t.Skip("there is no python3 on PATH")
	}
	h := newHome(t)
	var a aviary
	s := h.serve()
	c := s.client(nil)
	a.releaseInto(c)
	a.search(h, s.out, s.err)
	s.kill() // what is on the disk in the middle of things
	a.search(h, s.out, s.err)
	s = h.serve()
	s.stop()
	a.search(h, s.out, s.err)
	onlyMeantFilesAreText(t, h.data)
}

// TestLogKeepsSecretsOut looks at the server's log at its most talkative. It may name names, but no secrets.
func TestLogKeepsSecretsOut(t *testing.T) {
	if hostPython() == "" {
		t.Skip("there is no python3 on PATH")
	}
	s := newHome(t, "--log", "debug").serve()
	var a aviary
	a.releaseInto(s.client(nil))
	s.stop()
	if !strings.Contains(s.err.String(), "CreateFunction") {
		t.Fatal("the log does not even name the calls")
	}
	for _, c := range a.birds {
		if c.secret {
			c.search(t, "standard error", []byte(s.err.String()))
		}
	}
}

// A canary is a text that must not be found.
type canary struct {
	kind, text string
	secret     bool // not even a log may have it
}

// An aviary is all canaries of a test.
type aviary struct{ birds []canary }

func (a *aviary) name(kind string) *string { return a.add(kind, false) }

func (a *aviary) secret(kind string) *string { return a.add(kind, true) }

func (a *aviary) add(kind string, secret bool) *string {
	c := canary{kind, "canary" + strings.ToLower(rand.Text()), secret}
	a.birds = append(a.birds, c)
	return &c.text
}

func (a *aviary) keep(kind, text string) { a.birds = append(a.birds, canary{kind, text, true}) }

func (a *aviary) releaseInto(c *client) {
	c.Helper()
	a.intoIAM(c)
	key := a.intoKMS(c)
	a.intoLambda(c, key)
	a.intoLogs(c)
	a.intoSecrets(c, key)
}

func (a *aviary) intoSecrets(c *client, key string) {
	c.Helper()
	sm := secretsmanager.NewFromConfig(c.cfg)
	made, err := sm.CreateSecret(c.ctx, &secretsmanager.CreateSecretInput{
		Name: a.name("secret name"), Description: a.name("secret description"), KmsKeyId: &key, SecretString: a.secret("secret"),
		Tags: []secretstypes.Tag{{Key: a.name("secret tag key"), Value: a.name("secret tag value")}},
	})
	must(c, err)
	_, err = sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretBinary: []byte(*a.secret("binary secret"))})
	must(c, err)
	_, err = sm.GetSecretValue(c.ctx, &secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	must(c, err)
	password, err := sm.GetRandomPassword(c.ctx, &secretsmanager.GetRandomPasswordInput{})
	must(c, err)
	a.keep("password", *password.RandomPassword)
}

func (a *aviary) intoIAM(c *client) {
	c.Helper()
	user := a.name("user name")
	_, err := c.iam.CreateUser(c.ctx, &iam.CreateUserInput{UserName: user, Tags: []iamtypes.Tag{{
		Key: a.name("user tag key"), Value: a.name("user tag value"),
	}}})
	must(c, err)
	_, err = c.iam.PutUserPolicy(c.ctx, &iam.PutUserPolicyInput{UserName: user, PolicyName: a.name("inline policy name"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Sid":"` + *a.secret("policy text") + `","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)})
	must(c, err)
	_, err = c.iam.CreatePolicy(c.ctx, &iam.CreatePolicyInput{PolicyName: a.name("policy name"), PolicyDocument: aws.String(mayLog)})
	must(c, err)
	_, err = c.iam.CreateGroup(c.ctx, &iam.CreateGroupInput{GroupName: a.name("group name")})
	must(c, err)
	made, err := c.iam.CreateAccessKey(c.ctx, &iam.CreateAccessKeyInput{UserName: user})
	must(c, err)
	a.keep("secret access key", *made.AccessKey.SecretAccessKey)
	a.keep("secret access key of the operator", c.connect["AWS_SECRET_ACCESS_KEY"])
}

func (a *aviary) intoKMS(c *client) (key string) {
	c.Helper()
	made, err := c.kms.CreateKey(c.ctx, &kms.CreateKeyInput{Description: a.name("key description"), Tags: []kmstypes.Tag{{
		TagKey: a.name("key tag key"), TagValue: a.name("key tag value"),
	}}})
	must(c, err)
	key = *made.KeyMetadata.Arn
	alias := "alias/" + *a.name("alias")
	_, err = c.kms.CreateAlias(c.ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &key})
	must(c, err)
	text := a.secret("plaintext")
	sealed, err := c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: &alias, Plaintext: []byte(*text), EncryptionContext: map[string]string{
		"k": *a.name("encryption context"),
	}})
	must(c, err)
	if bytes.Contains(sealed.CiphertextBlob, []byte(*text)) {
		c.Error("a ciphertext holds its plaintext")
	}
	data, err := c.kms.GenerateDataKey(c.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: kmstypes.DataKeySpecAes256})
	must(c, err)
	a.keep("data key", string(data.Plaintext))
	return key
}

func (a *aviary) intoLambda(c *client, key string) {
	c.Helper()
	name := *a.name("function name")
	in := pythonInput(name, c.role(*a.name("role name"), mayLog, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`),
		`import os, tempfile
# `+*a.secret("code")+`
def handler(event, context):
    print(event["print"])
    open("/tmp/kept", "w").write(event["keep"])
    return "`+*a.secret("response")+`"
`)
	in.Environment = &types.Environment{Variables: map[string]string{"SECRET": *a.secret("environment value"), *a.secret("environment name"): "v"}}
	in.KMSKeyArn, in.Description, in.Tags = &key, a.name("function description"), map[string]string{"k": *a.name("function tag")}
	_, err := c.lambda.CreateFunction(c.ctx, in)
	must(c, err)
	for range 3 {
		payload := fmt.Sprintf(`{"print": %q, "keep": %q, "more": %q}`, *a.secret("log line"), *a.secret("file in /tmp"), *a.secret("payload"))
		out, err := c.lambda.Invoke(c.ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)})
		must(c, err)
		if out.FunctionError != nil || !strings.Contains(string(out.Payload), "canary") {
			c.Fatalf("the function answers %s", out.Payload)
		}
	}
}

func (a *aviary) intoLogs(c *client) {
	c.Helper()
	group, stream := a.name("log group"), a.name("log stream")
	_, err := c.logs.CreateLogGroup(c.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group, Tags: map[string]string{"k": *a.name("log group tag")}})
	must(c, err)
	_, err = c.logs.CreateLogStream(c.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream})
	must(c, err)
	var events []logstypes.InputLogEvent
	for range 100 {
		message := strings.Repeat(*a.secret("log event")+" ", 20)
		events = append(events, logstypes.InputLogEvent{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &message})
	}
	_, err = c.logs.PutLogEvents(c.ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: events})
	must(c, err)
}

// search looks for all canaries in all that the server writes.
func (a *aviary) search(h *home, outputs ...*output) {
	h.Helper()
	files := 0
	for _, dir := range []string{h.data, h.tmp} {
		must(h, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // the server goes on while we look
			} else if err != nil {
				return err
			}
			a.searchOne(h, "the name of "+path, []byte(d.Name()))
			if !d.Type().IsRegular() {
				return nil
			}
			text, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				return nil
			}
			files++
			a.searchOne(h, path, text)
			return err
		}))
	}
	for _, o := range outputs {
		a.searchOne(h, "the server's output", []byte(o.String()))
	}
	if files < 10 {
		h.Fatalf("only %d files in the data directory", files)
	}
}

func (a *aviary) searchOne(t testing.TB, where string, text []byte) {
	t.Helper()
	for _, c := range a.birds {
		c.search(t, where, text)
	}
}

// search looks for a canary as it is, and as text is commonly written: hexadecimal, and base64 wherever it may begin.
func (c canary) search(t testing.TB, where string, text []byte) {
	t.Helper()
	forms := []string{c.text, hex.EncodeToString([]byte(c.text))}
	for shift := range 3 {
		whole := c.text[shift : shift+(len(c.text)-shift)/3*3]
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(whole)))
	}
	for _, f := range forms {
		if bytes.Contains(text, []byte(f)) {
			t.Errorf("%s: %s is readable", where, c.kind)
			return
		}
	}
}

// onlyMeantFilesAreText checks that what is readable in a data directory is what is meant to be, and that all of it is
// its owner's alone.
func onlyMeantFilesAreText(t *testing.T, data string) {
	t.Helper()
	meant := map[string]bool{"client.json": true, "tls/ca.pem": true, "seal.key": true}
	must(t, filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		private := filepath.Dir(name) != "." && !d.IsDir() // its directory is closed
		if info.Mode().Perm()&0o077 != 0 && !private {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		if !d.Type().IsRegular() || meant[name] {
			return nil
		}
		text, err := os.ReadFile(path)
		if run := longestText(text); run > 40 {
			t.Errorf("%s holds %d bytes of readable text", name, run)
		}
		return err
	}))
}

// longestText is the length of the longest run of printable bytes. In a megabyte of random ones it is about 14.
func longestText(b []byte) (longest int) {
	run := 0
	for _, c := range b {
		if run++; c < ' ' || c > '~' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
