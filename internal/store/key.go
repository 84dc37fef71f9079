package store

import (
	"bytes"
	"errors"
)

// Key is a tuple of strings. Tuples order component by component, each as bytes: ("a","z") < ("a\x00") < ("ab").
// By convention the first two components are the account and the region ("" for global services).
type Key []string

var errKey = errors.New("malformed key")

// A component is written with NUL as 00 FF and ends in 00 01. The end sorts below every continuation, so bytes order as
// tuples do, and no tuple is a byte prefix of another unless its components are.
func appendComponent(b []byte, c string) []byte {
	for i := range len(c) {
		if b = append(b, c[i]); c[i] == 0 {
			b = append(b, 0xFF)
		}
	}
	return append(b, 0, 1)
}

func appendKey(b []byte, key []string) []byte {
	for _, c := range key {
		b = appendComponent(b, c)
	}
	return b
}

func parseKey(b []byte) (Key, error) {
	var key Key
	for len(b) > 0 {
		var c []byte
		for {
			i := bytes.IndexByte(b, 0)
			if i < 0 || i+1 >= len(b) || (b[i+1] != 1 && b[i+1] != 0xFF) {
				return nil, errKey
			}
			end := b[i+1] == 1
			c = append(c, b[:i]...)
			b = b[i+2:]
			if end {
				break
			}
			c = append(c, 0)
		}
		key = append(key, string(c))
	}
	return key, nil
}

// successor is the smallest byte string above every string that starts with b; empty if there is none.
func successor(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xFF {
			s := bytes.Clone(b[:i+1])
			s[i]++
			return s
		}
	}
	return nil
}

// Range selects records of a table. The zero value is the whole table.
type Range struct {
	Prefix     []string // only keys that start with these components
	StartsWith string   // and whose next component starts with this
	From       []string // only keys at or above this one, Prefix included
	Before     []string // only keys below this one, Prefix included
	After      []string // only keys that come after this one in the direction of the scan: the last key of the page before
	Reverse    bool     // from the highest key to the lowest
}

// bounds returns the range as bytes, given the prefix of the table.
func (r Range) bounds(table []byte) (from, to []byte) {
	from = appendKey(bytes.Clone(table), r.Prefix)
	if s := r.StartsWith; s != "" {
		from = appendComponent(from, s)
		from = from[:len(from)-2] // without the end of the component
	}
	to = successor(from)
	if len(r.From) > 0 {
		from = higher(from, appendKey(bytes.Clone(table), r.From))
	}
	if len(r.Before) > 0 {
		to = lower(to, appendKey(bytes.Clone(table), r.Before))
	}
	if len(r.After) > 0 {
		after := appendKey(bytes.Clone(table), r.After)
		if r.Reverse {
			to = lower(to, after)
		} else {
			from = higher(from, append(after, 0)) // the next byte string
		}
	}
	return from, to
}

func higher(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		return a
	}
	return b
}

func lower(a, b []byte) []byte {
	if bytes.Compare(a, b) < 0 {
		return a
	}
	return b
}
