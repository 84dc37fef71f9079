package lambda_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// logOf waits until the log of a function has a line with the text, and returns all of it.
func (w *world) logOf(name, text string) string {
	w.Helper()
	logs := cloudwatchlogs.NewFromConfig(w.cfg)
	group := aws.String("/aws/lambda/" + name)
	for deadline := time.Now().Add(10 * time.Second); ; {
		var all strings.Builder
		streams, err := logs.DescribeLogStreams(w.ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group})
		if err == nil {
			for _, s := range streams.LogStreams {
				got, err := logs.GetLogEvents(w.ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: s.LogStreamName, StartFromHead: aws.Bool(true)})
				w.must(err)
				for _, e := range got.Events {
					all.WriteString(*e.Message)
				}
			}
		}
		if strings.Contains(all.String(), text) {
			return all.String()
		}
		if time.Now().After(deadline) {
			w.Fatalf("no %q in the log of %s: %q, %v", text, name, all.String(), err)
		}
	}
}

func TestLogReachesCloudWatch(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python("def handler(e, c): print('line', e)"))
	tail := w.invoke("f", `1`).log + w.invoke("f", `2`).log
	if got := w.logOf("f", "line 2\n"); !strings.HasPrefix(tail, got) && got != tail {
		t.Errorf("got %q\nwant %q", got, tail)
	}
}

func TestRoleThatMayNotLogLeavesNoLog(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("def handler(e, c): print('line', e)")
	in.Role = aws.String(w.role("silent"))
	w.create("f", in)
	w.create("g", python("def handler(e, c): print('line', e)"))
	w.invoke("f", `1`)
	w.invoke("g", `1`)
	w.logOf("g", "REPORT")
	_, err := w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	groups, err := cloudwatchlogs.NewFromConfig(w.cfg).DescribeLogGroups(w.ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	w.must(err)
	if len(groups.LogGroups) != 1 || *groups.LogGroups[0].LogGroupName != "/aws/lambda/g" {
		t.Errorf("got %v", groups.LogGroups)
	}
}

func TestFunctionThatWritesALotLosesNothing(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("def handler(e, c):\n    for i in range(e): print(i, 'x' * 1000)\n")
	in.Timeout, in.MemorySize = aws.Int32(60), aws.Int32(1769)
	w.create("f", in)
	const lines = 10000
	if got := w.invoke("f", fmt.Sprint(lines)); got.fault != "" || !strings.Contains(got.log, "9999 xxx") {
		t.Errorf("got %+v", got)
	}
	if n := w.countLines("f"); n != lines+4 { // INIT_START, START, END, REPORT
		t.Errorf("%d lines", n)
	}
}

// countLines counts the events in the only log stream of a function, once its environment is gone.
func (w *world) countLines(name string) (n int) {
	w.Helper()
	w.logOf(name, "START")
	logs := cloudwatchlogs.NewFromConfig(w.cfg)
	group := aws.String("/aws/lambda/" + name)
	streams, err := logs.DescribeLogStreams(w.ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group})
	w.must(err)
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: streams.LogStreams[0].LogStreamName, StartFromHead: aws.Bool(true)}
	for ended := false; !ended; {
		out, err := logs.GetLogEvents(w.ctx, in)
		w.must(err)
		for _, e := range out.Events {
			n++
			ended = strings.HasPrefix(*e.Message, "REPORT")
		}
		in.NextToken = out.NextForwardToken
	}
	return n
}
