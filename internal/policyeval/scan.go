package policyeval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// scanner reads one line of JSON. It finds the ends of documents without looking into them, since those are parsed
// once and then known by their text; that is what makes a line cheap.
type scanner struct {
	text []byte
	at   int
}

var errSyntax = errors.New("the line is not valid JSON")

// peek is the next byte that is not space, or 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		switch b := s.text[s.at]; b {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return b
		}
	}
	return 0
}

// take consumes a byte.
func (s *scanner) take(b byte) bool {
	if s.peek() != b {
		return false
	}
	s.at++
	return true
}

// object reads an object, calling member with the position at each value. A name that stands twice is an error.
func (s *scanner) object(what string, member func(name string) error) error {
	if !s.take('{') {
		return s.wrong(what, "an object")
	}
	var seen []string
	for !s.take('}') {
		if len(seen) > 0 && !s.take(',') {
			return errSyntax
		}
		name, err := s.string(what)
		if err != nil || !s.take(':') {
			return errSyntax
		}
		for _, other := range seen {
			if other == name {
				return fmt.Errorf("%s: %q is there twice", what, name)
			}
		}
		seen = append(seen, name)
		if err := member(name); err != nil {
			return err
		}
	}
	return nil
}

// array reads an array, calling element with the position at each value.
func (s *scanner) array(what string, element func(i int) error) error {
	if !s.take('[') {
		return s.wrong(what, "a list")
	}
	for i := 0; !s.take(']'); i++ {
		if i > 0 && !s.take(',') {
			return errSyntax
		}
		if err := element(i); err != nil {
			return err
		}
	}
	return nil
}

// wrong is the error of a value that is not of the wanted type.
func (s *scanner) wrong(what, want string) error {
	if s.peek() == 0 {
		return errSyntax
	}
	return fmt.Errorf("%s must be %s", what, want)
}

// string reads a string.
func (s *scanner) string(what string) (string, error) {
	if s.peek() != '"' {
		return "", s.wrong(what, "a string")
	}
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	text := raw[1 : len(raw)-1]
	if !bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\\' || r == '\uFFFD' }) {
		return string(text), nil
	}
	var decoded string
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return "", errSyntax
	}
	return decoded, nil
}

// scalar reads a string, a number or a boolean as text.
func (s *scanner) scalar(what string) (string, error) {
	if s.peek() == '"' {
		return s.string(what)
	}
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	if raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return "", fmt.Errorf("%s must be a string, a number or a boolean", what)
	}
	if !json.Valid(raw) {
		return "", errSyntax
	}
	return string(raw), nil
}

// null consumes a null.
func (s *scanner) null() bool {
	if s.peek() != 'n' || !bytes.HasPrefix(s.text[s.at:], []byte("null")) {
		return false
	}
	s.at += len("null")
	return true
}

// value is the text of the next value. Of an object or array only its end is sure.
func (s *scanner) value() ([]byte, error) {
	first := s.peek()
	start := s.at
	switch first {
	case '"':
		s.skipString()
	case '{', '[':
		s.skipNested()
	default:
		for s.at < len(s.text) && !bytes.ContainsRune([]byte(",:]} \t\r\n\""), rune(s.text[s.at])) {
			s.at++
		}
	}
	if s.at == start || s.at > len(s.text) {
		return nil, errSyntax
	}
	return s.text[start:s.at], nil
}

// skipString moves behind a string, or beyond the end of the text if the string has none.
func (s *scanner) skipString() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
	s.at = len(s.text) + 1
}

// skipNested moves behind an object or array, or beyond the end of the text if it has none.
func (s *scanner) skipNested() {
	depth := 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return
		}
	}
	s.at = len(s.text) + 1
}
