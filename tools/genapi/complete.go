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

// completeLegacy serves packages of the SDK that have no schemas: what is new
// there in bodies internal/wire infers from the Go types, so that operations and
// required members are enough.
func (m *model) completeLegacy(sdk string, required map[string][]string) error {
	wrappers, err := readWrappers(sdk)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(sdk, "api_op_*.go"))
	if err != nil {
		return err
	}
	for _, path := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "api_op_"), ".go")
		if m.Operations[name] != nil || strings.HasSuffix(name, "_test") || strings.HasPrefix(m.Metadata.Protocol, "rest-") {
			continue
		}
		in := name + "Request"
		m.Operations[name] = &operation{Method: "POST", URI: "/", Input: &ref{Shape: in}, Wrapper: wrappers[name]}
		m.Shapes[in] = &shape{Type: "structure", Required: required["Op"+name+"Input"]}
	}
	return nil
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
