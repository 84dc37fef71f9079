package pattern

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// The quotas of wildcards in selectors (FilterAndPatternSyntax).
const maxWildcards, maxWildcardsOfOne = 3, 1

// A jsonParser reads conditions on JSON.
type jsonParser struct {
	scanner
	wildcards int // so far
}

func parseJSON(text string) (*Pattern, error) {
	p := &jsonParser{scanner: scanner{text: text}}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	matches, err := expression(&p.scanner, p.condition)
	if err != nil {
		return nil, err
	}
	if err := p.expect("}"); err != nil {
		return nil, err
	}
	if p.space(); p.text != "" {
		return nil, errors.New("there is more after the closing brace")
	}
	return &Pattern{func(message string) bool {
		v, ok := document(message)
		return ok && matches(v)
	}}, nil
}

// document reads a message that is one JSON object or array.
func document(message string) (any, bool) {
	start := strings.TrimLeft(message, " \t\r\n")
	if !strings.HasPrefix(start, "{") && !strings.HasPrefix(start, "[") {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(start))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF)
}

// condition reads one condition.
func (p *jsonParser) condition() (func(any) bool, error) {
	path, err := p.selector()
	if err != nil {
		return nil, err
	}
	switch {
	case p.keyword("IS"):
		return p.is(path)
	case p.keyword("NOT"):
		if !p.keyword("EXISTS") {
			return nil, p.unexpected("EXISTS")
		}
		return func(v any) bool {
			return !path.any(v, func(any) bool { return true })
		}, nil
	}
	c, err := p.comparison()
	if err != nil {
		return nil, err
	}
	return func(v any) bool { return path.any(v, c.matchesJSON) }, nil
}

// matchesJSON compares a value of JSON. Arrays, objects and null never match (FilterAndPatternSyntax).
func (c *comparison) matchesJSON(v any) bool {
	switch v := v.(type) {
	case string:
		return c.matches(v, false)
	case json.Number:
		if c.quoted {
			return c.operator == "!="
		}
		return c.matches(v.String(), true)
	case bool:
		if c.quoted {
			return c.operator == "!="
		}
		return c.matches(strconv.FormatBool(v), false)
	}
	return false
}

func (p *jsonParser) is(s selector) (func(any) bool, error) {
	for word, want := range map[string]any{"NULL": nil, "TRUE": true, "FALSE": false} {
		if p.keyword(word) {
			return func(v any) bool {
				return s.any(v, func(found any) bool {
					switch found.(type) {
					case nil, bool:
						return found == want
					}
					return false
				})
			}, nil
		}
	}
	return nil, p.unexpected("NULL, TRUE or FALSE")
}

// keyword takes a word of letters, in either case.
func (p *jsonParser) keyword(word string) bool {
	p.space()
	if len(p.text) < len(word) || !strings.EqualFold(p.text[:len(word)], word) {
		return false
	}
	rest := scanner{text: p.text[len(word):]}
	if rest.text != "" && rest.text[0] != ' ' && rest.word("_") != "" {
		return false
	}
	p.text = p.text[len(word):]
	return true
}

// A selector is the way to values: names of members, indexes, and wildcards.
type selector []step

type step struct {
	name  string
	index int // if name is ""
	all   bool
}

// any reports whether one of the selected values satisfies fn.
func (s selector) any(v any, fn func(any) bool) bool {
	if len(s) == 0 {
		return fn(v)
	}
	switch v := v.(type) {
	case map[string]any:
		if !s[0].all {
			next, ok := v[s[0].name]
			return ok && s[0].name != "" && s[1:].any(next, fn)
		}
		for _, next := range v {
			if s[1:].any(next, fn) {
				return true
			}
		}
	case []any:
		if !s[0].all {
			return s[0].name == "" && s[0].index < len(v) && s[1:].any(v[s[0].index], fn)
		}
		for _, next := range v {
			if s[1:].any(next, fn) {
				return true
			}
		}
	}
	return false
}

// selector reads $ and the steps after it.
func (p *jsonParser) selector() (s selector, err error) {
	if err := p.expect("$"); err != nil {
		return nil, err
	}
	wildcards := 0
	for strings.HasPrefix(p.text, ".") || strings.HasPrefix(p.text, "[") {
		st, err := p.step()
		if err != nil {
			return nil, err
		}
		if st.all {
			wildcards++
			p.wildcards++
		}
		s = append(s, st)
	}
	if len(s) == 0 {
		return nil, p.unexpected("a property")
	}
	if wildcards > maxWildcardsOfOne || p.wildcards > maxWildcards {
		return nil, errors.New("there are too many wildcard selectors")
	}
	return s, nil
}

func (p *jsonParser) step() (step, error) {
	if strings.HasPrefix(p.text, ".") {
		p.text = p.text[1:]
		if strings.HasPrefix(p.text, "*") {
			p.text = p.text[1:]
			return step{all: true}, nil
		}
		if !strings.HasPrefix(p.text, "[") {
			return p.property()
		}
	}
	p.text = p.text[1:] // [
	switch {
	case p.take("*"):
		return step{all: true}, p.expect("]")
	case p.take("'"):
		name, rest, ok := strings.Cut(p.text, "'")
		if !ok || name == "" {
			return step{}, p.unexpected("a property name")
		}
		p.text = rest
		return step{name: name}, p.expect("]")
	}
	index, err := strconv.Atoi(p.word(""))
	if err != nil {
		return step{}, p.unexpected("an index")
	}
	return step{index: index}, p.expect("]")
}

func (p *jsonParser) property() (step, error) {
	if strings.HasPrefix(p.text, " ") {
		return step{}, p.unexpected("a property name")
	}
	name := p.word("_-@:/")
	if name == "" {
		return step{}, p.unexpected("a property name")
	}
	return step{name: name}, nil
}
