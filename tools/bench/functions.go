package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// A sample is a function that echoes, in one runtime, after it has waited for as many milliseconds as the event says.
type sample struct {
	name, runtime, handler string
	file                   string
	mode                   os.FileMode
	code                   func(s *stand) ([]byte, error)
}

func text(code string) func(*stand) ([]byte, error) {
	return func(*stand) ([]byte, error) { return []byte(code), nil }
}

const goSource = `package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	K    int
	Wait time.Duration // ms
}

func main() {
	lambda.Start(func(_ context.Context, e event) (event, error) {
		time.Sleep(e.Wait * time.Millisecond)
		return e, nil
	})
}
`

// buildGo builds the Go sample inside the server's module, which has the library.
func buildGo(s *stand) ([]byte, error) {
	src := filepath.Join(s.dir, "gofn")
	if err := os.MkdirAll(src, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(src, "main.go"), []byte(goSource), 0o644); err != nil {
		return nil, err
	}
	out := filepath.Join(s.dir, "bootstrap")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", out, filepath.Join(src, "main.go"))
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the Go function: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

func samples() []sample {
	return []sample{
		{"go", "provided.al2023", "bootstrap", "bootstrap", 0o755, buildGo},
		{"python", pythonRuntime(), "app.handler", "app.py", 0o644, text("import time\ndef handler(event, context):\n    time.sleep(event.get('wait', 0) / 1000)\n    return event\n")},
		{"node", nodeRuntime(), "app.handler", "app.js", 0o644, text("exports.handler = async (event) => {\n  if (event.wait) await new Promise((done) => setTimeout(done, event.wait));\n  return event;\n};\n")},
	}
}

func pythonRuntime() string {
	out, _ := exec.Command("python3", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])").Output()
	return string(bytes.TrimSpace(out))
}

func nodeRuntime() string {
	out, _ := exec.Command("node", "-p", "'nodejs' + process.versions.node.split('.')[0] + '.x'").Output()
	return string(bytes.TrimSpace(out))
}

// deploy makes the role and a function of each sample.
func (s *stand) deploy() (*lambda.Client, []sample, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	var exists bool
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx(), &iam.CreateRoleInput{RoleName: aws.String("bench"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		got, getErr := iam.NewFromConfig(cfg).GetRole(ctx(), &iam.GetRoleInput{RoleName: aws.String("bench")})
		if getErr != nil {
			return nil, nil, err
		}
		exists, role = true, &iam.CreateRoleOutput{Role: got.Role}
	}
	client := lambda.NewFromConfig(cfg)
	for _, f := range samples() {
		if exists {
			continue
		}
		code, err := f.code(s)
		if err != nil {
			return nil, nil, err
		}
		_, err = client.CreateFunction(ctx(), &lambda.CreateFunctionInput{
			FunctionName: &f.name, Role: role.Role.Arn, Runtime: types.Runtime(f.runtime), Handler: &f.handler, MemorySize: aws.Int32(1769), Timeout: aws.Int32(120),
			Code: &types.FunctionCode{ZipFile: zipped(f.file, f.mode, code)},
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return client, samples(), nil
}

func zipped(name string, mode os.FileMode, content []byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	f, _ := w.CreateHeader(h) // writes to memory do not fail
	f.Write(content)
	w.Close()
	return b.Bytes()
}

func invoke(client *lambda.Client, name string) error { return invokeWith(client, name, `{"k":1}`) }

func invokeWith(client *lambda.Client, name, event string) error {
	out, err := client.Invoke(ctx(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(event)})
	if err == nil && out.FunctionError != nil {
		err = errors.New(string(out.Payload))
	}
	return err
}

func measureWarm(s *stand) ([]measurement, error) {
	client, all, err := s.deploy()
	if err != nil {
		return nil, err
	}
	var out []measurement
	for _, f := range all {
		if err := invoke(client, f.name); err != nil {
			return nil, err
		}
		shot, err := s.shots(func(cfg aws.Config) error {
			_, err := lambda.NewFromConfig(cfg).Invoke(context.Background(), &lambda.InvokeInput{FunctionName: &f.name, Payload: []byte(`{"k":1}`)})
			return err
		})
		if err != nil {
			return nil, err
		}
		results, err := s.measure("lambda:Invoke, warm, "+f.runtime, s.dial, shot)
		if err != nil {
			return nil, err
		}
		out = append(out, results...)
	}
	return out, nil
}

// realPython is the interpreter itself, not the script of a version manager.
func realPython() (string, error) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return string(bytes.TrimSpace(out)), err
}

// measureBareExec starts the same interpreters on an empty program.
func measureBareExec(s *stand) ([]measurement, error) {
	var out []measurement
	for _, argv := range [][]string{{"/bin/true"}, {"python3", "-S", "-E", "-c", "pass"}, {"node", "-e", "0"}} {
		path, err := exec.LookPath(argv[0])
		if err != nil {
			return nil, err
		}
		if argv[0] == "python3" {
			if path, err = realPython(); err != nil {
				return nil, err
			}
		}
		var took []time.Duration
		for range 11 {
			cmd := exec.Command(path, argv[1:]...)
			cmd.Env = []string{"PATH=/usr/bin:/bin"}
			begin := time.Now()
			if err := cmd.Run(); err != nil {
				return nil, err
			}
			took = append(took, time.Since(begin))
		}
		out = append(out, measurement{"bare exec of " + argv[0] + " to its end, median of 11", ms(median(took))})
	}
	return out, nil
}
