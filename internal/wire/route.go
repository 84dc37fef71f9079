package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// routes is a tree over the segments of REST paths. A literal goes before a
// label, and a label before a greedy one, which takes the rest of the path.
type routes struct {
	literal map[string]*routes
	label   *routes
	greedy  *routes
	ends    []*route // operations whose path ends here, the most particular first
}

// route is what tells operations of one path apart.
type route struct {
	name   string
	method string
	labels []string // names of the path's labels, in order
	query  []pair   // parameters that the URI states, such as ?acl
	needs  []need   // required members in the query and in headers
	served bool     // goes before a deprecated operation of the same path
}

type pair struct{ name, value string }

type need struct {
	header bool
	name   string
}

// insert adds an operation under the URI of its model.
func (t *routes) insert(name string, op *operation, needs []need, served bool) {
	path, query, _ := strings.Cut(op.URI, "?")
	r := &route{name: name, method: op.Method, needs: needs, query: pairs(query), served: served}
	if path = strings.Trim(path, "/"); path != "" {
		for seg := range strings.SplitSeq(path, "/") {
			t = t.step(seg, r)
		}
	}
	t.ends = append(t.ends, r)
	slices.SortStableFunc(t.ends, func(a, b *route) int { return b.weight() - a.weight() })
}

func pairs(query string) (out []pair) {
	for p := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(p, "="); name != "" {
			out = append(out, pair{name, value})
		}
	}
	return out
}

func (r *route) weight() int {
	n := 100*len(r.query) + 2*len(r.needs)
	if r.served {
		n++
	}
	return n
}

// step returns the subtree for one segment of a URI.
func (t *routes) step(seg string, r *route) *routes {
	name, isLabel := strings.CutPrefix(seg, "{")
	name = strings.TrimSuffix(name, "}")
	name, isGreedy := strings.CutSuffix(name, "+")
	next := &t.label
	switch {
	case !isLabel:
		return t.child(seg)
	case isGreedy:
		next = &t.greedy
	}
	r.labels = append(r.labels, name)
	if *next == nil {
		*next = &routes{}
	}
	return *next
}

func (t *routes) child(seg string) *routes {
	if t.literal == nil {
		t.literal = map[string]*routes{}
	}
	if t.literal[seg] == nil {
		t.literal[seg] = &routes{}
	}
	return t.literal[seg]
}

// search is one look-up: what the request has besides its path.
type search struct {
	method string
	query  url.Values
	header http.Header
	values []string // of the labels passed so far
}

// find returns the route of an escaped path, which begins with a slash, and
// leaves the labels' values, still escaped, in s.
func (t *routes) find(path string, s *search) *route {
	return t.walk(strings.TrimPrefix(path, "/"), s)
}

func (t *routes) walk(rest string, s *search) *route {
	if rest == "" {
		return t.end(s)
	}
	seg, after, _ := strings.Cut(rest, "/")
	if next := t.literal[seg]; next != nil {
		if r := next.walk(after, s); r != nil {
			return r
		}
	}
	n := len(s.values)
	if t.label != nil && seg != "" {
		s.values = append(s.values, seg)
		if r := t.label.walk(after, s); r != nil {
			return r
		}
		s.values = s.values[:n]
	}
	if t.greedy != nil {
		s.values = append(s.values, rest)
		if r := t.greedy.end(s); r != nil {
			return r
		}
		s.values = s.values[:n]
	}
	return nil
}

// end chooses among the operations of one path. Where none has all that it
// needs, the one that lacks members is it: validation will name them.
func (t *routes) end(s *search) *route {
	var lacking *route
	for _, r := range t.ends {
		if !r.fits(s) {
			continue
		}
		if r.supplied(s) {
			return r
		}
		lacking = r
	}
	return lacking
}

func (r *route) fits(s *search) bool {
	if r.method != s.method {
		return false
	}
	for _, p := range r.query {
		if !s.query.Has(p.name) || p.value != "" && s.query.Get(p.name) != p.value {
			return false
		}
	}
	return true
}

func (r *route) supplied(s *search) bool {
	for _, n := range r.needs {
		if n.header && s.header.Get(n.name) == "" || !n.header && !s.query.Has(n.name) {
			return false
		}
	}
	return true
}
