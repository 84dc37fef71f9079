package wire

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Model is the text of one service's interface: api.json, which tools/genapi
// writes, and api.patch.json, which is written by hand and may be nil. The patch
// has the same form; what it states replaces or completes what is generated.
type Model struct{ JSON, Patch []byte }

// metadata is what a model says about the service as a whole.
type metadata struct {
	Protocol        string           `json:"protocol"`
	Protocols       []string         `json:"protocols"`
	JSONVersion     string           `json:"jsonVersion"`
	TargetPrefix    string           `json:"targetPrefix"`
	XMLNamespace    string           `json:"xmlNamespace"`
	APIVersion      string           `json:"apiVersion"`
	SigningName     string           `json:"signingName"`
	ServiceID       string           `json:"serviceId"`
	QueryCompatible bool             `json:"queryCompatible"`
	BareErrors      bool             `json:"bareErrors"` // rest-xml errors have no <ErrorResponse> around them
	ValidationError *validationError `json:"validationError"`
}

// validationError is how a service reports broken constraints.
type validationError struct {
	Code   string `json:"code"`
	Status int    `json:"status"`
	// NotNull adds "Member must not be null" to the constraints that are listed
	// for the elements of a list or map, as Lambda does.
	NotNull bool `json:"notNull"`
}

// operation binds an operation to HTTP and to its shapes.
type operation struct {
	Method   string `json:"method"`
	URI      string `json:"uri"`
	Status   int    `json:"status"`
	Input    *ref   `json:"input"`
	Output   *ref   `json:"output"`
	Wrapper  string `json:"wrapper"`
	Host     string `json:"host"`
	Bare     bool   `json:"bare"`     // an XML answer is its only member's element
	Unserved bool   `json:"unserved"` // known to AWS, not to Redoubt: kept so that its path matches nothing else
}

// ref is a use of a shape with the traits of that use. In a model it is an
// object, or just the shape's name.
type ref struct {
	Shape     string        `json:"shape"`
	Location  string        `json:"location"`
	Name      string        `json:"name"`
	QueryName string        `json:"queryName"`
	GoName    string        `json:"go"`
	Member    string        `json:"member"` // in shape.Late: the name of a list's elements
	Flattened bool          `json:"flattened"`
	Attribute bool          `json:"attribute"`
	XMLNS     *xmlNamespace `json:"xmlNamespace"`
	Format    string        `json:"format"`
	HostLabel bool          `json:"hostLabel"`
	Event     bool          `json:"eventPayload"`
	EventHead bool          `json:"eventHeader"`
}

// UnmarshalJSON accepts both forms of a ref.
func (r *ref) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &r.Shape)
	}
	type plain ref
	return json.Unmarshal(b, (*plain)(r))
}

// xmlNamespace is an XML namespace declaration.
type xmlNamespace struct {
	Prefix string `json:"prefix"`
	URI    string `json:"uri"`
}

// shape describes a type and the constraints on its values.
type shape struct {
	Type      string          `json:"type"`
	Members   map[string]*ref `json:"members"`
	Required  []string        `json:"required"`
	Payload   string          `json:"payload"`
	Member    *ref            `json:"member"`
	Key       *ref            `json:"key"`
	Value     *ref            `json:"value"`
	Flattened bool            `json:"flattened"`
	Format    string          `json:"format"`
	Name      string          `json:"name"`
	XMLNS     *xmlNamespace   `json:"xmlNamespace"`
	Enum      []string        `json:"enum"`
	Pattern   string          `json:"pattern"`
	Min       *float64        `json:"min"`
	Max       *float64        `json:"max"`
	Sensitive bool            `json:"sensitive"`
	Events    bool            `json:"eventstream"`
	Error     *errorTrait     `json:"error"`
	Exception bool            `json:"exception"`
	Late      map[string]*ref `json:"late"` // bindings, without shapes, of fields newer than the model, by Go name
}

// errorTrait is the code and the status of an error shape.
type errorTrait struct {
	Code   string `json:"code"`
	Status int    `json:"status"`
	Fault  bool   `json:"fault"` // the server's, not the sender's
}

// description is a parsed model. Shapes stay text until somebody asks for them,
// so that a service whose operations are never called costs next to nothing.
type description struct {
	meta   metadata
	ops    map[string]*operation
	raw    map[string][]byte
	shapes map[string]*shape
}

func parseModel(m Model) (*description, error) {
	d := &description{ops: map[string]*operation{}, raw: map[string][]byte{}, shapes: map[string]*shape{}}
	if err := d.merge(m.JSON); err != nil {
		return nil, fmt.Errorf("reading api.json: %w", err)
	}
	if len(m.Patch) == 0 {
		return d, nil
	}
	if err := d.merge(m.Patch); err != nil {
		return nil, fmt.Errorf("reading api.patch.json: %w", err)
	}
	return d, nil
}

// merge lays one file over what is known already.
func (d *description) merge(text []byte) error {
	top, err := rawMembers(text)
	if err != nil {
		return err
	}
	if b := top["metadata"]; b != nil {
		if err := json.Unmarshal(b, &d.meta); err != nil {
			return err
		}
	}
	if err := d.mergeOperations(top["operations"]); err != nil {
		return err
	}
	return d.mergeShapes(top["shapes"])
}

func (d *description) mergeOperations(text []byte) error {
	ops, err := rawMembers(text)
	if err != nil {
		return err
	}
	for name, b := range ops {
		if d.ops[name] == nil {
			d.ops[name] = &operation{}
		}
		if err := json.Unmarshal(b, d.ops[name]); err != nil {
			return fmt.Errorf("operation %s: %w", name, err)
		}
	}
	return nil
}

// mergeShapes keeps generated shapes as text; a patched shape is parsed at once.
func (d *description) mergeShapes(text []byte) error {
	raw, err := rawMembers(text)
	if err != nil {
		return err
	}
	if len(d.raw) == 0 {
		d.raw = raw
		return nil
	}
	for name, b := range raw {
		s := d.shape(name)
		if s == nil {
			d.raw[name] = b
			continue
		}
		if err := s.patch(b); err != nil {
			return fmt.Errorf("shape %s: %w", name, err)
		}
	}
	return nil
}

// patch lays a patch over s: members are added to those it has, or replace them.
func (s *shape) patch(b []byte) error {
	old := s.Members
	s.Members = nil
	if err := json.Unmarshal(b, s); err != nil {
		return err
	}
	if s.Members == nil {
		s.Members = old
		return nil
	}
	merged := maps.Clone(old)
	maps.Copy(merged, s.Members)
	s.Members = merged
	return nil
}

// shape returns the named shape, or nil.
func (d *description) shape(name string) *shape {
	if s := d.shapes[name]; s != nil {
		return s
	}
	b := d.raw[name]
	if b == nil {
		return nil
	}
	s := &shape{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil // whoever needs the shape reports that there is none
	}
	d.shapes[name] = s
	return s
}
