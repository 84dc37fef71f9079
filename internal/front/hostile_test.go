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

	"redoubt/internal/app"
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

// What is refused before its signature is verified must not be recorded as the doing of the key's owner.
func TestOversizedCallIsNotRecordedAsItsVictims(t *testing.T) {
	cfg := redoubttest.Start(t)
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := calls["kms"]
	c.body = strings.Repeat("x", 3<<20)
	forged := c.sign(t, redoubttest.With(cfg, creds.AccessKeyID, "wrong", ""), "us-east-1", time.Now())
	if status, body := send(t, cfg, forged); status != http.StatusRequestEntityTooLarge {
		t.Fatalf("got %d %.200s", status, body)
	}
	out, err := cloudtrail.NewFromConfig(cfg).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("ListKeys")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Events) != 1 || strings.Contains(*out.Events[0].CloudTrailEvent, "user/operator") {
		t.Errorf("the record blames the victim, or is none: %v", out.Events)
	}
}

// Many large bodies under way at once, of which nobody knows yet who sends them, do not take all memory.
func TestLargeBodiesUnderWayAreFew(t *testing.T) {
	cfg := redoubttest.Run(t, app.Config{})
	account := cfg.Account(t)
	c := wireCall{service: "lambda", method: http.MethodPost, path: "/2015-03-31/functions"}
	answers := make(chan int, 64)
	var ends []io.Closer
	for range cap(answers) {
		r := c.sign(t, account, "us-east-1", time.Now())
		never, end := io.Pipe()
		ends = append(ends, end)
		r.Body, r.ContentLength = never, 60<<20
		go func() {
			res, err := account.HTTPClient.Do(r)
			if err != nil {
				answers <- 0
				return
			}
			res.Body.Close()
			answers <- res.StatusCode
		}()
	}
	for range cap(answers) / 2 {
		if status := <-answers; status != http.StatusTooManyRequests {
			t.Errorf("got %d, want %d", status, http.StatusTooManyRequests)
		}
	}
	for _, end := range ends {
		end.Close()
	}
	for range cap(answers) / 2 {
		<-answers
	}
}
