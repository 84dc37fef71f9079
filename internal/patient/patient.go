// Package patient is an HTTP transport for AWS SDK clients that spares them a fault of theirs.
package patient

import (
	"io"
	"net/http"
)

// A Transport hides a fault of the SDK's from net/http: when the answer comes before the transport has looked for the end
// of the request's body, the SDK closes that body, whose WriteTo then fails where its Read would say that it ends
// (smithy-go, transport/http/internal/io). The transport takes that for a failed request, and closes the connection while
// the answer is being read.
type Transport struct{ *http.Transport }

// RoundTrip sends a request whose body can be read by Read alone.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // a copy: a transport may not change the original
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return t.Transport.RoundTrip(r)
}
