package pattern

import (
	"fmt"
	"strings"
)

// A scanner reads a pattern from the left.
type scanner struct {
	text    string
	regexes int // so far
}

func (s *scanner) space() { s.text = strings.TrimLeft(s.text, " \t\r\n") }

// take skips spaces, and then token if it comes next.
func (s *scanner) take(token string) bool {
	s.space()
	rest, ok := strings.CutPrefix(s.text, token)
	if ok {
		s.text = rest
	}
	return ok
}

func (s *scanner) expect(token string) error {
	if !s.take(token) {
		return s.unexpected(token)
	}
	return nil
}

func (s *scanner) unexpected(wanted string) error {
	if s.text == "" {
		return fmt.Errorf("%s is missing at the end", wanted)
	}
	return fmt.Errorf("%s is missing before %q", wanted, s.text)
}

// word takes letters, digits and the other characters, of which there may be none.
func (s *scanner) word(others string) string {
	s.space()
	end := strings.IndexFunc(s.text, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(others, r))
	})
	if end < 0 {
		end = len(s.text)
	}
	word := s.text[:end]
	s.text = s.text[end:]
	return word
}

// expression reads conditions joined by &&, which binds closer, || and parentheses.
func expression[T any](s *scanner, condition func() (func(T) bool, error)) (func(T) bool, error) {
	all, err := alternatives(s, "||", func() (func(T) bool, error) {
		return alternatives(s, "&&", func() (func(T) bool, error) {
			if !s.take("(") {
				return condition()
			}
			inner, err := expression(s, condition)
			if err != nil {
				return nil, err
			}
			return inner, s.expect(")")
		})
	})
	return all, err
}

// alternatives reads operands joined by one operator.
func alternatives[T any](s *scanner, operator string, operand func() (func(T) bool, error)) (func(T) bool, error) {
	first, err := operand()
	if err != nil {
		return nil, err
	}
	all := []func(T) bool{first}
	for s.take(operator) {
		next, err := operand()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	if len(all) == 1 {
		return first, nil
	}
	decisive := operator == "||" // what one operand may decide
	return func(v T) bool {
		for _, f := range all {
			if f(v) == decisive {
				return decisive
			}
		}
		return !decisive
	}, nil
}
