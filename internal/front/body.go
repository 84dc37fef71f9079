package front

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"redoubt/internal/sigv4"
	"redoubt/internal/wire"
)

const (
	// maxBody caps the body of a request, unless its service says otherwise.
	maxBody = 2 << 20
	// maxUnsigned caps a body that nobody has signed. The token of a web identity has at most 20,000 characters.
	maxUnsigned = 64 << 10
)

// bodyTime is how long a body may take to come, from a function as well, whose connections are not limited otherwise: it may
// be frozen for hours in the middle of one.
const bodyTime = 2 * time.Minute

// A room is where large bodies wait for their signature to be verified: whoever knows the id of a key can send one, slowly,
// and many.
type room chan struct{}

// How many large bodies may be under way: from outside, and from inside of all sandboxes.
const (
	largeOutside = 32
	largeInside  = 8
)

func (r room) enter() bool {
	select {
	case r <- struct{}{}:
		return true
	default:
		return false
	}
}

func (r room) leave() { <-r }

// receive reads the body and verifies its signature.
func (x *exchange) receive(secret sigv4.Secret) ([]byte, error) {
	if x.isObjects() {
		if call, err := x.match(nil); err == nil && call.Streams() {
			x.call = call
			return nil, x.stream(secret)
		}
	}
	if limit := x.limit(); limit > maxBody && (x.r.ContentLength < 0 || x.r.ContentLength > maxBody) {
		r := x.door.outside
		if o, _ := x.r.Context().Value(originKey{}).(Origin); o.Private {
			r = x.door.inside
		}
		if !r.enter() {
			return nil, wire.Errorf("ThrottlingException", http.StatusTooManyRequests, "Rate exceeded")
		}
		defer r.leave()
	}
	// What cannot have deadlines has none to run out. The server ends this one by itself when the body has come.
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(bodyTime))
	body, err := x.readBody()
	if err != nil {
		return nil, err
	}
	return body, x.verify(body, secret)
}

func (x *exchange) readBody() ([]byte, error) {
	limit := x.limit()
	if x.r.ContentLength > limit {
		return nil, x.tooLarge(limit)
	}
	body, err := readAll(http.MaxBytesReader(x.w, x.r.Body, limit), x.r.ContentLength)
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return nil, x.tooLarge(limit)
	}
	if err != nil {
		return nil, wire.Errorf("RequestTimeout", http.StatusBadRequest, "The request body could not be read.")
	}
	return body, nil
}

// limit is how large the body may be.
func (x *exchange) limit() int64 {
	if x.sig == nil {
		return maxUnsigned
	}
	if l, ok := x.entry.Service.(interface{ MaxBody() int64 }); ok {
		return l.MaxBody()
	}
	return maxBody
}

func (x *exchange) tooLarge(limit int64) error {
	if x.sig == nil {
		return x.entry.Errors.Missing()
	}
	return wire.Errorf("RequestEntityTooLargeException", http.StatusRequestEntityTooLarge,
		"Request must be smaller than %d bytes for the operation", limit)
}

// maxUnseen is how much memory a request gets on its mere word that it will fill it.
const maxUnseen = 1 << 20

// readAll reads a body. Its buffer grows no further than twice what has come, so that announcing a large body costs us
// nothing.
func readAll(body io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(body)
	}
	b := make([]byte, 0, min(size, maxUnseen))
	for int64(len(b)) < size {
		b = slices.Grow(b, int(min(size-int64(len(b)), int64(max(len(b), maxUnseen)))))
		end := int(min(int64(cap(b)), size))
		n, err := io.ReadFull(body, b[len(b):end])
		if b = b[:len(b)+n]; err != nil {
			return b, err
		}
	}
	return b, nil
}

// takesUnsigned refuses a request without a signature unless its operation is one of the few that take such.
func (x *exchange) takesUnsigned(body []byte) error {
	if !x.cheap(body) {
		return x.entry.Errors.Missing()
	}
	x.call, _ = x.match(body)
	if op := x.entry.Operation(x.call.Operation()); op == nil || !op.TakesUnsigned() {
		return x.entry.Errors.Missing()
	}
	return nil
}

// cheap reports whether the body of a stranger is worth a look: nothing large, and nothing that unpacks into more.
func (x *exchange) cheap(body []byte) bool {
	return len(body) <= maxUnsigned && x.r.Header.Get("Content-Encoding") == ""
}
