package logs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

const minute, day = int64(time.Minute / time.Millisecond), int64(24 * time.Hour / time.Millisecond)

func TestPutRefusesBatchesAsAWSDoes(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	for name, c := range map[string]struct {
		lines   []line
		message string
	}{
		"order": {[]line{{1, "b"}, {0, "a"}}, "Log events in a single PutLogEvents request must be in chronological order."},
		"span":  {[]line{{-day, "a"}, {1, "b"}}, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."},
		"event": {[]line{{0, strings.Repeat("x", 1<<20)}}, "Log event too large: 1048602 bytes exceeds limit of 1048576"},
		"batch": {[]line{{0, strings.Repeat("x", 1<<19)}, {0, strings.Repeat("x", 1<<19-51)}}, "Upload too large: 1048577 bytes exceeds limit of 1048576"},
	} {
		_, err := w.tryPut("g", "s", from, c.lines...)
		t.Log(name)
		refused(t, err, "InvalidParameterException", c.message)
	}
	w.put("g", "s", from, line{0, strings.Repeat("x", 1<<20-26)})
}

func TestPutRejectsEventsOfOtherTimesOnly(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	out := w.put("g", "s", from, line{-15 * day, "old"}, line{0, "a"}, line{1, "b"}, line{130 * minute, "new"})
	r := out.RejectedLogEventsInfo
	if r == nil || *r.TooOldLogEventEndIndex != 1 || *r.TooNewLogEventStartIndex != 3 || r.ExpiredLogEventEndIndex != nil {
		t.Errorf("rejected: %+v", r)
	}
	if got := texts(w.get(&cwl.GetLogEventsInput{}).Events); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	_, err := w.PutRetentionPolicy(t.Context(), &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(1)})
	w.must(err)
	out = w.put("g", "s", from, line{-2 * day, "expired"})
	if r := out.RejectedLogEventsInfo; r == nil || *r.ExpiredLogEventEndIndex != 1 {
		t.Errorf("rejected: %+v", r)
	}
}

func TestSequenceTokensAreIgnored(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	first := w.put("g", "s", from, line{0, "a"})
	second := w.put("g", "s", from, line{0, "a"})
	if len(*first.NextSequenceToken) != 56 || *first.NextSequenceToken == *second.NextSequenceToken {
		t.Errorf("tokens %s, %s", *first.NextSequenceToken, *second.NextSequenceToken)
	}
}

func TestBatchOverADayComesBackWhole(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	var lines []line
	for i := range int64(1000) {
		lines = append(lines, line{i*day/1000 - day, strings.Repeat("x", int(i)+1)})
	}
	w.put("g", "s", from, lines...)
	w.put("g", "s", from, line{-day / 2, "between"})
	events := w.get(&cwl.GetLogEventsInput{StartFromHead: aws.Bool(true)}).Events
	if len(events) != 1001 {
		t.Fatalf("got %d events", len(events))
	}
	for i := 1; i < len(events); i++ {
		if *events[i].Timestamp < *events[i-1].Timestamp {
			t.Fatalf("event %d is out of order", i)
		}
	}
}
