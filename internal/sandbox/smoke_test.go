package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"redoubt/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

func TestSmoke(t *testing.T) {
	t0 := time.Now()
	e, err := sandbox.Open(sandbox.Options{StateDir: t.TempDir(), AllowWeaker: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("open", time.Since(t0), fmt.Sprintf("%T %v", e, e.Weaknesses()))
	defer e.Close()
	_, roots, err := sandbox.Interpreter("sh")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		var out bytes.Buffer
		t0 = time.Now()
		v, err := e.Start(context.Background(), sandbox.Spec{
			Argv: []string{"sh", "-c", "id; cat /proc/self/status | grep -i 'cap\\|nonew\\|secc'; ls -la / /dev; ls /proc; cat /proc/self/cgroup /proc/self/mountinfo; env; hostname; echo hi > /tmp/x; ls -la /tmp; echo >/etc/x; exit 3"},
			Interpreter: roots, Stdout: &out, Stderr: &out, Env: []string{"A=b"}, Dir: "/",
		})
		if err != nil {
			t.Fatal(err)
		}
		d := time.Since(t0)
		go http.Serve(v.RuntimeAPI(), nil)
		x := v.Wait()
		t.Logf("start %v end %v %+v %+v", d, time.Since(t0), x, v.Usage())
		if i == 4 {
			t.Logf("%s", out.String())
		}
	}
}
