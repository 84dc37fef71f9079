package runtimes_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimes"
)

const wrapper = `#!/bin/sh
export _HANDLER="$REAL_HANDLER" WRAPPED="$#"
exec "$@"
`

func TestWrapperStartsTheRuntime(t *testing.T) {
	for _, c := range []struct {
		family        runtimes.Family
		handler, code string
		want          string
	}{
		{runtimes.Python, "app.py", "import os\ndef real(event, context):\n    return os.environ['WRAPPED']\n", `"4"`},
		{runtimes.Node, "app.js", "exports.real = async () => process.env.WRAPPED", ""},
	} {
		r := newest(t, c.family)
		path := t.TempDir() + "/wrapper"
		if err := os.WriteFile(path, []byte(wrapper), 0o755); err != nil {
			t.Fatal(err)
		}
		s := spec{handler: "app.other", files: map[string]string{c.handler: c.code}, wrap: path}
		s.env = []string{"AWS_LAMBDA_EXEC_WRAPPER=" + path, "REAL_HANDLER=app.real"}
		if got := body(run(t, r, s).invoke("{}")); c.want != "" && got != "false "+c.want || !strings.HasPrefix(got, "false \"") {
			t.Errorf("%s: got %s", r.Name, got)
		}
	}
}

func TestWrapperThatIsNotThereIsTold(t *testing.T) {
	r := newest(t, runtimes.Python)
	plain := t.TempDir() + "/plain"
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		code int
		log  string
	}{"/nowhere": {127, "/nowhere: does not exist\n"}, plain: {126, plain + ": is not an executable\n"}} {
		p := run(t, r, spec{wrap: path, env: []string{"AWS_LAMBDA_EXEC_WRAPPER=" + path}})
		if code := p.ended(); code != want.code {
			t.Errorf("%s: exit code %d", path, code)
		}
		wantText(t, path, p.log(), want.log)
	}
}

func TestEnvironmentIsThatOfAWS(t *testing.T) {
	r := &runtimes.Runtime{Name: "nodejs22.x", Family: runtimes.Node, Program: "/opt/node/bin/node"}
	env := r.Environ()
	for name, want := range map[string]string{
		"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "TZ": ":UTC", "LANG": "en_US.UTF-8",
		"NODE_PATH":       "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task",
		"PATH":            "/opt/node/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	} {
		wantText(t, name, env[name], want)
	}
	own := (&runtimes.Runtime{Name: "provided.al2023", Family: runtimes.Provided}).Environ()
	if _, ok := own["AWS_EXECUTION_ENV"]; ok || own["NODE_PATH"]+own["PYTHONPATH"] != "" {
		t.Errorf("got %v", own)
	}
}

// A custom runtime may be any program: here is the one of AWS's tutorial.
func TestShellIsARuntime(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl on PATH")
	}
	c, err := runtimes.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Find("provided.al2023")
	if err != nil {
		t.Fatal(err)
	}
	p := run(t, r, spec{handler: "function.handler", files: map[string]string{
		"function.sh": "handler() { echo \"Echoing request: '$1'\"; }\n",
		"bootstrap": `#!/bin/sh
set -eu
. "$LAMBDA_TASK_ROOT/${_HANDLER%.*}.sh"
while true; do
  HEADERS=$(mktemp)
  EVENT=$(curl -sS -LD "$HEADERS" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE=$(handler "$EVENT")
  curl -sS "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$ID/response" -d "$RESPONSE" >/dev/null
done
`}})
	for _, payload := range []string{`{"a":1}`, `2`} {
		wantText(t, "the answer", body(p.invoke(payload)), "false Echoing request: '"+payload+"'")
	}
}
