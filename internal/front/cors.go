package front

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"redoubt/internal/wire"
)

// crossOrigin is a service that browsers use from pages of other origins. The headers it returns let them.
type crossOrigin interface {
	CrossOrigin(ctx context.Context, bucket, origin, method string, headers []string, preflight bool) (http.Header, error)
}

// isPreflight recognises a browser's question whether it may send a request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers it. Nobody signs such a question, and it tells nothing but what a bucket's owner says to all.
func (x *exchange) preflight(by crossOrigin) {
	var asked []string
	for h := range strings.SplitSeq(strings.Join(x.r.Header.Values("Access-Control-Request-Headers"), ","), ",") {
		if h = strings.TrimSpace(h); h != "" {
			asked = append(asked, h)
		}
	}
	r, err := x.addressed()
	var h http.Header
	if err == nil {
		h, err = by.CrossOrigin(r.Context(), bucketOf(r), r.Header.Get("Origin"), r.Header.Get("Access-Control-Request-Method"), asked, true)
	}
	if err != nil {
		x.call, _ = x.entry.Wire.Match(x.r, nil)
		x.answerError(err)
		return
	}
	maps.Copy(x.w.Header(), h)
	x.w.Header().Set("X-Amz-Request-Id", x.caller.Request.ID)
	x.w.WriteHeader(http.StatusOK)
}

// share lets the page that sent a request use the answer, if the bucket's owner says so.
func (x *exchange) share() {
	by, ok := x.entry.Service.(crossOrigin)
	origin := x.r.Header.Get("Origin")
	if !ok || origin == "" {
		return
	}
	r, err := x.addressed()
	if err != nil {
		return
	}
	if h, err := by.CrossOrigin(r.Context(), bucketOf(r), origin, r.Method, nil, false); err == nil {
		maps.Copy(x.w.Header(), h)
	}
}

func bucketOf(r *http.Request) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return name
}

var errNotAForm = wire.Errorf("MalformedPOSTRequest", http.StatusBadRequest, "The body of your POST request is not well-formed multipart/form-data.")
