package policy

// The versions of the policy language. Policy variables exist in the current one only.
const (
	current  = "2012-10-17"
	original = "2008-10-17"
)

// rawDocument is a document whose shape is right and whose contents are not yet checked.
type rawDocument struct {
	version    string
	statements []rawStatement
}

type rawStatement struct {
	sid, effect  string
	action       words
	resource     words
	principal    *node
	notPrincipal *node
	conditions   []rawCondition
}

// words is an element that is a string or a list of strings and has a negated form: Action and NotAction.
type words struct {
	present, not bool
	list         []string
}

type rawCondition struct {
	operator, key string
	values        []string
}

// refusal is a message for each way in which a document's shape can be wrong. IAM words them differently for
// trust policies and for all others.
type refusal struct{ json, version, statement, other string }

func refusalFor(kind Kind) refusal {
	if kind == Trust {
		return refusal{
			json:      "This policy contains invalid Json",
			version:   "The policy must contain a valid version string",
			statement: "Could not parse the policy: Statement is empty!",
			other:     "Syntax error in policy.",
		}
	}
	const syntax = "Syntax errors in policy."
	return refusal{syntax, syntax, syntax, syntax}
}

// read checks the shape of a document: the elements that exist and the JSON types they have.
func read(text string, kind Kind) (*rawDocument, error) {
	no := refusalFor(kind)
	root, ok := decode(text)
	if !ok || root.kind != '{' {
		return nil, &Malformed{no.json}
	}
	raw := &rawDocument{version: original}
	var list []*node
	for i, name := range root.names {
		value := root.values[i]
		switch name {
		case "Version":
			if value.kind != '"' || value.text != original && value.text != current {
				return nil, &Malformed{no.version}
			}
			raw.version = value.text
		case "Id":
			if value.kind != '"' {
				return nil, &Malformed{no.other}
			}
		case "Statement":
			list = elements(value)
		default:
			return nil, &Malformed{no.other}
		}
	}
	if len(list) == 0 {
		return nil, &Malformed{no.statement}
	}
	for _, n := range list {
		s, ok := readStatement(n)
		if !ok {
			return nil, &Malformed{no.other}
		}
		raw.statements = append(raw.statements, s)
	}
	return raw, nil
}

// elements is the members of a list, or the one value that may stand in place of a list. An explicit null is nothing.
func elements(n *node) []*node {
	switch n.kind {
	case '[':
		return n.values
	case 'n':
		return nil
	}
	return []*node{n}
}

func readStatement(n *node) (s rawStatement, ok bool) {
	if n.kind != '{' {
		return s, false
	}
	for i, name := range n.names {
		if !s.element(name, n.values[i]) {
			return s, false
		}
	}
	return s, true
}

func (s *rawStatement) element(name string, value *node) bool {
	switch name {
	case "Sid":
		s.sid = value.text
		return value.kind == '"'
	case "Effect":
		s.effect = value.text
		return value.kind == '"'
	case "Action", "NotAction":
		return s.action.read(value, name == "NotAction")
	case "Resource", "NotResource":
		return s.resource.read(value, name == "NotResource")
	case "Principal":
		s.principal = value
		return s.notPrincipal == nil
	case "NotPrincipal":
		s.notPrincipal = value
		return s.principal == nil
	case "Condition":
		return s.readConditions(value)
	}
	return false
}

// read takes a string or a list of strings. An element and its negated form exclude each other.
func (w *words) read(n *node, not bool) bool {
	if w.present {
		return false
	}
	w.present, w.not = true, not
	var ok bool
	w.list, ok = stringsOf(n, false)
	return ok
}

// stringsOf is the strings of a string or a list; with scalars, numbers and booleans count as strings too, as the
// grammar of condition values has it.
func stringsOf(n *node, scalars bool) (list []string, ok bool) {
	for _, e := range elements(n) {
		if e.kind != '"' && !(scalars && (e.kind == '0' || e.kind == 'b')) {
			return nil, false
		}
		list = append(list, e.text)
	}
	return list, n.kind != 'n'
}

// readConditions takes the Condition block. IAM lets an unknown operator pass when nothing stands under it.
func (s *rawStatement) readConditions(n *node) bool {
	if n.kind != '{' {
		return false
	}
	for i, operator := range n.names {
		block := n.values[i]
		if block.kind != '{' {
			return false
		}
		for j, key := range block.names {
			values, ok := stringsOf(block.values[j], true)
			if _, known := parseOperator(operator); !ok || !known {
				return false
			}
			s.conditions = append(s.conditions, rawCondition{operator, key, values})
		}
	}
	return true
}
