package policy

import (
	"encoding/json"
	"strings"
)

// maxDepth is the deepest nesting that a document needs: document, statement list, statement, Condition, operator,
// key, value list, and some room.
const maxDepth = 10

// node is a JSON value that keeps the order of members and the text of numbers.
type node struct {
	kind   byte // one of { [ " 0 b n
	text   string
	names  []string
	values []*node
}

// decode reads JSON strictly: one value, no member twice, within the limits of size and depth.
func decode(text string) (*node, bool) {
	if len(text) > MaxText || !json.Valid([]byte(text)) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return decodeValue(d, 0)
}

func decodeValue(d *json.Decoder, depth int) (*node, bool) {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, false
	}
	switch t := token.(type) {
	case json.Delim:
		return decodeChildren(d, depth, byte(t))
	case string:
		return &node{kind: '"', text: t}, true
	case json.Number:
		return &node{kind: '0', text: t.String()}, true
	case bool:
		if t {
			return &node{kind: 'b', text: "true"}, true
		}
		return &node{kind: 'b', text: "false"}, true
	}
	return &node{kind: 'n'}, true
}

func decodeChildren(d *json.Decoder, depth int, kind byte) (*node, bool) {
	n := &node{kind: kind}
	seen := map[string]bool{}
	for d.More() {
		if kind == '{' {
			token, _ := d.Token() // json.Valid has seen that names are strings
			name := token.(string)
			if seen[name] {
				return nil, false
			}
			seen[name] = true
			n.names = append(n.names, name)
		}
		child, ok := decodeValue(d, depth+1)
		if !ok {
			return nil, false
		}
		n.values = append(n.values, child)
	}
	_, err := d.Token()
	return n, err == nil
}
