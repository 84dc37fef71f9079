package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// complete adds what the SDK knows and the older model does not: operations,
// members and their bindings, codes of errors, and which members are required.
func (m *model) complete(sdk string) error {
	if sdk == "" {
		return nil
	}
	s, err := readSchemas(sdk)
	if err != nil {
		return err
	}
	required, err := readRequired(sdk)
	if err != nil {
		return err
	}
	if s == nil {
		return m.completeLegacy(sdk, required)
	}
	for name, sh := range s.shapes {
		m.merge(name, sh, required)
	}
	for name, op := range s.operations {
		old := m.Operations[name]
		if old == nil {
			m.Operations[name] = op
			m.require(op.Input, required["Op"+name+"Input"])
			continue
		}
		if old.Input == nil { // it had no members when the model was made
			old.Input = op.Input
		}
		if old.Output == nil {
			old.Output = op.Output
		}
	}
	return nil
}

// merge adds a shape, or its members that the model lacks.
func (m *model) merge(name string, sh *shape, required map[string][]string) {
	old := m.Shapes[name]
	if old == nil {
		sh.Required = sh.spell(required[name])
		m.Shapes[name] = sh
		return
	}
	if sh.Error != nil && sh.Error.Code != "" {
		old.errorTrait().Code = sh.Error.Code
		old.Error.Status = sh.Error.Status
	}
	for member, r := range sh.Members {
		if old.Type == "structure" && !old.has(member) {
			old.attach(member, r)
		}
	}
}

// has reports whether s has a member, whatever the case of its first letter.
func (s *shape) has(name string) bool {
	for member := range s.Members {
		if strings.EqualFold(member, name) {
			return true
		}
	}
	return false
}

// require marks the members of a new input.
func (m *model) require(in *ref, goNames []string) {
	if in != nil && m.Shapes[in.Shape] != nil && len(m.Shapes[in.Shape].Required) == 0 {
		m.Shapes[in.Shape].Required = m.Shapes[in.Shape].spell(goNames)
	}
}

// spell finds the members that have these names in Go.
func (s *shape) spell(goNames []string) (out []string) {
	for _, g := range goNames {
		name := g
		for member := range s.Members {
			if strings.EqualFold(member, g) {
				name = member
			}
		}
		out = append(out, name)
	}
	return out
}

// completeLegacy serves packages of the SDK that have no schemas. The shapes of
// what is new there internal/wire infers from the Go types; the model says how
// they are bound and which members are required.
func (m *model) completeLegacy(sdk string, required map[string][]string) error {
	news, err := readOperations(sdk)
	if err != nil {
		return err
	}
	for name, op := range news {
		if m.Operations[name] != nil {
			continue
		}
		if m.Metadata.BareErrors {
			op.URI = "/{Bucket}" + strings.TrimSuffix("/"+strings.TrimPrefix(op.URI, "/"), "/") // S3's SDK moves the bucket to the host
		}
		op.Input = &ref{Shape: name + "Request"}
		m.Operations[name] = op
		m.Shapes[op.Input.Shape] = &shape{Type: "structure", Required: required["Op"+name+"Input"]}
	}
	l, err := readLate(sdk)
	if err != nil {
		return err
	}
	m.addLate(l, required)
	m.forget()
	return nil
}

// forget drops what internal/wire would infer anyway: members of the body under
// their Go names.
func (m *model) forget() {
	for name, s := range m.Shapes {
		for field, r := range s.Late {
			if *r == (ref{Name: m.spell(field)}) {
				delete(s.Late, field)
			}
		}
		if s.inferred && len(s.Late) == 0 && len(s.Required) == 0 {
			delete(m.Shapes, name)
		}
	}
}

// spell writes a Go name as most members of the model's bodies are written.
func (m *model) spell(field string) string {
	n := 0
	for _, s := range m.Shapes {
		for name, r := range s.Members {
			if r.Location != "" {
				continue
			}
			if r.Name != "" {
				name = r.Name
			}
			if name[0] >= 'a' {
				n++
			} else {
				n--
			}
		}
	}
	if n > 0 {
		return strings.ToLower(field[:1]) + field[1:]
	}
	return field
}

var (
	serialized = regexp.MustCompile(`(?ms)^func \(m \*\w+?_serializeOp(\w+)\) HandleSerialize(.*?)^\}`)
	splitURI   = regexp.MustCompile(`SplitURI\("([^"]+)"\)`)
	method     = regexp.MustCompile(`request\.Method = "(\w+)"`)
)

// readOperations lists the SDK's operations with what it sends them to.
func readOperations(sdk string) (map[string]*operation, error) {
	text, err := os.ReadFile(filepath.Join(sdk, "serializers.go"))
	if err != nil {
		return nil, err
	}
	wrappers, err := readWrappers(sdk)
	if err != nil {
		return nil, err
	}
	out := map[string]*operation{}
	for _, m := range serialized.FindAllStringSubmatch(string(text), -1) {
		op := &operation{Method: "POST", URI: "/", Wrapper: wrappers[m[1]]}
		if uri := splitURI.FindStringSubmatch(m[2]); uri != nil {
			op.URI = uri[1]
		}
		if verb := method.FindStringSubmatch(m[2]); verb != nil {
			op.Method = verb[1]
		}
		out[m[1]] = op
	}
	return out, nil
}

var wrapper = regexp.MustCompile(`GetElement\("((\w+)Result)"\)`)

// readWrappers lists the elements in which the SDK expects the members of query
// responses, by operation.
func readWrappers(sdk string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(sdk, "deserializers.go"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, m := range wrapper.FindAllStringSubmatch(string(text), -1) {
		out[m[2]] = m[1]
	}
	return out, nil
}
