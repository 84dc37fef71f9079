package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/redact"
)

// fail ends the process. A write that the log did not take is visible already, and nothing may be acknowledged after
// it; what was acknowledged is on the disk, and the next start finds it. Keys stay out of the message.
func fail(err error) {
	advice := "see what ails the disk, then start again"
	if vfs.IsNoSpaceError(err) {
		advice = "the disk is full: free some of it, then start again"
	}
	slog.Error("the store failed and cannot go on; "+advice, "error", redact.Sprint(err).Redact())
	os.Exit(1)
}

// failed ends the process if an error is one of the log.
func failed(err error) error {
	if err != nil && !errors.Is(err, pebble.ErrClosed) {
		fail(err)
	}
	return err
}

// failOnPanic is deferred around commits: Pebble panics when it cannot write the log, with its locks held. A caller that
// lives on, as handlers of net/http do, would leave everybody else waiting for them.
func failOnPanic() {
	p := recover()
	if p == nil {
		return
	}
	err, ok := p.(error)
	if _, bug := p.(runtime.Error); !ok || bug || errors.Is(err, pebble.ErrClosed) {
		panic(p)
	}
	fail(err)
}

// background takes the errors of flushes and compactions, which Pebble repeats at once and for ever.
func background(err error) {
	for _, hopeless := range []error{syscall.EIO, syscall.EROFS} {
		if errors.Is(err, hopeless) {
			fail(err)
		}
	}
	if vfs.IsNoSpaceError(err) {
		fail(err)
	}
	slog.Error("background work of the store failed", "error", redact.Sprint(err).Redact())
}

// logger drops Pebble's narrative. What is fatal to it ends the process.
type logger struct{}

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}
func (logger) Fatalf(format string, args ...any) {
	fail(fmt.Errorf("%s", redact.Sprintf(format, args...).Redact()))
}
