//go:build linux

package endtoend

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// TestDrainLosesNothing ends a server in the middle of a load. Whatever ran was answered, and whatever was answered ran:
// the functions' logs and the answers agree.
func TestDrainLosesNothing(t *testing.T) {
	h := newHome(t, "--record-data-events")
	s := h.serve()
	calls := newLedger()
	c := s.client(calls)
	_, err := c.lambda.CreateFunction(c.ctx, h.functionInput("busy", c.role("busy", mayLog), nil))
	must(t, err)
	var mu sync.Mutex
	answered, enough := map[string]bool{}, make(chan struct{})
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			c := s.client(calls)
			defer c.http.CloseIdleConnections()
			for i := 0; ; i++ {
				id := fmt.Sprintf("invocation-%d-%d", n, i)
				if _, err := c.invoke("busy", fmt.Sprintf(`{"print": %q, "wait": 10000000}`, id)); err != nil {
					return // the first that is refused
				}
				mu.Lock()
				if answered[id] = true; len(answered) == 400 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	refused := make(chan struct{})
	go func() {
		all.Wait()
		close(refused)
	}()
	select {
	case <-enough:
	case <-refused:
		t.Error("nobody is answered any more, before the server is told to end")
	}
	s.stop()
	<-refused
	s = h.serve()
	ran := printed(s.client(nil), "busy")
	for id := range answered {
		if !ran[id] {
			t.Errorf("%s was answered, but is not in the log", id)
		}
	}
	for id := range ran {
		if !answered[id] {
			t.Errorf("%s ran, but its caller got no answer", id)
		}
	}
	for id, name := range calls.missing(s.client(nil)) {
		t.Errorf("%s, request %s, is not recorded", name, id)
	}
	t.Logf("%d answered", len(answered))
}

// printed are the lines that a function has written.
func printed(c *client, function string) map[string]bool {
	c.Helper()
	group, lines := "/aws/lambda/"+function, map[string]bool{}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx)
		must(c, err)
		for _, e := range page.Events {
			if strings.HasPrefix(*e.Message, "invocation-") {
				lines[strings.TrimSpace(*e.Message)] = true
			}
		}
	}
	return lines
}
