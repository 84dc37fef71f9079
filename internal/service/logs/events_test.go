package logs_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

func TestEventsComeBackInTheOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{10, "b"}, line{30, "d"}, line{30, "e"})
	w.put("g", "s", from, line{0, "a"}, line{20, "c"}, line{30, "f"})
	for _, head := range []bool{true, false} {
		got := texts(w.get(&cwl.GetLogEventsInput{StartFromHead: &head}).Events)
		if want := []string{"a", "b", "c", "d", "e", "f"}; !slices.Equal(got, want) {
			t.Errorf("startFromHead %v: got %v, want %v", head, got, want)
		}
	}
}

func TestTimesOfGetLogEventsIncludeTheStartAndExcludeTheEnd(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.put("g", "s", from, line{0, "a"}, line{10, "b"}, line{20, "c"})
	got := texts(w.get(&cwl.GetLogEventsInput{StartTime: aws.Int64(from + 10), EndTime: aws.Int64(from + 20)}).Events)
	if want := []string{"b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPagesForwardEndWithTheSameToken(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.putMany(from, 25)
	in := &cwl.GetLogEventsInput{StartFromHead: aws.Bool(true), Limit: aws.Int32(10)}
	var got []string
	for range 10 {
		out := w.get(in)
		got = append(got, texts(out.Events)...)
		if in.NextToken != nil && *out.NextForwardToken == *in.NextToken {
			if !slices.Equal(got, numbered(25)) {
				t.Errorf("got %v", got)
			}
			return
		}
		in.NextToken = out.NextForwardToken
	}
	t.Error("the token never stayed the same")
}

func TestPagesBackwardBeginWithTheLatestEvents(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.putMany(from, 25)
	in := &cwl.GetLogEventsInput{Limit: aws.Int32(10)}
	var got []string
	for range 4 {
		out := w.get(in)
		got = append(texts(out.Events), got...)
		in.NextToken = out.NextBackwardToken
	}
	if !slices.Equal(got, numbered(25)) {
		t.Errorf("got %v", got)
	}
}

func TestForwardTokenOfTheEndShowsWhatComesLater(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	token := w.get(&cwl.GetLogEventsInput{}).NextForwardToken
	w.put("g", "s", from, line{0, "a"})
	out := w.get(&cwl.GetLogEventsInput{NextToken: token})
	again := w.get(&cwl.GetLogEventsInput{NextToken: out.NextForwardToken})
	if got := texts(out.Events); !slices.Equal(got, []string{"a"}) || len(again.Events) != 0 {
		t.Errorf("got %v, then %v", got, texts(again.Events))
	}
	back := w.get(&cwl.GetLogEventsInput{NextToken: again.NextBackwardToken})
	if got := texts(back.Events); !slices.Equal(got, []string{"a"}) {
		t.Errorf("backward from the end: got %v", got)
	}
}

func TestFilterInterleavesStreamsByTime(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.makeStream("g", "other")
	w.put("g", "s", from, line{0, "a"}, line{20, "c"})
	w.put("g", "other", from, line{10, "b"}, line{30, "d"})
	for _, limit := range []int32{1, 2, 3, 100} {
		got := w.filter(&cwl.FilterLogEventsInput{Limit: &limit})
		if want := []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
			t.Errorf("limit %d: got %v, want %v", limit, got, want)
		}
		got = w.filter(&cwl.FilterLogEventsInput{Limit: &limit, StartFromHead: aws.Bool(false), StartTime: aws.Int64(from)})
		if want := []string{"d", "c", "b", "a"}; !slices.Equal(got, want) {
			t.Errorf("backward, limit %d: got %v, want %v", limit, got, want)
		}
	}
}

func TestFilterTakesStreamsTimesAndPatterns(t *testing.T) {
	t.Parallel()
	w, from := start(t), base()
	w.makeStream("g", "other")
	w.put("g", "s", from, line{0, "one ERROR"}, line{20, "two fine"})
	w.put("g", "other", from, line{10, "three ERROR"}, line{30, "four ERROR"})
	for name, c := range map[string]struct {
		in   cwl.FilterLogEventsInput
		want []string
	}{
		"pattern": {cwl.FilterLogEventsInput{FilterPattern: aws.String("ERROR")}, []string{"one ERROR", "three ERROR", "four ERROR"}},
		"prefix":  {cwl.FilterLogEventsInput{LogStreamNamePrefix: aws.String("oth")}, []string{"three ERROR", "four ERROR"}},
		"names":   {cwl.FilterLogEventsInput{LogStreamNames: []string{"s"}}, []string{"one ERROR", "two fine"}},
		"times": {cwl.FilterLogEventsInput{StartTime: aws.Int64(from + 10), EndTime: aws.Int64(from + 20)},
			[]string{"three ERROR", "two fine"}},
	} {
		if got := w.filter(&c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func (w *world) putMany(from int64, n int) {
	w.Helper()
	for i, text := range numbered(n) {
		w.put("g", "s", from, line{int64(i), text})
	}
}

func numbered(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("event %d", i))
	}
	return all
}
