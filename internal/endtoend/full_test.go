//go:build linux

package endtoend

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// TestFullDiskEndsTheServerAndLosesNothing fills the disk of the data directory. A server that cannot keep what it would
// acknowledge ends, and says why; so does the next one, until there is room again.
func TestFullDiskEndsTheServerAndLosesNothing(t *testing.T) {
	disk := smallDisk(t)
	h := newHome(t)
	h.data = disk + "/data"
	s := h.serve()
	c, group, stream := s.client(nil), "full", "stream"
	_, err := c.logs.CreateLogGroup(c.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	must(t, err)
	_, err = c.logs.CreateLogStream(c.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	must(t, err)
	acknowledged := 0
	for ; err == nil; acknowledged++ {
		message := fmt.Sprintf("event %d %s", acknowledged, incompressible(100_000))
		_, err = c.logs.PutLogEvents(c.ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: &group, LogStreamName: &stream,
			LogEvents: []logstypes.InputLogEvent{{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &message}},
		})
	}
	acknowledged-- // the last one failed
	s.wait()
	endsFull(t, s)
	s = h.launch()
	select {
	case <-s.out.seen: // what is left is enough to come up with
		s.kill()
	case <-s.ended:
		endsFull(t, s)
	}
	must(t, syscall.Mount("", disk, "tmpfs", syscall.MS_REMOUNT, "size=128m"))
	s = h.serve()
	c = s.client(nil)
	kept := 0
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx)
		must(t, err)
		for _, e := range page.Events {
			if !strings.HasPrefix(*e.Message, fmt.Sprintf("event %d ", kept)) {
				t.Fatalf("in place of event %d there is %.20q", kept, *e.Message)
			}
			kept++
		}
	}
	if kept < acknowledged {
		t.Errorf("%d events of %d acknowledged ones are there", kept, acknowledged)
	}
	t.Logf("%d acknowledged, %d kept", acknowledged, kept)
	s.stop()
}

func endsFull(t *testing.T, s *server) {
	t.Helper()
	said := s.err.String()
	if s.code() != 1 || !strings.Contains(said, "no space left") || strings.Count(said, "\n") > 10 {
		t.Errorf("on a full disk it ends with code %d, and says:\n%.2000s", s.code(), said)
	}
}

// smallDisk is a file system of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("only who may mount can make a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(os.NewSyscallError("unmounting", err))
		}
	})
	return disk
}

func incompressible(n int) string {
	b := make([]byte, n/2)
	rand.Read(b)
	return hex.EncodeToString(b)
}
