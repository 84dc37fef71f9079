//go:build linux

package endtoend

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const (
	soakClients = 64
	// What the server may have more of after a soak: the store's tables in memory fill up once, and stay.
	soakGrowth = 40 << 20
)

// TestSixtyFourClientsInvokeAtOnce keeps 64 clients busy with a warm function, and a few with changes, all recorded.
func TestSixtyFourClientsInvokeAtOnce(t *testing.T) {
	s := newHome(t, "--record-data-events").serve()
	calls := newLedger()
	admin := s.client(calls)
	in := s.functionInput("busy", admin.role("busy"), map[string]string{"VALUE": "v"})
	before := admin.once(in)
	_, err := admin.lambda.CreateFunction(admin.ctx, in)
	must(t, err)
	load := &soak{server: s, calls: calls}
	load.run(campaign(t, 6*time.Second) / 3)
	warm, made := resident(t, s.pid()), len(calls.calls)
	load.run(campaign(t, 5*time.Second))
	full, files := resident(t, s.pid()), connections(t, s.pid())
	made = len(calls.calls) - made
	t.Logf("%d calls; memory %d -> %d MiB; %d connections", made, warm>>20, full>>20, files)
	if full > warm+soakGrowth {
		t.Errorf("memory grew from %d to %d MiB", warm>>20, full>>20)
	}
	for id, name := range calls.missing(admin) {
		t.Errorf("%s, request %s, was acknowledged but is not recorded", name, id)
	}
	_, err = admin.lambda.DeleteFunction(admin.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("busy")})
	must(t, err)
	admin.http.CloseIdleConnections()
	var after footprint
	eventually(t, func() bool { after = s.footprint(); return after.within(before) }, func() string {
		return fmt.Sprintf("the server had %+v before the load, and has %+v after it", before, after)
	})
	s.stop()
}

// A footprint is what a server and the processes that come from it take of the machine, but for memory.
type footprint struct{ connections, processes, groups, mounts int }

func (s *server) footprint() footprint {
	s.Helper()
	children := descendants(s, s.pid())
	f := footprint{connections: connections(s, s.pid()), processes: len(children), groups: len(groups(s, groupName(s, s)))}
	for _, c := range children {
		f.mounts += mounts(c.pid)
	}
	return f
}

// once makes a function, invokes it, deletes it, and returns what the server then is: it keeps what it has found out about
// a runtime.
func (c *client) once(in *lambda.CreateFunctionInput) footprint {
	c.Helper()
	_, err := c.lambda.CreateFunction(c.ctx, in)
	must(c, err)
	_, err = c.invoke(*in.FunctionName, `{}`)
	must(c, err)
	_, err = c.lambda.DeleteFunction(c.ctx, &lambda.DeleteFunctionInput{FunctionName: in.FunctionName})
	must(c, err)
	c.http.CloseIdleConnections()
	return c.rest()
}

// maxSpares is how many control groups a server may keep ready that belong to no function.
const maxSpares = 16

// rest waits until functions that are deleted have left nothing, and returns what the server is then.
func (s *server) rest() footprint {
	s.Helper()
	var f footprint
	eventually(s, func() bool { f = s.footprint(); return f.groups <= maxSpares && f.processes <= 1 }, func() string {
		return fmt.Sprintf("the environments of deleted functions do not end: %+v", f)
	})
	return f
}

func (f footprint) within(of footprint) bool {
	return f.connections <= of.connections && f.processes <= of.processes && f.groups <= of.groups && f.mounts <= of.mounts
}

// A soak is a load that must not fail.
type soak struct {
	*server
	calls *ledger
	round int
}

func (l *soak) run(d time.Duration) {
	l.Helper()
	l.round++
	deadline := time.Now().Add(d)
	var all sync.WaitGroup
	work := func(n int, act func(c *client, n, i int) error) {
		all.Go(func() {
			c := l.client(l.calls)
			defer c.http.CloseIdleConnections()
			for i := 0; time.Now().Before(deadline); i++ {
				if err := act(c, n, i); err != nil {
					l.Errorf("client %d: %v", n, err)
					return
				}
			}
		})
	}
	for n := range soakClients {
		work(n, say)
	}
	for n := range 2 {
		work(n, l.change)
	}
	all.Wait()
}

func say(c *client, n, i int) error {
	text := fmt.Sprintf("%d of %d", i, n)
	a, err := c.invoke("busy", fmt.Sprintf(`{"say":%q}`, text))
	if err == nil && a.Said != text {
		return fmt.Errorf("got %q, want %q: another's answer", a.Said, text)
	}
	return err
}

// change makes and unmakes a user, and a key's alias.
func (l *soak) change(c *client, n, i int) error {
	name := aws.String(fmt.Sprintf("user-%d-%d-%d", l.round, n, i))
	if _, err := c.iam.CreateUser(c.ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		return err
	}
	_, err := c.iam.TagUser(c.ctx, &iam.TagUserInput{UserName: name, Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		return err
	}
	if _, err := c.kms.GenerateRandom(c.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(16)}); err != nil {
		return err
	}
	_, err = c.iam.DeleteUser(c.ctx, &iam.DeleteUserInput{UserName: name})
	return err
}
