package front

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/sigv4"
	"redoubt/internal/wire"
)

const (
	// maxStreamed caps what one request may upload: AWS takes objects and parts of up to 5 GiB in one piece
	// (AmazonS3/latest/userguide/qfacts.html).
	maxStreamed = 5 << 30
	// maxSilence is how long a streamed body may pause.
	maxSilence = 30 * time.Second
)

// stream verifies the signature of a request whose body its operation reads piecemeal, and leaves a body that proves
// itself while it is read.
func (x *exchange) stream(secret sigv4.Secret) error {
	if x.sig == nil {
		return x.entry.Errors.Missing()
	}
	o := x.signing()
	o.MaxBody = maxStreamed
	if x.r.Body != nil {
		x.r.Body = x.steady()
	}
	if err := x.sig.Verify(x.r, secret, o); err != nil {
		return x.entry.Errors.Signature(err)
	}
	if x.r.Body != nil {
		x.r.Body = &Body{
			ReadCloser: x.r.Body, errors: &x.entry.Errors, signature: x.sig,
			announced: announced(x.r.Header), endless: x.r.ContentLength < 0,
		}
	}
	return nil
}

// announced lists the trailing headers that a request says it will have.
func announced(h http.Header) (names []string) {
	for name := range strings.SplitSeq(strings.Join(h.Values("X-Amz-Trailer"), ","), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	return names
}

// A Body is the body of a signed request, as the operation reads it. It ends in an error of the API where it is not what
// was signed; what was read before its end is not proven.
type Body struct {
	io.ReadCloser
	errors    *api.Errors
	signature *sigv4.Signature
	announced []string
	endless   bool // nobody has said how long it is
}

// steady is the request's body, for which the client has time as long as pieces of it come: the server's own limit is for
// whole requests.
func (x *exchange) steady() io.ReadCloser {
	return &steadyBody{ReadCloser: x.r.Body, control: http.NewResponseController(x.w)}
}

type steadyBody struct {
	io.ReadCloser
	control *http.ResponseController
	touched time.Time
}

func (b *steadyBody) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(b.touched) > time.Second {
		b.touched = now
		_ = b.control.SetReadDeadline(now.Add(maxSilence)) // what cannot have deadlines has none to run out
	}
	return b.ReadCloser.Read(p)
}

// Read is of provisional bytes: see Body.
func (b *Body) Read(p []byte) (int, error) {
	if b.endless {
		return 0, wire.Errorf("MissingContentLength", http.StatusLengthRequired, "You must provide the Content-Length HTTP header.")
	}
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, b.explain(err)
}

func (b *Body) explain(err error) error {
	var s *sigv4.Error
	switch {
	case errors.As(err, &s):
		return b.errors.Signature(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return wire.Errorf("IncompleteBody", http.StatusBadRequest, "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	return wire.Errorf("RequestTimeout", http.StatusBadRequest,
		"Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.")
}

// Announced lists the trailing headers that the request declares.
func (b *Body) Announced() []string { return b.announced }

// Trailer has the trailing headers once the body has been read to its end.
func (b *Body) Trailer() http.Header { return b.signature.Trailer() }
