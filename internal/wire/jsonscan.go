package wire

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON text (RFC 8259) from left to right without copying it.
type scanner struct {
	src []byte
	pos int
}

var errSyntax = errors.New("malformed JSON")

// space skips white space and returns the next byte, or 0 at the end.
func (s *scanner) space() byte {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes c, which must come next.
func (s *scanner) take(c byte) error {
	if s.space() != c || s.pos == len(s.src) {
		return errSyntax
	}
	s.pos++
	return nil
}

// word consumes a literal: true, false or null.
func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.src[s.pos:], []byte(w)) {
		return errSyntax
	}
	s.pos += len(w)
	return nil
}

// quoted consumes a string and returns what is between the quotes, and whether
// that has escapes to undo.
func (s *scanner) quoted() (raw []byte, escaped bool, err error) {
	if err := s.take('"'); err != nil {
		return nil, false, err
	}
	start := s.pos
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '"':
			raw = s.src[start:s.pos]
			s.pos++
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			s.pos += 2
		case c < 0x20:
			return nil, false, errSyntax
		default:
			s.pos++
		}
	}
	return nil, false, errSyntax
}

// str consumes a string and returns its value. The bytes may alias the source.
func (s *scanner) str() ([]byte, error) {
	raw, escaped, err := s.quoted()
	if err != nil {
		return nil, err
	}
	if escaped {
		return unescape(raw)
	}
	if !utf8.Valid(raw) {
		return nil, errSyntax
	}
	return raw, nil
}

// number consumes a number and returns its text.
func (s *scanner) number() ([]byte, error) {
	start := s.pos
	s.one('-')
	if !s.one('0') && !s.digits() {
		return nil, errSyntax
	}
	if s.one('.') && !s.digits() {
		return nil, errSyntax
	}
	if s.one('e') || s.one('E') {
		if !s.one('+') {
			s.one('-')
		}
		if !s.digits() {
			return nil, errSyntax
		}
	}
	return s.src[start:s.pos], nil
}

// one consumes c if it comes next.
func (s *scanner) one(c byte) bool {
	if s.pos < len(s.src) && s.src[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.src) && s.src[s.pos]-'0' < 10 {
		s.pos++
	}
	return s.pos > start
}

// skip consumes any value and checks its syntax.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	var err error
	switch s.space() {
	case '{':
		return s.skipList('{', '}', depth)
	case '[':
		return s.skipList('[', ']', depth)
	case '"':
		_, err = s.str()
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	default:
		_, err = s.number()
	}
	return err
}

func (s *scanner) skipList(open, end byte, depth int) error {
	s.pos++
	if s.space() == end {
		s.pos++
		return nil
	}
	for {
		if open == '{' {
			if _, err := s.str(); err != nil {
				return err
			}
			if err := s.take(':'); err != nil {
				return err
			}
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		if s.space() == end {
			s.pos++
			return nil
		}
		if err := s.take(','); err != nil {
			return err
		}
	}
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape undoes the escapes of a JSON string.
func unescape(raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, errSyntax
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++ // quoted never ends on a lone backslash
		if c := escapes[raw[i]]; c != 0 {
			out = append(out, c)
			continue
		}
		r, n := unicodeEscape(raw[i:])
		if n == 0 {
			return nil, errSyntax
		}
		out = utf8.AppendRune(out, r)
		i += n - 1
	}
	return out, nil
}

// unicodeEscape reads uXXXX, or two of them that are a surrogate pair.
func unicodeEscape(b []byte) (r rune, n int) {
	hi, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(hi) {
		return hi, 5
	}
	if len(b) > 6 && b[5] == '\\' {
		if lo, ok := hex4(b[6:]); ok {
			if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
				return r, 11
			}
		}
	}
	return utf8.RuneError, 5
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	for _, c := range b[1:5] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// rawMembers splits an object into its members without parsing them.
func rawMembers(text []byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	s := scanner{src: text}
	if s.space() == 0 {
		return out, nil
	}
	if err := s.take('{'); err != nil || s.space() == '}' {
		return out, err
	}
	for {
		name, err := s.str()
		if err != nil {
			return nil, err
		}
		if err := s.take(':'); err != nil {
			return nil, err
		}
		s.space()
		start := s.pos
		if err := s.skip(0); err != nil {
			return nil, err
		}
		out[string(name)] = s.src[start:s.pos]
		if s.space() == '}' {
			return out, nil
		}
		if err := s.take(','); err != nil {
			return nil, err
		}
	}
}
