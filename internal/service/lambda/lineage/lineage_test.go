package lineage

import (
	"strings"
	"testing"
	"time"
)

const (
	one   = "arn:aws:lambda:us-east-1:123456789012:function:one"
	other = "arn:aws:lambda:us-east-1:123456789012:function:other"
)

func TestStepsAreCountedForEachFunction(t *testing.T) {
	var header string
	for i := range 20 {
		var before int
		if header, before = Step(header, one, time.Now()); before != i {
			t.Fatalf("step %d has %d before it", i, before)
		}
		if header, before = Step(header, other, time.Now()); before != i {
			t.Fatalf("step %d of the other has %d before it", i, before)
		}
	}
	if !strings.HasSuffix(header, ";Lineage="+hash(one)+":19|"+hash(other)+":19") || !strings.HasPrefix(header, "Root=1-") {
		t.Errorf("got %s", header)
	}
}

func TestHeadersOfOthersAreRead(t *testing.T) {
	for given, want := range map[string]string{
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=" + hash(one) + ":0",
		"Root=1-a-b;Lineage=68fd508a:5|c512fbe3:2":                                   "Root=1-a-b;Lineage=68fd508a:5|c512fbe3:2|" + hash(one) + ":0",
		"Root=1-a-b;Lineage=68fd508a:5%7Cc512fbe3:2":                                 "Root=1-a-b;Lineage=68fd508a:5|c512fbe3:2|" + hash(one) + ":0",
		"Root=1-a-b;Lineage=25:68fd508a:5":                                           "Root=1-a-b;Lineage=68fd508a:5|" + hash(one) + ":0",
		"Root=1-a-b;Lineage=" + hash(one) + ":3":                                     "Root=1-a-b;Lineage=" + hash(one) + ":4",
		"Root=1-a-b;Lineage=x:y|:|zz:1|68fd508a:-1;Self=1\r\nX: y":                   "Root=1-a-b;Lineage=" + hash(one) + ":0",
	} {
		if got, _ := Step(given, one, time.Now()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", given, got, want)
		}
	}
	if got, _ := Step(strings.Repeat("a=b;", 1000), one, time.Now()); !strings.HasPrefix(got, "Root=1-") || len(got) > 200 {
		t.Errorf("got %s", got)
	}
}

func FuzzStep(f *testing.F) {
	f.Add("Root=1-a-b;Lineage=68fd508a:5|c512fbe3:2")
	f.Fuzz(func(t *testing.T, header string) {
		next, before := Step(header, one, time.Now())
		again, after := Step(next, one, time.Now())
		if after != min(before+1, maxCount+1) && before < maxCount {
			t.Errorf("%d steps, then %d, in %q and %q", before, after, next, again)
		}
		if strings.ContainsAny(next, "\r\n") {
			t.Errorf("%q breaks the header", next)
		}
	})
}
