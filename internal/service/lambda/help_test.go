package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

const trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

const mayLog = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`

// A world is an account with what its administrator needs to test Lambda.
type world struct {
	testing.TB
	ctx     context.Context
	cfg     aws.Config
	lambda  *lambda.Client
	iam     *iam.Client
	account string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOf(t, redoubttest.Start(t))
}

func worldOf(t testing.TB, cfg aws.Config) *world {
	t.Helper()
	w := &world{TB: t, ctx: context.Background(), cfg: cfg, lambda: lambda.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg)}
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(w.ctx, &sts.GetCallerIdentityInput{})
	w.must(err)
	w.account = *me.Account
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// role makes an execution role with inline policies, and returns its ARN.
func (w *world) role(name string, policies ...string) string {
	w.Helper()
	out, err := w.iam.CreateRole(w.ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trustLambda)})
	w.must(err)
	for i, p := range policies {
		_, err := w.iam.PutRolePolicy(w.ctx, &iam.PutRolePolicyInput{
			RoleName: &name, PolicyName: aws.String("p" + string(rune('0'+i))), PolicyDocument: &p,
		})
		w.must(err)
	}
	return *out.Role.Arn
}

// user makes a user with a policy, and returns a configuration that signs as it.
func (w *world) user(name, policy string) aws.Config {
	w.Helper()
	_, err := w.iam.CreateUser(w.ctx, &iam.CreateUserInput{UserName: &name})
	w.must(err)
	if policy != "" {
		_, err = w.iam.PutUserPolicy(w.ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
		w.must(err)
	}
	key, err := w.iam.CreateAccessKey(w.ctx, &iam.CreateAccessKeyInput{UserName: &name})
	w.must(err)
	return redoubttest.With(w.cfg, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

// files of a package, by name.
type files map[string]string

// zip packs them. Nothing that writes to memory can fail.
func (f files) zip() []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range f {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		file, _ := w.CreateHeader(h)
		file.Write([]byte(text))
	}
	w.Close()
	return b.Bytes()
}

// hostPython and hostNode are the runtimes that the interpreters on PATH can serve.
var (
	hostPython = sync.OnceValue(func() types.Runtime {
		return types.Runtime("python" + output("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"))
	})
	hostNode = sync.OnceValue(func() types.Runtime {
		return types.Runtime("nodejs" + output("node", "-p", "process.versions.node.split('.')[0]") + ".x")
	})
)

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// needs skips a test where the host has no such interpreter.
func needs(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("there is no %s on PATH", program)
	}
}

func python(code string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		Runtime: hostPython(), Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: files{"app.py": code}.zip()},
	}
}

func node(code string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		Runtime: hostNode(), Handler: aws.String("index.handler"), Code: &types.FunctionCode{ZipFile: files{"index.js": code}.zip()},
	}
}

// create makes a function; without a role in it, with one that may write logs.
func (w *world) create(name string, in *lambda.CreateFunctionInput) *lambda.CreateFunctionOutput {
	w.Helper()
	if in.Role == nil {
		in.Role = aws.String(w.role(name+"-role", mayLog))
	}
	in.FunctionName = &name
	out, err := w.lambda.CreateFunction(w.ctx, in)
	w.must(err)
	return out
}

// An answer is what a test compares of an invocation.
type answer struct {
	payload, fault, log string
}

func (w *world) invoke(name, payload string) answer {
	w.Helper()
	out, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: types.LogTypeTail})
	w.must(err)
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	w.must(err)
	if aws.ToString(out.ExecutedVersion) != "$LATEST" || out.StatusCode != 200 {
		w.Errorf("version %q, status %d", aws.ToString(out.ExecutedVersion), out.StatusCode)
	}
	return answer{string(out.Payload), aws.ToString(out.FunctionError), string(log)}
}

// fields reads a JSON object.
func fields(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// wantError compares the code and a part of the message of an API's error.
func wantError(t testing.TB, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got %s: %s\nwant %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

// program builds a program of testdata.
func program(name string) (string, error) {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "program")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

var (
	echoProgram      = sync.OnceValues(func() (string, error) { return program("echo") })
	extensionProgram = sync.OnceValues(func() (string, error) { return program("extension") })
)

// provided is a function of the Go program in testdata.
func provided(t testing.TB) *lambda.CreateFunctionInput {
	t.Helper()
	program, err := echoProgram()
	if err != nil {
		t.Fatal(err)
	}
	return &lambda.CreateFunctionInput{
		Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: files{"bootstrap": program}.zip()},
	}
}
