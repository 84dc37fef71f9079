// Package wire translates between HTTP messages in AWS's six protocols and the
// types of the AWS SDK for Go.
//
// A service never sees a wire format: it receives *kms.CreateKeyInput and
// returns *kms.CreateKeyOutput. What joins the two is a compact model of the
// service's interface (api.json, made by tools/genapi) and reflection, whose
// results, the codecs, are compiled once per operation, on its first use.
//
// The protocol is that of the request, not of the service: SQS is called in JSON
// and in query form, CloudWatch in CBOR too.
package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Binding names the SDK's types for one operation: structures, not pointers. Out
// may be a Stream.
type Binding struct {
	Name    string
	In, Out reflect.Type
}

// Union lists the variants of one of the SDK's union interfaces by member name,
// because reflection cannot find the implementations of an interface.
type Union struct {
	Interface reflect.Type
	Variants  map[string]reflect.Type
}

// Service decodes requests to, and encodes responses of, one AWS API. It is safe
// for concurrent use.
type Service struct {
	model  *description
	ops    map[string]*bound
	routes *routes // of the REST protocols

	mu      sync.Mutex // guards compiler, and the model's lazily parsed shapes
	compile compiler
	errors  sync.Map // reflect.Type of a modelled error -> *codec, or nil
}

// bound is an operation with its types and, once used, its codecs.
type bound struct {
	name    string
	op      *operation
	types   Binding
	once    sync.Once
	in, out *codec
	events  *codec // of the variants of an event stream, or nil
	failure error
}

// New joins a model with the operations that a service implements. It fails if
// the model does not know one of them.
func New(m Model, ops []Binding, unions ...Union) (*Service, error) {
	d, err := parseModel(m)
	if err != nil {
		return nil, err
	}
	s := &Service{model: d, ops: make(map[string]*bound, len(ops))}
	s.compile = compiler{model: d, unions: map[reflect.Type]map[string]reflect.Type{}, done: map[codecKey]*codec{}}
	for _, u := range unions {
		s.compile.unions[u.Interface] = u.Variants
	}
	for _, b := range ops {
		op := d.ops[b.Name]
		if op == nil || op.Unserved {
			return nil, fmt.Errorf("model of %s has no operation %s: run genapi", d.meta.ServiceID, b.Name)
		}
		s.ops[b.Name] = &bound{name: b.Name, op: op, types: b}
	}
	if s.rest() {
		s.route()
	}
	return s, nil
}

// Compile compiles the codecs of all operations now and reports what does not
// fit. Without it each operation is compiled on its first use.
func (s *Service) Compile() error {
	for _, name := range slices.Sorted(maps.Keys(s.ops)) {
		if _, err := s.operation(name); err != nil {
			return err
		}
	}
	return nil
}

// operation returns a compiled operation, or nil if there is none of that name.
func (s *Service) operation(name string) (*bound, error) {
	b := s.ops[name]
	if b == nil {
		return nil, nil
	}
	b.once.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		b.failure = s.compile.operation(b)
	})
	return b, b.failure
}

// operation compiles both sides. An operation without a shape has no members,
// or is newer than the model and has those of the Go type.
func (c *compiler) operation(b *bound) (err error) {
	if b.in, err = c.compile(c.top(b.op.Input, b.name+"Input"), b.types.In); err != nil {
		return fmt.Errorf("input of %s: %w", b.name, err)
	}
	out := b.types.Out
	st, streams := reflect.Zero(out).Interface().(stream)
	if streams {
		out = st.output()
	}
	if b.out, err = c.compile(c.top(b.op.Output, b.name+"Output"), out); err != nil {
		return fmt.Errorf("output of %s: %w", b.name, err)
	}
	if streams {
		if b.events, err = c.events(b.out, st.event()); err != nil {
			return fmt.Errorf("events of %s: %w", b.name, err)
		}
	}
	return nil
}

func (c *compiler) top(r *ref, name string) *ref {
	if r != nil {
		return r
	}
	name = "go:" + name
	c.model.shapes[name] = &shape{Type: "structure"}
	return &ref{Shape: name}
}

// route builds the tree of paths, of unserved operations too: a request for one
// of those must not pass for another.
func (s *Service) route() {
	s.routes = &routes{}
	for _, name := range slices.Sorted(maps.Keys(s.model.ops)) {
		op := s.model.ops[name]
		s.routes.insert(name, op, s.needs(op), s.ops[name] != nil)
	}
}

// needs lists the required members in an operation's query and headers. Only
// those of paths that several operations share matter.
func (s *Service) needs(op *operation) (out []need) {
	if op.Input == nil || !s.ambiguous() {
		return nil
	}
	in := s.model.shape(op.Input.Shape)
	if in == nil {
		return nil
	}
	for _, name := range in.Required {
		r := in.Members[name]
		if r == nil || r.Location != "header" && r.Location != "querystring" {
			continue
		}
		if r.Name != "" {
			name = r.Name
		}
		out = append(out, need{r.Location == "header", name})
	}
	return out
}

// ambiguous reports whether operations differ in nothing but required members,
// which only S3's do.
func (s *Service) ambiguous() bool { return s.model.meta.Protocol == "rest-xml" }

func (s *Service) rest() bool { return strings.HasPrefix(s.model.meta.Protocol, "rest-") }

// ServiceID is the SDK's name of the service: "CloudWatch Logs".
func (s *Service) ServiceID() string { return s.model.meta.ServiceID }

// SigningName is the service's name in the scope of a signature: "logs".
func (s *Service) SigningName() string { return s.model.meta.SigningName }

// APIVersion is the date that query requests state as their Version.
func (s *Service) APIVersion() string { return s.model.meta.APIVersion }

// TargetPrefix is what X-Amz-Target begins with: "TrentService".
func (s *Service) TargetPrefix() string { return s.model.meta.TargetPrefix }

// XMLNamespace is the namespace of XML answers.
func (s *Service) XMLNamespace() string { return s.model.meta.XMLNamespace }

// Protocols lists the protocols that the service accepts, its native one first.
func (s *Service) Protocols() []string {
	if len(s.model.meta.Protocols) > 0 {
		return slices.Clone(s.model.meta.Protocols)
	}
	return []string{s.model.meta.Protocol}
}
