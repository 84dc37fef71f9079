package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// late finds how packages of the SDK without schemas bind members: by Go type
// and field, from the functions that read and write them.
type late map[string]map[string]*ref

func (l late) add(goType, field string, r ref) {
	if l[goType] == nil {
		l[goType] = map[string]*ref{}
	}
	if l[goType][field] == nil {
		l[goType][field] = &r
	}
}

// function cuts the SDK's generated code into functions: name, type of v, body.
var function = regexp.MustCompile(`(?ms)^func \w+?_((?:de)?serialize(?:OpHttpBindings|OpDocument|Document))\w+\(v \*+(?:types\.)?(\w+), [^\n]*\n(.*?)^\}`)

var (
	fieldOf    = regexp.MustCompile(`\b(?:s?v)\.(\w+)`)
	topIf      = regexp.MustCompile(`\n\tif `)
	jsonCase   = regexp.MustCompile(`\n\t*case "`)
	xmlCase    = regexp.MustCompile(`case strings\.EqualFold\("`)
	headerName = regexp.MustCompile(`locationName := "([^"]+)"`)
	queryName  = regexp.MustCompile(`encoder\.(?:Add|Set)Query\("([^"]+)"\)`)
	labelName  = regexp.MustCompile(`encoder\.SetURI\("([^"]+)"\)`)
	prefixName = regexp.MustCompile(`encoder\.Headers\("([^"]+)"\)`)
	valuesName = regexp.MustCompile(`response\.Header\.Values\("([^"]+)"\)`)
	keyName    = regexp.MustCompile(`object\.(?:Flat)?Key\("([^"]+)"\)`)
	localName  = regexp.MustCompile(`Local: "([^"]+)"`)
	leading    = regexp.MustCompile(`^([^"]+)"`)
)

var (
	listFunction = regexp.MustCompile(`(?ms)^func \w+?_deserializeDocument(\w+)\(v \*\[\][^\n]*\n(.*?)^\}`)
	elementName  = regexp.MustCompile(`EqualFold\("([^"]+)"`)
	listCall     = regexp.MustCompile(`_deserializeDocument(\w+?)(Unwrapped)?\(&sv\.`)
)

// lists maps the SDK's functions that read lists to the elements they look for.
func lists(text string) map[string]string {
	out := map[string]string{}
	for _, m := range listFunction.FindAllStringSubmatch(text, -1) {
		if name := elementName.FindStringSubmatch(m[2]); name != nil {
			out[m[1]] = name[1]
		}
	}
	return out
}

// readLate reads serializers.go and deserializers.go.
func readLate(sdk string) (late, error) {
	l := late{}
	for _, file := range []string{"deserializers.go", "serializers.go"} {
		text, err := os.ReadFile(filepath.Join(sdk, file))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		elements := lists(string(text))
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			l.function(m[1], m[2], m[3], elements)
		}
	}
	return l, nil
}

func (l late) function(kind, goType, body string, elements map[string]string) {
	switch kind {
	case "serializeOpHttpBindings":
		for _, part := range topIf.Split(body, -1) {
			l.request(goType, part)
		}
	case "deserializeOpHttpBindings":
		for _, part := range topIf.Split(body, -1) {
			l.bind(goType, part, valuesName, "header")
		}
	case "serializeDocument", "serializeOpDocument":
		for _, part := range topIf.Split(body, -1) {
			l.bind(goType, part, keyName, "")
			l.bind(goType, part, localName, "")
		}
	default:
		for _, cases := range []*regexp.Regexp{jsonCase, xmlCase} {
			for _, part := range cases.Split(body, -1)[1:] {
				l.member(goType, part, elements)
			}
		}
	}
}

// member reads the case of one member of a document: its name, the format of a
// timestamp, how a list is written.
func (l late) member(goType, part string, elements map[string]string) {
	name, field := leading.FindStringSubmatch(part), fieldOf.FindStringSubmatch(part)
	if name == nil || field == nil {
		return
	}
	r := ref{Name: name[1]}
	if strings.Contains(part, "ParseDateTime(") && !strings.Contains(part, "t.Name.Local") {
		r.Format = "iso8601"
	}
	if call := listCall.FindStringSubmatch(part); call != nil {
		r.Flattened = call[2] != ""
		if element := elements[call[1]]; element != "" && element != "member" && !r.Flattened {
			r.Member = element
		}
	}
	l.add(goType, field[1], r)
}

// request reads one statement that writes a member into an HTTP request.
func (l late) request(goType, part string) {
	switch {
	case prefixName.MatchString(part):
		l.bind(goType, part, prefixName, "headers")
	case strings.Contains(part, "Header(locationName)"):
		l.bind(goType, part, headerName, "header")
	case queryName.MatchString(part):
		l.bind(goType, part, queryName, "querystring")
	default:
		l.bind(goType, part, labelName, "uri")
	}
}

// bind records the member that part is about under the name that re finds.
func (l late) bind(goType, part string, re *regexp.Regexp, location string) {
	name, field := re.FindStringSubmatch(part), fieldOf.FindStringSubmatch(part)
	if name != nil && field != nil {
		l.add(goType, field[1], ref{Location: location, Name: name[1]})
	}
}

// addLate gives the model the bindings of members that it does not have.
func (m *model) addLate(l late, required map[string][]string) {
	for goType, fields := range l {
		s := m.shapeFor(goType)
		for field, r := range fields {
			if s != nil && !s.has(field) && !s.hasGo(field) {
				s.late(field, r)
			}
		}
	}
	for name := range required {
		if m.Shapes[name] == nil && !strings.HasPrefix(name, "Op") {
			m.Shapes[name] = &shape{Type: "structure", Required: required[name], inferred: true}
		}
	}
}

func (s *shape) late(field string, r *ref) {
	if s.Late == nil {
		s.Late = map[string]*ref{}
	}
	s.Late[field] = r
}

// hasGo reports whether s has a member whose name on the wire is field's.
func (s *shape) hasGo(field string) bool { return s.Late[field] != nil }

// shapeFor is the shape of a Go type: that of an operation's side, or the one of
// the same name, which is made if the model is older than the type.
func (m *model) shapeFor(goType string) *shape {
	if op := m.Operations[strings.TrimSuffix(goType, "Input")]; op != nil && strings.HasSuffix(goType, "Input") {
		return m.side(&op.Input, goType)
	}
	if op := m.Operations[strings.TrimSuffix(goType, "Output")]; op != nil && strings.HasSuffix(goType, "Output") {
		return m.side(&op.Output, goType)
	}
	if m.Shapes[goType] == nil {
		m.Shapes[goType] = &shape{Type: "structure", inferred: true}
	}
	return m.Shapes[goType]
}

// side returns one side of an operation, which it gives a shape if it has none.
func (m *model) side(r **ref, goType string) *shape {
	if *r == nil {
		*r = &ref{Shape: goType}
		m.Shapes[goType] = &shape{Type: "structure"}
	}
	return m.Shapes[(*r).Shape]
}
