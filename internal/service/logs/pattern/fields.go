package pattern

import (
	"errors"
	"strings"
)

// A field is one of a pattern of fields; matches is nil if it has no condition.
type field struct {
	name    string
	rest    bool // ..., any number of fields
	matches func(string) bool
}

// parseFields reads [a, b = 1, ...].
func parseFields(text string) (*Pattern, error) {
	s := &scanner{text: text}
	if err := s.expect("["); err != nil {
		return nil, err
	}
	var fields []field
	for {
		f, err := s.field()
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
		if !s.take(",") {
			break
		}
	}
	if err := s.expect("]"); err != nil {
		return nil, err
	}
	if s.space(); s.text != "" {
		return nil, errors.New("there is more after the closing bracket")
	}
	return fieldPattern(fields)
}

func (s *scanner) field() (f field, err error) {
	if s.take("...") {
		return field{rest: true}, nil
	}
	before := *s
	if f.name = s.word("_-."); f.name != "" && (s.take(",") || s.take("]")) {
		*s = before
		s.word("_-.")
		return f, nil
	}
	*s = before
	f.name = ""
	f.matches, err = expression(s, func() (func(string) bool, error) {
		name := s.word("_-.")
		if name == "" || f.name != "" && name != f.name {
			return nil, s.unexpected("the name of the field")
		}
		f.name = name
		c, err := s.comparison()
		if err != nil {
			return nil, err
		}
		return func(text string) bool { return c.matches(text, true) }, nil
	})
	return f, err
}

func fieldPattern(fields []field) (*Pattern, error) {
	ellipsis := -1
	for i, f := range fields {
		if f.rest && ellipsis >= 0 {
			return nil, errors.New("there may be one ellipsis")
		} else if f.rest {
			ellipsis = i
		}
	}
	return &Pattern{func(message string) bool {
		return matchFields(fields, ellipsis, cutFields(message, limitOf(fields, ellipsis)))
	}}, nil
}

// limitOf is the number of fields to cut: without an ellipsis, the last one takes all the rest.
func limitOf(fields []field, ellipsis int) int {
	if ellipsis >= 0 {
		return -1
	}
	return len(fields)
}

func matchFields(fields []field, ellipsis int, texts []string) bool {
	if ellipsis < 0 {
		return len(texts) == len(fields) && matchEach(fields, texts)
	}
	after := len(fields) - ellipsis - 1
	if len(texts) < ellipsis+after {
		return false
	}
	return matchEach(fields[:ellipsis], texts) && matchEach(fields[ellipsis+1:], texts[len(texts)-after:])
}

func matchEach(fields []field, texts []string) bool {
	for i, f := range fields {
		if f.matches != nil && !f.matches(texts[i]) {
			return false
		}
	}
	return true
}

// cutFields cuts a message at its spaces into at most limit fields, if that is not negative. What is in brackets or
// quotes is one field, without them.
func cutFields(message string, limit int) (fields []string) {
	for message = strings.TrimSpace(message); message != ""; message = strings.TrimLeft(message, " \t\r\n") {
		text, rest := cutField(message)
		if len(fields) == limit-1 && strings.TrimSpace(rest) != "" {
			return append(fields, message)
		}
		fields = append(fields, text)
		message = rest
	}
	return fields
}

func cutField(message string) (text, rest string) {
	closing := map[byte]string{'[': "]", '"': `"`}[message[0]]
	if closing != "" {
		if text, rest, ok := strings.Cut(message[1:], closing); ok {
			return text, rest
		}
	}
	end := strings.IndexAny(message, " \t\r\n")
	if end < 0 {
		end = len(message)
	}
	return message[:end], message[end:]
}
