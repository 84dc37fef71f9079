package logs_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

// A world is an account of its own with a client, a group g and a stream s.
type world struct {
	testing.TB
	*cwl.Client
	aws.Config
}

func start(t testing.TB) *world {
	t.Helper()
	cfg := redoubttest.Start(t)
	w := &world{t, cwl.NewFromConfig(cfg), cfg}
	w.makeGroup("g")
	w.makeStream("g", "s")
	return w
}

func (w *world) makeGroup(name string) {
	w.Helper()
	_, err := w.CreateLogGroup(w.Context(), &cwl.CreateLogGroupInput{LogGroupName: &name})
	w.must(err)
}

func (w *world) makeStream(group, name string) {
	w.Helper()
	_, err := w.CreateLogStream(w.Context(), &cwl.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &name})
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// an event of a test: so many milliseconds after the base of its test.
type line struct {
	at      int64
	message string
}

// base is a time, a minute ago, that tests count from.
func base() int64 { return time.Now().Add(-time.Minute).UnixMilli() }

func (w *world) put(group, stream string, from int64, lines ...line) *cwl.PutLogEventsOutput {
	w.Helper()
	out, err := w.tryPut(group, stream, from, lines...)
	w.must(err)
	return out
}

func (w *world) tryPut(group, stream string, from int64, lines ...line) (*cwl.PutLogEventsOutput, error) {
	in := &cwl.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for _, l := range lines {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(from + l.at), Message: aws.String(l.message)})
	}
	return w.PutLogEvents(w.Context(), in)
}

func (w *world) get(in *cwl.GetLogEventsInput) *cwl.GetLogEventsOutput {
	w.Helper()
	if in.LogGroupName == nil && in.LogGroupIdentifier == nil {
		in.LogGroupName = aws.String("g")
	}
	if in.LogStreamName == nil {
		in.LogStreamName = aws.String("s")
	}
	out, err := w.GetLogEvents(w.Context(), in)
	w.must(err)
	return out
}

func texts(events []types.OutputLogEvent) (all []string) {
	for _, e := range events {
		all = append(all, *e.Message)
	}
	return all
}

func (w *world) filter(in *cwl.FilterLogEventsInput) (all []string) {
	w.Helper()
	in.LogGroupName = aws.String("g")
	for pages := cwl.NewFilterLogEventsPaginator(w.Client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(w.Context())
		w.must(err)
		for _, e := range page.Events {
			all = append(all, *e.Message)
		}
	}
	return all
}

// refused checks an error's code and message.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code || message != "" && known.ErrorMessage() != message {
		t.Fatalf("got %v, want %s: %s", err, code, message)
	}
}
