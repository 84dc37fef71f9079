package pattern

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// A comparison is an operator with what to compare to.
type comparison struct {
	operator string
	text     string
	quoted   bool
	number   float64
	numeric  bool
	regex    *regexp.Regexp
}

var operators = []string{">=", "<=", "!=", "=", ">", "<"}

// comparison reads an operator and a value.
func (s *scanner) comparison() (*comparison, error) {
	c := &comparison{}
	for _, operator := range operators {
		if s.take(operator) {
			c.operator = operator
			break
		}
	}
	if c.operator == "" {
		return nil, s.unexpected("an operator")
	}
	if err := s.value(c); err != nil {
		return nil, err
	}
	if strings.ContainsAny(c.operator, "<>") && !c.numeric {
		return nil, errors.New("the operator " + c.operator + " needs a number")
	}
	return c, nil
}

func (s *scanner) value(c *comparison) (err error) {
	s.space()
	switch {
	case strings.HasPrefix(s.text, `"`):
		c.quoted = true
		c.text, s.text, err = cutQuoted(s.text)
		return err
	case strings.HasPrefix(s.text, "%"):
		c.regex, err = s.regex()
		return err
	}
	if c.text = s.word("_-+.*:/@#$?"); c.text == "" {
		return s.unexpected("a value")
	}
	c.number, err = strconv.ParseFloat(c.text, 64)
	c.numeric = err == nil && strings.ContainsAny(c.text, "0123456789")
	return nil
}

// matches compares a text, and if it is that of a number, the number.
func (c *comparison) matches(text string, isNumber bool) bool {
	if c.regex != nil {
		return c.regex.MatchString(text) == (c.operator != "!=")
	}
	if c.numeric {
		if n, err := strconv.ParseFloat(text, 64); err == nil && isNumber {
			return c.compare(n)
		}
	}
	switch c.operator {
	case "=":
		return glob(c.text, text)
	case "!=":
		return !glob(c.text, text)
	}
	return false
}

func (c *comparison) compare(n float64) bool {
	switch c.operator {
	case "=":
		return n == c.number
	case "!=":
		return n != c.number
	case ">":
		return n > c.number
	case ">=":
		return n >= c.number
	case "<":
		return n < c.number
	}
	return n <= c.number
}

// glob matches with * standing for anything.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[last])
}

// maxRegexes is how many regular expressions a pattern may have (FilterAndPatternSyntax, quotas).
const maxRegexes = 2

// regex reads a regular expression between percent signs.
func (s *scanner) regex() (*regexp.Regexp, error) {
	end := strings.IndexByte(s.text[1:], '%')
	if end < 0 {
		return nil, errors.New("a regular expression is not closed")
	}
	text := s.text[1 : end+1]
	s.text = s.text[end+2:]
	if s.regexes++; s.regexes > maxRegexes {
		return nil, errors.New("there may be two regular expressions in a pattern")
	}
	return compileRegex(text)
}

// openRepeat is a repetition without a minimum, which Go wants written as one of 0.
var openRepeat = regexp.MustCompile(`\{,(\d+)\}`)

// compileRegex refuses what AWS does not take: groups, other symbols, and letters beyond ASCII.
func compileRegex(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, errors.New("a regular expression is empty")
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && text[i+1] < 0x80:
			i++
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte(`:_#=@/;,- ^$?[]{}|*+.`, c) >= 0:
		default:
			return nil, errors.New("the regular expression " + text + " has a character that is not supported")
		}
	}
	re, err := regexp.Compile(openRepeat.ReplaceAllString(text, "{0,$1}"))
	if err != nil {
		return nil, errors.New("the regular expression " + text + " is not valid")
	}
	return re, nil
}
