package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// model is a compact model: what internal/wire needs to know, and no prose.
type model struct {
	Source     string
	Metadata   metadata
	Operations map[string]*operation
	Shapes     map[string]*shape
}

type metadata struct {
	Protocol        string   `json:"protocol"`
	Protocols       []string `json:"protocols,omitempty"`
	JSONVersion     string   `json:"jsonVersion,omitempty"`
	TargetPrefix    string   `json:"targetPrefix,omitempty"`
	XMLNamespace    string   `json:"xmlNamespace,omitempty"`
	APIVersion      string   `json:"apiVersion"`
	SigningName     string   `json:"signingName"`
	ServiceID       string   `json:"serviceId"`
	QueryCompatible bool     `json:"queryCompatible,omitempty"`
	BareErrors      bool     `json:"bareErrors,omitempty"`

	ValidationError *validationError `json:"validationError,omitempty"`
}

// validationError is how a service reports broken constraints, if not as most do.
type validationError struct {
	Code    string `json:"code,omitempty"`
	NotNull bool   `json:"notNull,omitempty"` // "Member must not be null" is listed for elements too
}

type operation struct {
	Method   string   `json:"method"`
	URI      string   `json:"uri"`
	Status   int      `json:"status,omitempty"`
	Input    *ref     `json:"input,omitempty"`
	Output   *ref     `json:"output,omitempty"`
	Wrapper  string   `json:"wrapper,omitempty"`
	Host     string   `json:"host,omitempty"`
	Errors   []string `json:"errors,omitempty"`
	Unserved bool     `json:"unserved,omitempty"`
	Bare     bool     `json:"bare,omitempty"`
}

type ref struct {
	Shape            string     `json:"shape,omitempty"` // none in shape.Late
	Location         string     `json:"location,omitempty"`
	Name             string     `json:"name,omitempty"`
	QueryName        string     `json:"queryName,omitempty"`
	Member           string     `json:"member,omitempty"` // in shape.Late: the elements of a list
	Flattened        bool       `json:"flattened,omitempty"`
	Attribute        bool       `json:"attribute,omitempty"`
	XMLNS            *namespace `json:"xmlNamespace,omitempty"`
	Format           string     `json:"format,omitempty"`
	HostLabel        bool       `json:"hostLabel,omitempty"`
	IdempotencyToken bool       `json:"idempotencyToken,omitempty"`
	EventPayload     bool       `json:"eventPayload,omitempty"`
	EventHeader      bool       `json:"eventHeader,omitempty"`
	Streaming        bool       `json:"streaming,omitempty"`
	Box              bool       `json:"box,omitempty"`
}

// MarshalJSON writes a ref without traits as the name of its shape.
func (r *ref) MarshalJSON() ([]byte, error) {
	if *r == (ref{Shape: r.Shape}) {
		return json.Marshal(r.Shape)
	}
	type plain ref
	return marshal((*plain)(r))
}

type shape struct {
	Type        string          `json:"type"`
	Members     map[string]*ref `json:"members,omitempty"`
	Required    []string        `json:"required,omitempty"`
	Payload     string          `json:"payload,omitempty"`
	Member      *ref            `json:"member,omitempty"`
	Key         *ref            `json:"key,omitempty"`
	Value       *ref            `json:"value,omitempty"`
	Flattened   bool            `json:"flattened,omitempty"`
	Format      string          `json:"format,omitempty"`
	Name        string          `json:"name,omitempty"`
	XMLNS       *namespace      `json:"xmlNamespace,omitempty"`
	Enum        []string        `json:"enum,omitempty"`
	Pattern     string          `json:"pattern,omitempty"`
	Min         *float64        `json:"min,omitempty"`
	Max         *float64        `json:"max,omitempty"`
	Sensitive   bool            `json:"sensitive,omitempty"`
	EventStream bool            `json:"eventstream,omitempty"`
	Event       bool            `json:"event,omitempty"`
	Streaming   bool            `json:"streaming,omitempty"`
	Box         bool            `json:"box,omitempty"`
	Exception   bool            `json:"exception,omitempty"`
	Error       *errorTrait     `json:"error,omitempty"`
	Late        map[string]*ref `json:"late,omitempty"` // how the SDK binds fields that the model lacks, by Go name

	inferred bool // no published shape: found by the name of the Go type
}

type errorTrait struct {
	Code   string `json:"code,omitempty"`
	Status int    `json:"status,omitempty"`
	Fault  bool   `json:"fault,omitempty"`
}

// refs are the shapes that s is made of.
func (s *shape) refs() []*ref {
	out := slices.Collect(maps.Values(s.Members))
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			out = append(out, r)
		}
	}
	return out
}

// trim drops what no kept operation reaches; nil keeps all. Errors stay, since
// any operation may return any of its service's. The paths of dropped REST
// operations stay too: a request for one of them must not pass for another.
func (m *model) trim(keep map[string]bool) error {
	for name := range keep {
		if m.Operations[name] == nil {
			return fmt.Errorf("operations.go lists %s, which neither the model nor the SDK has", name)
		}
	}
	reached := map[string]bool{}
	for name, op := range m.Operations {
		if keep == nil || keep[name] {
			m.reach(op.Input, reached)
			m.reach(op.Output, reached)
			continue
		}
		if !strings.HasPrefix(m.Metadata.Protocol, "rest-") {
			delete(m.Operations, name)
			continue
		}
		m.Operations[name] = &operation{Method: op.Method, URI: op.URI, Unserved: true}
	}
	for name, s := range m.Shapes {
		if s.Exception || s.inferred {
			m.reach(&ref{Shape: name}, reached)
		}
	}
	maps.DeleteFunc(m.Shapes, func(name string, _ *shape) bool { return !reached[name] })
	return nil
}

func (m *model) reach(r *ref, reached map[string]bool) {
	if r == nil || reached[r.Shape] || m.Shapes[r.Shape] == nil {
		return
	}
	reached[r.Shape] = true
	for _, inner := range m.Shapes[r.Shape].refs() {
		m.reach(inner, reached)
	}
}

// print writes the model with one operation and one shape per line, sorted, so
// that a difference between two versions reads as one.
func (m *model) print() ([]byte, error) {
	var b bytes.Buffer
	meta, err := marshal(m.Metadata)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\n\"generated\":%q,\n\"source\":%q,\n\"metadata\":%s,\n", "by tools/genapi; do not edit: corrections go into api.patch.json", m.Source, meta)
	if err := printSection(&b, "operations", m.Operations); err != nil {
		return nil, err
	}
	b.WriteString(",\n")
	if err := printSection(&b, "shapes", m.Shapes); err != nil {
		return nil, err
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

func printSection[T any](b *bytes.Buffer, name string, entries map[string]T) error {
	fmt.Fprintf(b, "%q:{", name)
	for i, key := range slices.Sorted(maps.Keys(entries)) {
		line, err := marshal(entries[key])
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "\n%q:%s", key, line)
	}
	b.WriteString("\n}")
	return nil
}

// marshal is json.Marshal without escapes for HTML, which patterns are full of.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
