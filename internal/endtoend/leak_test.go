//go:build linux

package endtoend

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestWhatTenThousandInvocationsLeakStaysInTheirEnvironments has each invocation leave a file open or a process behind. It
// is the function that meets its limits, never the server, and with the function all of it goes.
func TestWhatTenThousandInvocationsLeakStaysInTheirEnvironments(t *testing.T) {
	s := newHome(t).serve()
	admin := s.client(nil)
	in := s.functionInput("leaky", admin.role("leaky", mayLog), nil)
	before := admin.once(in)
	_, err := admin.lambda.CreateFunction(admin.ctx, in)
	must(t, err)
	const clients, each = 4, 2500
	var all sync.WaitGroup
	var mu sync.Mutex
	failed := map[string]int{}
	for range clients {
		all.Go(func() {
			c := s.client(nil)
			defer c.http.CloseIdleConnections()
			for i := range each {
				leak := `{"leak":1}`
				if i%10 == 0 {
					leak = `{"fork":1}`
				}
				_, err := c.invoke("leaky", leak)
				var inside *functionFailed
				if err != nil && !errors.As(err, &inside) {
					t.Error(err)
					return
				}
				if inside != nil {
					mu.Lock()
					failed[inside.kind]++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	full := s.footprint()
	if full.connections > before.connections+16*clients {
		t.Errorf("the server had %d connections before, and has %d", before.connections, full.connections)
	}
	if len(failed) == 0 {
		t.Error("no function met a limit")
	}
	t.Logf("%d processes; failures %v", full.processes, failed)
	_, err = admin.lambda.DeleteFunction(admin.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("leaky")})
	must(t, err)
	admin.http.CloseIdleConnections()
	var after footprint
	eventually(t, func() bool { after = s.footprint(); return after.within(before) }, func() string {
		return fmt.Sprintf("the server had %+v before, and has %+v", before, after)
	})
	s.stop()
}
