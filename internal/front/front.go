// Package front is the one door to Redoubt: an HTTP handler that turns a signed AWS request into an authorised, recorded call.
//
// Every request takes the same path: the signature, the wire format, the constraints, then [api.Registry.Do].
package front

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/sigv4"
	"redoubt/internal/wire"
)

// A Door serves the operations of a registry.
type Door struct {
	api     *api.Registry
	account string // whose trail keeps the calls of nobody
	region  string
	keys    sigv4.KeyCache

	strangers allowance
	outside   room
	inside    room
}

// New returns the door to r in a region. Calls that belong to no account are recorded for account.
func New(r *api.Registry, account, region string) *Door {
	return &Door{api: r, account: account, region: region, outside: make(room, largeOutside), inside: make(room, largeInside)}
}

// An Origin tells what a connection is, where its TLS state and address do not say it.
type Origin struct {
	Private  bool   // nobody but the caller can listen: a sandbox's own loopback
	SourceIP string // shown in place of the address
	VPC      string
	VPCE     string
}

type originKey struct{}

// WithOrigin returns the context for a connection of origin o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := requestOf(r)
	sig, sigErr := sigv4.Parse(r)
	e := d.route(r, sig)
	if e == nil {
		refuseUnknown(w, r, sig, req.ID)
		return
	}
	x := &exchange{door: d, entry: e, w: w, r: r, sig: sig, caller: &api.Caller{
		Kind: api.Unknown, Principal: policy.Principal{Anonymous: true}, Request: req, Region: d.region,
	}}
	if by, ok := e.Service.(crossOrigin); ok && isPreflight(r) {
		x.preflight(by)
		return
	}
	if x.isObjects() {
		defer x.account()()
		x.share()
		if sig == nil && isForm(r) {
			x.post()
			return
		}
	}
	x.serve(sigErr)
}

// requestOf reads what policies and records want to know of a request.
func requestOf(r *http.Request) api.Request {
	o, _ := r.Context().Value(originKey{}).(Origin)
	req := api.Request{
		ID: api.NewUUID(), UserAgent: brief(r.UserAgent()), Referer: r.Referer(), Host: brief(r.Host), SourceIP: o.SourceIP,
		Secure: r.TLS != nil || o.Private, TLS: r.TLS, Time: time.Now(), VPC: o.VPC, VPCE: o.VPCE,
		Trace: brief(r.Header.Get("X-Amzn-Trace-Id")),
	}
	if req.SourceIP == "" {
		req.SourceIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	return req
}

// maxBrief is how much CloudTrail keeps of what a caller says of itself (user guide, "CloudTrail record contents",
// userAgent).
const maxBrief = 1 << 10

func brief(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxBrief)], "") }

// An exchange is one request on its way through the door.
type exchange struct {
	door   *Door
	entry  *api.Entry
	w      http.ResponseWriter
	r      *http.Request
	sig    *sigv4.Signature
	caller *api.Caller
	key    *api.Key // of a long-term signature
	call   *wire.Call
}

func (x *exchange) serve(sigErr error) {
	secret, err := x.identify(sigErr)
	if err != nil {
		x.refuse(err)
		return
	}
	body, err := x.receive(secret)
	if err != nil {
		x.disown()
		x.refuse(err)
		return
	}
	call, matchErr := x.match(body)
	x.call = call
	if x.key != nil { // only now is it known that the key's holder used it
		x.door.api.Directory().Used(x.key, x.entry.Service.Name(), x.door.region)
	}
	if matchErr != nil {
		x.refuse(matchErr)
		return
	}
	in, err := x.decode()
	if err != nil {
		x.refuse(err)
		return
	}
	if x.isObjects() {
		x.caller.Keys = x.signatureKeys()
	}
	if x.sig == nil {
		x.caller.Stranger = func() bool { return x.door.strangers.take(x.caller.Request.Time) }
	}
	out, err := x.door.api.Do(api.WithCaller(x.r.Context(), x.caller), in)
	if err != nil {
		x.answerError(err)
		return
	}
	x.answer(out)
}

// answer writes what an operation returns. An answer that breaks off takes its connection with it.
func (x *exchange) answer(out any) {
	err := x.call.Encode(x.w, out, x.caller.Request.ID)
	if errors.Is(err, wire.ErrBroken) {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		x.answerError(err)
	}
}

// match finds the operation of the request. body is nil for one that is not read before its operation reads it.
func (x *exchange) match(body []byte) (*wire.Call, error) {
	if !x.isObjects() {
		return x.entry.Wire.Match(x.r, body)
	}
	r, err := x.addressed()
	if err != nil {
		call, _ := x.entry.Wire.Match(x.r, body)
		return call, err
	}
	return x.entry.Wire.Match(r, body)
}

func (x *exchange) decode() (any, error) {
	in, err := x.call.Decode()
	if err != nil {
		return nil, err
	}
	return in, x.call.Validate(in)
}

// verify checks the signature of a request whose body has been read; an unsigned one passes to operations that take such.
func (x *exchange) verify(body []byte, secret sigv4.Secret) error {
	if !x.isObjects() && !plain(x.r.URL.Path) {
		return wire.Errorf("InvalidURI", http.StatusBadRequest, "The path has empty or relative segments.")
	}
	if x.sig == nil {
		return x.takesUnsigned(body)
	}
	err := x.sig.VerifyBytes(x.r, body, secret, x.signing())
	if err != nil && x.cheap(body) { // for the record
		x.call, _ = x.match(body)
	}
	return x.entry.Errors.Signature(err)
}

// signing is what the signature must be good for.
func (x *exchange) signing() sigv4.Options {
	return sigv4.Options{
		Region: x.scopeRegion(), Service: x.entry.Service.Name(), S3: x.isObjects(), Skew: x.entry.Errors.Skew, Cache: &x.door.keys,
	}
}

// plain reports whether a path is what a signature covers: clients sign "//", "." and ".." resolved, so a path with them
// is signed as another.
func plain(p string) bool {
	return p == "/" || strings.TrimSuffix(p, "/") == path.Clean(p)
}

// disown takes back who the caller claimed to be, but for the key it named: a forged call must not be recorded as its
// victim's.
func (x *exchange) disown() {
	c := x.caller
	x.claim(&api.Caller{
		Kind: api.Unknown, Principal: policy.Principal{Anonymous: true}, Account: c.Account, AccessKey: c.AccessKey,
	})
}

// globalRegion is where AWS keeps the services that have no region; clients sign for it, or for their own region where
// an endpoint is given by hand.
const globalRegion = "us-east-1"

// scopeRegion is the region that the signature must be for.
func (x *exchange) scopeRegion() string {
	if g, ok := x.entry.Service.(interface{ Global() bool }); ok && g.Global() && x.sig.Region == globalRegion {
		return globalRegion
	}
	return x.door.region
}

// refuse answers a request that does not reach its operation, and keeps a record of it. Strangers get no more records
// than their allowance: a trail has an end, and they must not be able to push out of it what others did.
func (x *exchange) refuse(err error) {
	op := ""
	if x.call == nil {
		x.call, _ = x.match(nil)
	}
	if x.call != nil {
		op = x.call.Operation()
	}
	if x.caller.Kind == api.Unknown && !x.door.strangers.take(x.caller.Request.Time) {
		x.answerError(err)
		return
	}
	ctx := api.WithCaller(x.r.Context(), x.caller)
	x.answerError(x.door.api.Refused(ctx, x.entry, op, x.door.account, err))
}

func (x *exchange) answerError(err error) {
	var known smithy.APIError
	if x.isObjects() && errors.As(err, &known) {
		x.w.Header().Set(errorHeader, known.ErrorCode())
	}
	x.call.EncodeError(x.w, err, x.caller.Request.ID)
}
