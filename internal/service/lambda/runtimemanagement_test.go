package lambda_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func (w *world) manage(name, qualifier string, on types.UpdateRuntimeOn, arn string) error {
	in := &lambda.PutRuntimeManagementConfigInput{FunctionName: &name, UpdateRuntimeOn: on}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	if arn != "" {
		in.RuntimeVersionArn = &arn
	}
	_, err := w.lambda.PutRuntimeManagementConfig(w.ctx, in)
	return err
}

func (w *world) runtimeVersion(name string) string {
	w.Helper()
	c, err := w.lambda.GetFunctionConfiguration(w.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	w.must(err)
	return *c.RuntimeVersionConfig.RuntimeVersionArn
}

func TestRuntimeManagementIsOfEachVersion(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := *w.create("f", python(echoPython)).FunctionArn
	w.publish("f")
	version := w.runtimeVersion("f")
	if !strings.HasPrefix(version, "arn:aws:lambda:us-east-1::runtime:") {
		t.Errorf("got %s", version)
	}
	w.must(w.manage("f", "1", types.UpdateRuntimeOnManual, version))
	w.must(w.manage("f", "", types.UpdateRuntimeOnFunctionUpdate, ""))
	for qualifier, want := range map[string]string{"": "FunctionUpdate", "$LATEST": "FunctionUpdate", "1": "Manual " + version} {
		in := &lambda.GetRuntimeManagementConfigInput{FunctionName: aws.String("f")}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		got, err := w.lambda.GetRuntimeManagementConfig(w.ctx, in)
		w.must(err)
		if s := strings.TrimSpace(string(got.UpdateRuntimeOn) + " " + aws.ToString(got.RuntimeVersionArn)); s != want || !strings.HasPrefix(*got.FunctionArn, arn) {
			t.Errorf("%q has %s, want %s", qualifier, s, want)
		}
	}
	w.invoke("f", "{}")
	w.ask("f", "1")
	if again := w.publish("f"); *again.Version != "1" {
		t.Errorf("what manages the runtime made version %s", *again.Version)
	}
	other := "arn:aws:lambda:us-east-1::runtime:" + strings.Repeat("0", 64)
	wantError(t, w.manage("f", "", types.UpdateRuntimeOnManual, other), "InvalidParameterValueException", "The runtime version "+other+" is not on this host.")
	wantError(t, w.manage("f", "", types.UpdateRuntimeOnManual, ""), "InvalidParameterValueException", "RuntimeVersionArn")
	wantError(t, w.manage("f", "", types.UpdateRuntimeOnAuto, version), "InvalidParameterValueException", "RuntimeVersionArn")
	wantError(t, w.manage("f", "9", types.UpdateRuntimeOnAuto, ""), "ResourceNotFoundException", "Function not found: "+arn+":9")
	w.must(w.manage("f", "", types.UpdateRuntimeOnManual, version))
	_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Runtime: types.RuntimeProvidedal2023})
	wantError(t, err, "InvalidParameterValueException", "Cannot change runtime identifier when runtime management configuration is set to 'Manual'. Change the runtime management configuration to 'Auto' or 'FunctionUpdate', then retry.")
}

// patched is the host's python3 under another version number.
func patched(t *testing.T) string {
	t.Helper()
	real, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	if real, err = filepath.EvalSymlinks(real); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(real)
	if err != nil {
		t.Fatal(err)
	}
	was := output(real, "-c", "import sys; print(sys.version.split(' ')[0])")
	now := was[:len(was)-1] + string('0'+(was[len(was)-1]-'0'+1)%10)
	if !strings.Contains(string(binary), was) {
		t.Skipf("%s does not hold its version as %s", real, was)
	}
	path := filepath.Join(t.TempDir(), "python3")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(binary), was, now)), 0o755); err != nil {
		t.Fatal(err)
	}
	if output(path, "-c", "import sys; print(sys.version.split(' ')[0])") != now {
		t.Skipf("%s does not run as a copy", real)
	}
	return path
}

func TestPinnedFunctionDoesNotRunOnAnotherVersionOfItsRuntime(t *testing.T) {
	needs(t, "python3")
	other, data := patched(t), t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: data})
	cfg := server.Account(t)
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := worldOf(t, cfg)
	w.create("auto", python(echoPython))
	w.create("pinned", python(echoPython))
	w.must(w.manage("pinned", "", types.UpdateRuntimeOnFunctionUpdate, ""))
	before := w.runtimeVersion("auto")
	w.must(server.Stop())
	server = redoubttest.Run(t, app.Config{Data: data, Runtimes: map[string]string{string(hostPython()): other}})
	w = worldOf(t, server.Config(t, keys.AccessKeyID, keys.SecretAccessKey, ""))
	if after := w.runtimeVersion("auto"); after == before || w.runtimeVersion("pinned") != before {
		t.Errorf("the version was %s and is %s, that of the pinned function %s", before, after, w.runtimeVersion("pinned"))
	}
	w.invoke("auto", "{}")
	_, err = w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("pinned")})
	wantError(t, err, "InvalidRuntimeException", "The runtime version "+before+" is not on this host any more")
	w.rewrite("pinned", "def handler(e, c): return 1")
	w.invoke("pinned", "{}")
}
