package wire

import (
	"bytes"
	"encoding/xml"
	"io"
	"iter"
	"strings"
)

// xmlNode is an element, or the group of like-named elements of a flat list.
type xmlNode struct {
	name  string
	chars strings.Builder
	attrs []xml.Attr
	kids  []*xmlNode
	group []*xmlNode
}

// parseXML reads one XML document; nil means that there is none.
func parseXML(body []byte) (*xmlNode, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	root := &xmlNode{}
	stack := []*xmlNode{root}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil || len(stack) > maxDepth {
			return nil, malformedXML()
		}
		stack = grow(stack, tok)
	}
	switch {
	case len(root.kids) > 1 || strings.TrimSpace(root.chars.String()) != "":
		return nil, malformedXML()
	case len(root.kids) == 0:
		return nil, nil
	}
	return root.kids[0], nil
}

// grow adds a token to the open elements. xml.Decoder has matched the tags.
func grow(stack []*xmlNode, tok xml.Token) []*xmlNode {
	top := stack[len(stack)-1]
	switch tok := tok.(type) {
	case xml.StartElement:
		n := &xmlNode{name: tok.Name.Local, attrs: tok.Copy().Attr}
		top.kids = append(top.kids, n)
		return append(stack, n)
	case xml.EndElement:
		return stack[:len(stack)-1]
	case xml.CharData:
		top.chars.Write(tok)
	}
	return stack
}

func malformedXML() error {
	return Errorf("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
}

func (n *xmlNode) text() string { return n.chars.String() }
func (n *xmlNode) leaf() bool   { return len(n.kids) == 0 }

func (n *xmlNode) member(f *field) (node, bool) {
	if f.ref.Attribute {
		return n.attribute(f.xml)
	}
	flat := (f.codec.kind == kindList || f.codec.kind == kindMap) && f.codec.flat(f.ref)
	var group []*xmlNode
	for _, k := range n.kids {
		if k.name != f.xml {
			continue
		}
		if !flat {
			return k, true
		}
		group = append(group, k)
	}
	return &xmlNode{group: group}, group != nil
}

// attribute looks an attribute up by its local name: xsi:type is type.
func (n *xmlNode) attribute(name string) (node, bool) {
	local := name[strings.LastIndexByte(name, ':')+1:]
	for _, a := range n.attrs {
		if a.Name.Local == local {
			v := &xmlNode{}
			v.chars.WriteString(a.Value)
			return v, true
		}
	}
	return nil, false
}

func (n *xmlNode) elements(flat bool) []*xmlNode {
	if flat {
		return n.group
	}
	return n.kids
}

func (n *xmlNode) items(c *codec, r *ref) iter.Seq2[node, error] {
	flat := c.flat(r)
	return func(yield func(node, error) bool) {
		for _, k := range n.elements(flat) {
			if !flat && k.name != c.listName() {
				continue
			}
			if !yield(k, nil) {
				return
			}
		}
	}
}

func (n *xmlNode) entries(c *codec, r *ref) iter.Seq2[[2]node, error] {
	key, value := c.mapNames()
	return func(yield func([2]node, error) bool) {
		for _, e := range n.elements(c.flat(r)) {
			k, v := e.child(key), e.child(value)
			if k == nil || v == nil {
				yield([2]node{}, malformedXML())
				return
			}
			if !yield([2]node{k, v}, nil) {
				return
			}
		}
	}
}

func (n *xmlNode) child(name string) *xmlNode {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}
