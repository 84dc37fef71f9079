package front

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/sigv4"
)

// A laggard is a request whose body never comes, on a connection that knows deadlines.
type laggard struct {
	*httptest.ResponseRecorder
	over chan struct{}
}

func (l *laggard) SetReadDeadline(at time.Time) error {
	time.AfterFunc(time.Until(at), func() { close(l.over) })
	return nil
}

func (l *laggard) Read([]byte) (int, error) {
	<-l.over
	return 0, os.ErrDeadlineExceeded
}

func (l *laggard) Close() error { return nil }

type roomy struct{ api.Service }

func (roomy) Name() string   { return "roomy" }
func (roomy) MaxBody() int64 { return 2 * maxBody }

func TestLargeBodyOfAFunctionDoesNotKeepOthersOutForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &laggard{httptest.NewRecorder(), make(chan struct{})}
		r := httptest.NewRequestWithContext(WithOrigin(context.Background(), Origin{Private: true}), http.MethodPost, "/", nil)
		r.Body, r.ContentLength = l, 2*maxBody
		x := &exchange{door: &Door{inside: make(room, 1)}, entry: &api.Entry{Service: roomy{}}, w: l, r: r, sig: &sigv4.Signature{}}
		if _, err := x.receive(sigv4.Secret{}); err == nil || !x.door.inside.enter() {
			t.Errorf("got %v, and no room", err)
		}
	})
}
