package policyeval

import (
	"encoding/json"
	"fmt"

	"redoubt/internal/policy"
)

// maxCached is how many bytes of documents a worker keeps parsed.
const maxCached = 32 << 20

// documents keeps parsed documents by their text, since the lines of a test mostly repeat a few of them.
type documents struct {
	parsed map[string]*policy.Document
	size   int
	key    []byte // of the document being looked up, kept to be used again
}

func newDocuments() *documents { return &documents{parsed: map[string]*policy.Document{}} }

// place is where a document stands in a line. Level and index are -1 where the field is no list.
type place struct {
	field        string
	kind         policy.Kind
	level, index int
}

// String is how reasons and errors call a document: "resourcePolicy", "serviceControlPolicies[0][1]".
func (p place) String() string {
	name := p.field
	if p.level >= 0 {
		name += fmt.Sprintf("[%d]", p.level)
	}
	if p.index >= 0 {
		name += fmt.Sprintf("[%d]", p.index)
	}
	return name
}

// parse is the document at a place, an object or a string that holds one. It carries the name of its place.
func (d *documents) parse(raw []byte, at place) (*policy.Document, error) {
	d.key = append(d.key[:0], at.field...)
	d.key = append(d.key, byte(at.kind), byte(at.level), byte(at.level>>8), byte(at.index), byte(at.index>>8))
	d.key = append(d.key, raw...)
	if document, ok := d.parsed[string(d.key)]; ok {
		return document, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, fmt.Errorf("%v: %w", at, err)
		}
	}
	document, err := policy.Parse(text, at.kind)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", at, err)
	}
	document = document.Named(at.String())
	if d.size += len(d.key); d.size > maxCached {
		d.parsed, d.size = map[string]*policy.Document{}, len(d.key)
	}
	d.parsed[string(d.key)] = document
	return document, nil
}
