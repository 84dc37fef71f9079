package pattern

import (
	"errors"
	"strings"
)

// terms is a pattern of words: all of must, none of not; or, without those, one of may.
type terms struct{ must, may, not []func(string) bool }

func (t *terms) match(message string) bool {
	for _, has := range t.not {
		if has(message) {
			return false
		}
	}
	for _, has := range t.must {
		if !has(message) {
			return false
		}
	}
	if len(t.may) == 0 || len(t.must)+len(t.not) > 0 { // optional terms beside others are ignored, as AWS documents
		return true
	}
	for _, has := range t.may {
		if has(message) {
			return true
		}
	}
	return false
}

func parseTerms(text string) (*Pattern, error) {
	t, s := &terms{}, &scanner{text: text}
	for s.space(); s.text != ""; s.space() {
		into := &t.must
		switch s.text[0] {
		case '?':
			into, s.text = &t.may, s.text[1:]
		case '-':
			into, s.text = &t.not, s.text[1:]
		}
		has, err := s.term()
		if err != nil {
			return nil, err
		}
		*into = append(*into, has)
	}
	return &Pattern{t.match}, nil
}

// term takes a word, a quoted phrase or a regular expression. A phrase of spaces matches everything.
func (s *scanner) term() (has func(string) bool, err error) {
	word := ""
	switch {
	case strings.HasPrefix(s.text, "%"):
		re, err := s.regex()
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	case strings.HasPrefix(s.text, `"`):
		if word, s.text, err = cutQuoted(s.text); err != nil {
			return nil, err
		}
		if strings.TrimSpace(word) == "" {
			return func(string) bool { return true }, nil
		}
	default:
		end := strings.IndexAny(s.text, " \t\r\n")
		if end < 0 {
			end = len(s.text)
		}
		if end == 0 {
			return nil, errors.New("a term is missing")
		}
		word, s.text = s.text[:end], s.text[end:]
	}
	return func(message string) bool { return strings.Contains(message, word) }, nil
}

// cutQuoted takes a quoted string, in which a backslash makes the next character plain.
func cutQuoted(text string) (word, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errors.New("a quote is not closed")
}
