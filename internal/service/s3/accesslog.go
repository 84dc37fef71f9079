package s3

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// accessLog holds lines until they are delivered. As on AWS delivery is best effort: what a crash takes is gone.
type accessLog struct {
	mu    sync.Mutex
	lines map[string]*strings.Builder // by bucket
}

// maxUndelivered bounds the lines of one bucket in memory; what exceeds it is dropped.
const maxUndelivered = 4 << 20

func (l *accessLog) add(bucket, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil {
		l.lines = map[string]*strings.Builder{}
	}
	if l.lines[bucket] == nil {
		l.lines[bucket] = &strings.Builder{}
	}
	if b := l.lines[bucket]; b.Len()+len(line) <= maxUndelivered {
		b.WriteString(line)
	}
}

func (l *accessLog) take() map[string]*strings.Builder {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

// LogsAccess implements api.AccessLogger.
func (s *Service) LogsAccess(ctx context.Context, bucket string) bool {
	b, err := s.find(ctx, bucket)
	return err == nil && b != nil && b.Logging != nil
}

// Accessed implements api.AccessLogger.
func (s *Service) Accessed(ctx context.Context, a *api.Access) {
	if b, err := s.find(ctx, a.Bucket); err == nil && b != nil {
		s.accesses.add(a.Bucket, accessLine(b, a))
	}
}

// accessLine is a request in the form of a server access log.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
func accessLine(b *bucket, a *api.Access) string {
	c, r := a.Caller, a.Request
	sent := "-"
	if a.Sent > 0 {
		sent = strconv.FormatInt(a.Sent, 10)
	}
	signature, cipher, version := "-", "-", "-"
	if a.Signed != "" {
		signature = "SigV4"
	}
	if r.TLS != nil {
		cipher, version = tls.CipherSuiteName(r.TLS.CipherSuite), map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}[r.TLS.Version]
	}
	return fmt.Sprintf("%s %s [%s] %s %s %s %s %s \"%s %s %s\" %d %s %s - %d - %s %s %s - %s %s %s %s %s - -\n",
		canonicalID(b.Account), b.Name, c.Request.Time.UTC().Format("02/Jan/2006:15:04:05 +0000"), dash(c.Request.SourceIP), dash(c.Principal.ARN), c.Request.ID,
		operationOf(a), dash(url.PathEscape(a.Key)), r.Method, cleanURI(r.URL.RequestURI()), r.Proto, a.Status, dash(a.ErrorCode), sent, a.Took.Milliseconds(),
		quotedText(c.Request.Referer), quotedText(c.Request.UserAgent), dash(r.URL.Query().Get("versionId")), signature, cipher, dash(a.Signed), dash(r.Host), version)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func quotedText(s string) string {
	if s == "" {
		return `"-"`
	}
	return `"` + url.PathEscape(s) + `"`
}

// cleanURI takes out what a presigned URL proves itself with: a log must not be a way in.
func cleanURI(uri string) string {
	path, query, ok := strings.Cut(uri, "?")
	if !ok {
		return uri
	}
	var kept []string
	for p := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(p, "=")
		if name != "X-Amz-Signature" && name != "X-Amz-Security-Token" {
			kept = append(kept, p)
		}
	}
	return path + "?" + strings.Join(kept, "&")
}

// resources are the parts of buckets and objects that operations are named after.
var resources = []string{
	"acl", "attributes", "cors", "encryption", "legal-hold", "lifecycle", "location", "logging", "notification", "object-lock", "ownershipControls", "policy",
	"policyStatus", "publicAccessBlock", "requestPayment", "retention", "tagging", "uploads", "versioning", "versions", "website",
}

// operationOf names a request as access logs do: REST.GET.OBJECT.
func operationOf(a *api.Access) string {
	query := a.Request.URL.Query()
	what := "BUCKET"
	switch {
	case query.Has("partNumber") && query.Has("uploadId"):
		what = "PART"
	case query.Has("uploadId"):
		what = "UPLOAD"
	case query.Has("delete") && a.Key == "":
		what = "MULTI_OBJECT_DELETE"
	case a.Key != "":
		what = "OBJECT"
	}
	for _, r := range resources {
		if query.Has(r) {
			what = strings.ToUpper(strings.ReplaceAll(r, "-", "_"))
		}
	}
	return "REST." + a.Request.Method + "." + what
}

// DeliverLogs writes what has been gathered into the buckets that it is for. It is called once a minute.
func (s *Service) DeliverLogs(ctx context.Context) error {
	var first error
	for name, lines := range s.accesses.take() {
		b, err := s.find(ctx, name)
		if err == nil && b != nil && b.Logging != nil {
			err = s.deliver(ctx, b, lines.String())
		}
		if err != nil && first == nil {
			first = fmt.Errorf("delivering the access log of bucket %s: %w", name, err)
		}
	}
	return first
}

// deliver stores lines as the log delivery service, which the target's policy must let in.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
func (s *Service) deliver(ctx context.Context, b *bucket, lines string) error {
	c := *api.CallerOf(api.As(ctx, "logging.s3.amazonaws.com", b.arn()))
	c.Account, c.Region, c.Keys = b.Account, b.Region, policy.MapKeys{"aws:sourceaccount": {b.Account}}
	key := aws.ToString(b.Logging.TargetPrefix) + time.Now().UTC().Format("2006-01-02-15-04-05-") + strings.ToUpper(newID()[:16])
	_, err := api.Call[s3.PutObjectOutput](api.WithCaller(ctx, &c), s.api, &s3.PutObjectInput{
		Bucket: b.Logging.TargetBucket, Key: &key, Body: strings.NewReader(lines), ContentType: aws.String("text/plain"),
	})
	return err
}
