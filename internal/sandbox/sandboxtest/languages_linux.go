package sandboxtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"redoubt/internal/sandbox/engine"
)

// The allow-list of system calls is long enough for what people write functions in; the Go of the probe is one of them.
func (s *suite) interpreters(t *testing.T) {
	for program, script := range map[string][]string{
		"python3": {"-c", "import json, ssl, socket, threading, subprocess, multiprocessing, os, pwd, tempfile, mmap, asyncio; threading.Thread(target=asyncio.run, args=[asyncio.sleep(0)]).start(); tempfile.TemporaryFile().write(b'x'); print(json.dumps({'home': pwd.getpwuid(os.getuid()).pw_dir})); print(subprocess.check_output(['/bin/sh', '-c', 'echo shell']).decode().strip())"},
		"node":    {"-e", "const os = require('os'); require('https'); new (require('worker_threads').Worker)('process.exit()', {eval: true}); require('fs').writeFileSync('/tmp/x', 'x'); console.log(JSON.stringify({home: os.userInfo().homedir})); console.log(require('child_process').execSync('echo shell').toString().trim())"},
		"sh":      {"-c", "cd /tmp && echo x | tee y | wc -c > z && (sleep 0 & wait) && cat z > /dev/null && echo '{\"home\":\"/tmp\"}shell'"},
		"perl":    {"-e", "open(my $f, '>', '/tmp/x'); printf('{\"home\":\"%s\"}%s', (getpwuid($<))[7], `echo shell`)"},
	} {
		t.Run(program, func(t *testing.T) {
			argv0, roots, err := engine.Interpreter(have(t, program))
			if err != nil {
				t.Fatal(err)
			}
			out, exit := s.run(t, engine.Spec{Argv: append([]string{argv0}, script...), Interpreter: roots, Code: probeCode, Memory: 512 << 20, CPU: 2})
			if want := `{"home":"/tmp"}shell`; strings.NewReplacer(" ", "", "\n", "").Replace(out) != want || exit != (engine.Exit{}) {
				t.Errorf("printed %q and ended with %+v", out, exit)
			}
		})
	}
	t.Run("static C", s.staticC)
}

const programInC = `
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
	FILE *f = fopen("/tmp/x", "w");
	if (!f || fputs("x", f) < 0 || fclose(f)) return 1;
	if (fork() == 0) _exit(0);
	if (wait(NULL) < 0 || access("/etc/shadow", R_OK) == 0 || access("/lib", F_OK) == 0) return 2;
	puts("static");
	return 0;
}`

// staticC runs a program that needs nothing of the host, and sees nothing of it.
func (s *suite) staticC(t *testing.T) {
	compiler := have(t, "cc")
	program := filepath.Join(t.TempDir(), "bootstrap")
	c := exec.CommandContext(t.Context(), compiler, "-static", "-O", "-x", "c", "-o", program, "-")
	c.Stdin = strings.NewReader(programInC)
	if out, err := c.CombinedOutput(); err != nil {
		t.Skipf("this compiler makes no static programs: %v %s", err, out)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	s.load(t, "static", File{Name: "bootstrap", Mode: 0o755, Text: string(b)})
	if out, exit := s.run(t, engine.Spec{Code: "static", Argv: []string{"/var/task/bootstrap"}}); out != "static\n" || exit != (engine.Exit{}) {
		t.Errorf("printed %q and ended with %+v", out, exit)
	}
}
