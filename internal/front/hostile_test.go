package front_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"redoubt/redoubttest"
)

// Whoever signs nothing makes the server neither wait for a large body nor keep room for it.
func TestLargeBodyOfAStrangerIsNotRead(t *testing.T) {
	cfg := redoubttest.Start(t)
	never, end := io.Pipe()
	defer end.Close()
	r, err := http.NewRequest(http.MethodPost, *cfg.BaseEndpoint+"/2015-03-31/functions", never)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 60 << 20
	if status, body := send(t, cfg, r); status != http.StatusForbidden || !strings.Contains(body, "MissingAuthenticationToken") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestBodyOfAStrangerIsNotUnpacked(t *testing.T) {
	cfg := redoubttest.Start(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&X=" + strings.Repeat("x", 10<<20))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, *cfg.BaseEndpoint+"/", &packed)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Content-Encoding", "gzip")
	if status, body := send(t, cfg, r); status != http.StatusForbidden || !strings.Contains(body, "MissingAuthenticationToken") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestLargeBodyIsReadWhole(t *testing.T) {
	cfg := redoubttest.Start(t)
	c := calls["kms"]
	c.body = `{"Limit":1}` + strings.Repeat(" ", 3<<19)
	if status, body := send(t, cfg, c.sign(t, cfg, "us-east-1", time.Now())); status != http.StatusOK {
		t.Errorf("got %d %.200s", status, body)
	}
}

// What callers say of themselves is cut in the record, so that nobody can fill the disk with it.
func TestRecordKeepsAKilobyteOfTheUserAgent(t *testing.T) {
	cfg := redoubttest.Start(t)
	r := calls["kms"].sign(t, cfg, "us-east-1", time.Now())
	r.Header.Set("User-Agent", strings.Repeat("agent ", 5000)+"end")
	if status, body := send(t, cfg, r); status != http.StatusOK {
		t.Fatalf("got %d %s", status, body)
	}
	out, err := cloudtrail.NewFromConfig(cfg).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("ListKeys")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Events) != 1 {
		t.Fatalf("got %d events, want 1", len(out.Events))
	}
	if record := *out.Events[0].CloudTrailEvent; len(record) > 4<<10 || !strings.Contains(record, "agent agent") {
		t.Errorf("the record has %d bytes: %.300s", len(record), record)
	}
}
