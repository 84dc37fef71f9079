package pattern

import (
	"errors"
	"strings"
)

// terms is a pattern of words: all of must, none of not; without both, one of may.
type terms struct{ must, may, not []string }

func (t *terms) match(message string) bool {
	for _, w := range t.not {
		if strings.Contains(message, w) {
			return false
		}
	}
	for _, w := range t.must {
		if !strings.Contains(message, w) {
			return false
		}
	}
	if len(t.may) == 0 || len(t.must)+len(t.not) > 0 { // optional terms beside others are ignored, as AWS documents
		return true
	}
	for _, w := range t.may {
		if strings.Contains(message, w) {
			return true
		}
	}
	return false
}

func parseTerms(text string) (*Pattern, error) {
	t := &terms{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		into := &t.must
		switch text[0] {
		case '?':
			into, text = &t.may, text[1:]
		case '-':
			into, text = &t.not, text[1:]
		}
		word, rest, err := cutTerm(text)
		if err != nil {
			return nil, err
		}
		text = rest
		*into = append(*into, word)
	}
	return &Pattern{t.match}, nil
}

// cutTerm takes the first term, a word or a quoted phrase.
func cutTerm(text string) (word, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		return cutQuoted(text)
	}
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", "", errors.New("a term is missing")
	}
	return text[:end], text[end:], nil
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
