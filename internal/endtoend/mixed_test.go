//go:build linux

package endtoend

import (
	"archive/zip"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Who makes the mixed load.
const (
	mixedCallers   = 8
	mixedDeployers = 2
	mixedFunctions = 6
)

// TestNothingGrowsUnderMixedFunctions lets functions answer, fail, exit, hang, take more memory than they may and leave
// processes behind, deploys and deletes them meanwhile, and kills their processes. When they are deleted, nothing is left
// of them, and the server is no bigger than it was after the first third.
func TestNothingGrowsUnderMixedFunctions(t *testing.T) {
	s := newHome(t).serve()
	m := &mixed{server: s, admin: s.client(nil)}
	m.role = m.admin.role("mixed", mayLog)
	m.round(campaign(t, 9*time.Second) / 3)
	early, memory := m.rest(), resident(t, s.pid())
	m.round(campaign(t, 9*time.Second))
	var late footprint
	eventually(t, func() bool { late = s.footprint(); return late.within(early) }, func() string {
		return fmt.Sprintf("the server had %+v at rest, and has %+v later", early, late)
	})
	full := resident(t, s.pid())
	t.Logf("%d answers, %d failures, %d deployments, %d kills; memory %d -> %d MiB; %+v", m.answers.Load(), m.failures.Load(),
		m.deployments.Load(), m.kills.Load(), memory>>20, full>>20, late)
	if full > memory+soakGrowth {
		t.Errorf("memory grew from %d to %d MiB", memory>>20, full>>20)
	}
	if m.answers.Load() == 0 || m.failures.Load() == 0 || m.deployments.Load() == 0 || m.kills.Load() == 0 {
		t.Error("a part of the load did nothing")
	}
	s.stop()
}

// mixed is a load of functions that come, go and misbehave.
type mixed struct {
	*server
	admin *client
	role  string

	answers, failures, deployments, kills atomic.Int64
	rounds                                int
}

func (m *mixed) round(d time.Duration) {
	m.Helper()
	m.rounds++
	for i := range mixedFunctions {
		_, err := m.admin.lambda.CreateFunction(m.admin.ctx, m.input(i))
		must(m, err)
	}
	deadline := time.Now().Add(d)
	var all sync.WaitGroup
	work := func(n int, act func(c *client, n int) error) {
		all.Go(func() {
			c := m.client(nil)
			defer c.http.CloseIdleConnections()
			for time.Now().Before(deadline) {
				if err := act(c, n); err != nil {
					m.Errorf("client %d: %v", n, err)
					return
				}
			}
		})
	}
	for n := range mixedCallers {
		work(n, m.call)
	}
	for n := range mixedDeployers {
		work(n, m.deploy)
	}
	work(0, m.shoot)
	all.Wait()
	for i := range mixedFunctions {
		_, err := m.admin.lambda.DeleteFunction(m.admin.ctx, &lambda.DeleteFunctionInput{FunctionName: mixedName(i)})
		must(m, err)
	}
	m.admin.http.CloseIdleConnections()
}

func mixedName(i int) *string { return aws.String(fmt.Sprintf("mixed-%d", i)) }

// input is a function in one of the runtimes that this host has.
func (m *mixed) input(i int) *lambda.CreateFunctionInput {
	m.Helper()
	in := m.functionInput(*mixedName(i), m.role, map[string]string{"VALUE": "0"})
	in.Timeout = aws.Int32(10) // enough for an honest event on a machine that does other things too
	switch i % 3 {
	case 1:
		in.Runtime, in.Handler, in.Code = types.Runtime(pythonRuntime()), aws.String("app.work"), &types.FunctionCode{ZipFile: packed("app.py", []byte(pythonWorker), zip.Deflate)}
	case 2:
		in.Runtime, in.Handler, in.Code = types.Runtime(nodeRuntime()), aws.String("app.work"), &types.FunctionCode{ZipFile: packed("app.js", []byte(nodeWorker), zip.Deflate)}
	}
	return in
}

// The worker in other languages, as far as this load needs it.
const (
	pythonWorker = `
import os, subprocess, time
def work(e, c):
    time.sleep(e.get("wait", 0) / 1e9)
    keep = bytearray(e.get("eat", 0) << 20)
    for i in range(0, len(keep), 4096): keep[i] = 1
    for _ in range(e.get("fork", 0)): subprocess.Popen(["/bin/sh", "-c", "sleep 1000"])
    if e.get("exit"): os._exit(e["exit"])
    if e.get("fail"): raise ValueError(e["fail"])
    return {"said": e.get("say", "")}
`
	nodeWorker = `
const kept = [];
exports.work = async (e) => {
  if (e.wait) await new Promise((done) => setTimeout(done, e.wait / 1e6));
  for (let i = 0; i < (e.eat || 0); i++) kept.push(Buffer.alloc(1 << 20, 1));
  for (let i = 0; i < (e.fork || 0); i++) require("child_process").spawn("/bin/sh", ["-c", "sleep 1000"]);
  if (e.exit) process.exit(e.exit);
  if (e.fail) throw new Error(e.fail);
  return { said: e.say || "" };
};
`
)

// call invokes a function, which mostly answers.
func (m *mixed) call(c *client, n int) error {
	word := fmt.Sprintf("%d of %d", rand.IntN(1<<30), n)
	payload := fmt.Sprintf(`{"say":%q}`, word)
	switch rand.IntN(48) {
	case 0:
		payload = `{"exit":3}`
	case 1:
		payload = `{"eat":400}`
	case 2:
		payload = `{"wait":60000000000}`
	case 3, 4, 5, 6:
		payload = `{"fail":"on purpose"}`
	case 7:
		payload = `{"fork":3}`
	}
	a, err := c.invoke(*mixedName(rand.IntN(mixedFunctions)), payload)
	var failed *functionFailed
	switch {
	case errors.As(err, &failed):
		m.failures.Add(1)
		// A process may have been killed just before the event reached it.
		if strings.HasPrefix(payload, `{"say"`) && !strings.Contains(failed.payload, "signal: killed") {
			return fmt.Errorf("%s: %w", payload, err)
		}
		return nil
	case err != nil:
		return err
	}
	m.answers.Add(1)
	if strings.HasPrefix(payload, `{"say"`) && a.Said != word {
		return fmt.Errorf("got %q, want %q: another's answer", a.Said, word)
	}
	return nil
}

// deploy changes a function, and makes one that lives only for a call.
func (m *mixed) deploy(c *client, n int) error {
	m.deployments.Add(1)
	i := rand.IntN(mixedFunctions)
	_, err := c.lambda.UpdateFunctionConfiguration(c.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: mixedName(i), Environment: &types.Environment{Variables: map[string]string{"VALUE": fmt.Sprint(rand.IntN(100))}},
	})
	var conflict *types.ResourceConflictException
	if err != nil && !errors.As(err, &conflict) {
		return err
	}
	name := fmt.Sprintf("brief-%d-%d", m.rounds, n)
	in := m.input(rand.IntN(mixedFunctions))
	in.FunctionName = &name
	if _, err := c.lambda.CreateFunction(c.ctx, in); err != nil {
		return err
	}
	var failed *functionFailed
	if _, err := c.invoke(name, `{"say":"hello"}`); err != nil && !errors.As(err, &failed) {
		return err
	}
	_, err = c.lambda.DeleteFunction(c.ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
	return err
}

// shoot kills a process of a function.
func (m *mixed) shoot(*client, int) error {
	<-time.After(time.Duration(rand.IntN(400)) * time.Millisecond)
	all := descendants(m, m.pid())
	if len(all) < 2 {
		return nil
	}
	p := all[rand.IntN(len(all))]
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid)); err != nil || !isFunction(string(line)) {
		return nil
	}
	m.kills.Add(1)
	_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have ended
	return nil
}

// isFunction tells a function's program from the server's own processes.
func isFunction(line string) bool {
	return strings.Contains(line, "bootstrap") || strings.Contains(line, "/var/runtime/")
}

// pythonRuntime and nodeRuntime are what the interpreters on PATH can serve.
func pythonRuntime() string {
	out, _ := exec.Command("python3", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])").Output() // else the creation fails
	return strings.TrimSpace(string(out))
}

func nodeRuntime() string {
	out, _ := exec.Command("node", "-p", "'nodejs' + process.versions.node.split('.')[0] + '.x'").Output()
	return strings.TrimSpace(string(out))
}
