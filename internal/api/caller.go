package api

import (
	"context"
	"crypto/tls"
	"strings"
	"time"

	"redoubt/internal/policy"
)

// Kind says what a caller is, in CloudTrail's words.
type Kind string

// The kinds of caller.
const (
	Root          Kind = "Root"
	IAMUser       Kind = "IAMUser"
	AssumedRole   Kind = "AssumedRole"
	FederatedUser Kind = "FederatedUser"
	WebIdentity   Kind = "WebIdentityUser"
	AWSService    Kind = "AWSService"
	AWSAccount    Kind = "AWSAccount" // whoever calls from another account, as the trail of the account called has it
	Unknown       Kind = "Unknown"
)

// A Caller is who makes a call, on whose behalf, and how it came in.
type Caller struct {
	Kind      Kind
	Principal policy.Principal
	Account   string   // the account in which the call acts
	ID        string   // AIDA..., AROA...:session, or the account number of a root user
	Name      string   // the name of an IAM user or a federated user
	AccessKey string   // the id of the key that signed, or ""
	Session   *Session // set for temporary credentials
	Via       []string // services that forward the caller's call, the first one first
	Source    string   // ARN of the resource for which a service acts
	Request   Request
	Region    string
	Keys      policy.MapKeys // condition keys that come with who calls: the claims of a web identity; names in lower case
	// Stranger, of a caller without credentials, tells whether one more refusal of such is recorded: a trail has an end,
	// and they must not be able to push out of it what others did.
	Stranger func() bool
}

// Request is how a call came in. The zero value is a call from inside.
type Request struct {
	ID        string
	SourceIP  string
	UserAgent string
	Referer   string
	Host      string
	Secure    bool // the connection is TLS, or private to a sandbox
	TLS       *tls.ConnectionState
	Time      time.Time
	VPC, VPCE string
	Trace     string // the X-Ray header that came with it, or ""
}

type callerKey struct{}

// WithCaller returns a context for calls by c.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who calls. A context without a caller is a programming error, and nobody: an unknown caller in no account.
func CallerOf(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{Kind: Unknown, Principal: policy.Principal{Anonymous: true}}
}

// As returns a context in which the named service ("lambda.amazonaws.com") acts by itself for the resource source, in
// that resource's account. Such a call is allowed only by the policy of what it calls.
func As(ctx context.Context, service, source string) context.Context {
	was := CallerOf(ctx)
	return WithCaller(ctx, &Caller{
		Kind: AWSService, Principal: policy.Principal{Service: service},
		Account: accountOf(source), Source: source, Region: regionOr(source, was.Region),
		Request: Request{ID: was.Request.ID, SourceIP: service, UserAgent: service, Secure: true, Time: time.Now()},
	})
}

// Via returns a context in which the named service forwards its caller's call: the same identity and permissions, with
// aws:CalledVia and aws:ViaAWSService telling policies so.
func Via(ctx context.Context, service string) context.Context {
	c := *CallerOf(ctx)
	c.Via = append(c.Via[:len(c.Via):len(c.Via)], service)
	c.Request.SourceIP, c.Request.UserAgent = service, service
	c.Request.TLS, c.Request.Secure = nil, true
	return WithCaller(ctx, &c)
}

func accountOf(arn string) string { return part(arn, 4) }

func regionOr(arn, otherwise string) string {
	if r := part(arn, 3); r != "" {
		return r
	}
	return otherwise
}

// part returns the i-th of the colon-separated parts of an ARN without taking it apart.
func part(arn string, i int) string {
	for ; i > 0; i-- {
		_, rest, ok := strings.Cut(arn, ":")
		if !ok {
			return ""
		}
		arn = rest
	}
	p, _, _ := strings.Cut(arn, ":")
	return p
}
