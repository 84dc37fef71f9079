package wire

import (
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of a form: its parameters, the parts of a parameter's name, the places
// in the tree and the index of a list's element. AWS's own limits are lower; these protect memory.
const (
	maxParams = 10_000
	maxParts  = 64
	maxNodes  = 100_000
	maxIndex  = 10_000
)

// formNode is a place in a query or EC2 request, in which the parameter
// Tags.member.1.Key=a stands for a path through a tree.
type formNode struct {
	value string
	set   bool
	kids  map[string]*formNode
	ec2   bool
}

// parseForm makes a tree of encoded parameters: those of a body, and those of
// the URL, since AWS reads both.
func parseForm(ec2 bool, encoded ...string) (*formNode, error) {
	root := &formNode{ec2: ec2}
	n, nodes := 0, 0
	for _, text := range encoded {
		for pair := range strings.SplitSeq(text, "&") {
			if pair == "" {
				continue
			}
			if n++; n > maxParams {
				return nil, Errorf("MalformedInput", 400, "Too many parameters")
			}
			if err := root.insert(pair, &nodes); err != nil {
				return nil, err
			}
		}
	}
	return root, nil
}

func (n *formNode) insert(pair string, nodes *int) error {
	name, value, _ := strings.Cut(pair, "=")
	name, err1 := url.QueryUnescape(name)
	value, err2 := url.QueryUnescape(value)
	if err1 != nil || err2 != nil {
		return Errorf("MalformedQueryString", 400, "The query string contains a syntax error")
	}
	parts := strings.Count(name, ".") + 1
	if *nodes += parts; parts > maxParts || *nodes > maxNodes {
		return Errorf("MalformedInput", 400, "Parameter names are nested too deeply")
	}
	for part := range strings.SplitSeq(name, ".") {
		n = n.child(part)
	}
	if n.set {
		return Errorf("MalformedInput", 400, "Duplicate parameter: %s", name)
	}
	n.value, n.set = value, true
	return nil
}

func (n *formNode) child(name string) *formNode {
	if n.kids == nil {
		n.kids = map[string]*formNode{}
	}
	k := n.kids[name]
	if k == nil {
		k = &formNode{ec2: n.ec2}
		n.kids[name] = k
	}
	return k
}

// param is the value of a top-level parameter.
func (n *formNode) param(name string) string {
	if k := n.kids[name]; k != nil {
		return k.value
	}
	return ""
}

func (n *formNode) text() string { return n.value }
func (n *formNode) leaf() bool   { return len(n.kids) == 0 }

func (n *formNode) member(f *field) (node, bool) {
	k, ok := n.kids[f.form]
	return k, ok
}

// items finds Name.member.1 or, in a flattened list or for EC2, Name.1. An empty
// list is sent as Name= alone.
func (n *formNode) items(c *codec, r *ref) iter.Seq2[node, error] {
	name := c.listName()
	if n.ec2 || c.flat(r) {
		name = ""
	}
	return func(yield func(node, error) bool) {
		for k, err := range n.numbered(name) {
			if !yield(k, err) {
				return
			}
		}
	}
}

// entries finds Name.entry.1.key and Name.entry.1.value.
func (n *formNode) entries(c *codec, r *ref) iter.Seq2[[2]node, error] {
	key, value := c.mapNames()
	name := "entry"
	if n.ec2 || c.flat(r) {
		name = ""
	}
	return func(yield func([2]node, error) bool) {
		for e, err := range n.numbered(name) {
			if err == nil && (e.kids[key] == nil || e.kids[value] == nil) {
				err = Errorf("MalformedInput", 400, "Map entry without %s or %s", key, value)
			}
			if err != nil {
				yield([2]node{}, err)
				return
			}
			if !yield([2]node{e.kids[key], e.kids[value]}, nil) {
				return
			}
		}
	}
}

// numbered yields the children 1, 2, ... of the child called name, or of n
// itself if name is empty, in order.
func (n *formNode) numbered(name string) iter.Seq2[*formNode, error] {
	return func(yield func(*formNode, error) bool) {
		list, indexes, err := n.indexes(name)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, i := range indexes {
			if !yield(list.kids[strconv.Itoa(i)], nil) {
				return
			}
		}
	}
}

// indexes lists the numbers of a list's elements, and the place that has them.
func (n *formNode) indexes(name string) (list *formNode, indexes []int, err error) {
	switch {
	case n.leaf() && n.value == "":
		return n, nil, nil
	case n.leaf() || name != "" && n.kids[name] == nil:
		return nil, nil, Errorf("MalformedInput", 400, "%s", errMapTop)
	case name != "":
		n = n.kids[name]
	}
	for key := range n.kids {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i > maxIndex || strconv.Itoa(i) != key {
			return nil, nil, Errorf("MalformedInput", 400, "Key is not a valid list index: %.32q", key)
		}
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	return n, indexes, nil
}
