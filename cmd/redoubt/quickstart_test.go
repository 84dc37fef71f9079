package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// TestReadmeWalk runs the commands of the README's first page, as they stand there, with the real AWS CLI.
func TestReadmeWalk(t *testing.T) {
	cli := awsCLI(t)
	s := redoubttest.Run(t, app.Config{})
	dir := t.TempDir()
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(repo, "docs"), filepath.Join(dir, "docs")); err != nil {
		t.Fatal(err)
	}
	script := "set -eu\n" +
		"aws() { " + cli + ` --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }` + "\n" +
		"settle() { for i in $(seq 100); do aws logs filter-log-events --log-group-name /aws/lambda/hello --output text | grep -q REPORT && return; sleep 0.1; done; }\n" +
		strings.ReplaceAll(walk(t), "aws logs filter-log-events", "settle; aws logs filter-log-events")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.Client.Endpoint, "AWS_CA_BUNDLE="+s.Client.CAFile, "AWS_REGION="+s.Client.Region,
		"AWS_DEFAULT_REGION="+s.Client.Region, "AWS_ACCESS_KEY_ID="+s.App.Operator.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.App.Operator.SecretKey,
		"AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		`"Active"`, `"Good morning, Ada!"`, "START RequestId", "greeting Ada", "END RequestId", "Max Memory Used",
		"(KMSAccessDeniedException)", "no identity-based policy allows the kms:Decrypt action", "Decrypt\thello", "CreateKey\toperator",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the walk does not print %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// walk is the commands of the README that are marked as its walk.
func walk(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var script strings.Builder
	marked, inside := false, false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "<!-- walk -->":
			marked = true
		case marked && line == "```sh":
			inside = true
		case line == "```":
			marked, inside = false, false
		case inside:
			script.WriteString(line + "\n")
		}
	}
	if script.Len() == 0 {
		t.Fatal("the README has no walk")
	}
	return script.String()
}

// awsCLI finds the AWS CLI, Debian's before others.
func awsCLI(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/usr/bin/aws"); err == nil {
		return "command /usr/bin/aws"
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("needs the AWS CLI: apt-get install awscli")
	}
	return "command aws"
}
