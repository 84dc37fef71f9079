package policy

import "strings"

// arnPattern is one value of an ARN operator: six fields that are matched one by one, or, when the value has fewer,
// one pattern for the whole.
type arnPattern struct {
	fields [6]pattern
	whole  *pattern
}

// arns is ArnEquals and ArnLike.
type arns []arnPattern

func compileARN(values []string, variables bool) (test, bool) {
	list := make(arns, len(values))
	for i, v := range values {
		list[i] = parseARNPattern(v, variables)
	}
	return list, true
}

// parseARNPattern splits the value at its first five colons. Colons inside a variable's name separate nothing.
func parseARNPattern(text string, variables bool) (a arnPattern) {
	x := syntax{true, variables}
	field, start := 0, 0
	for i := 0; i < len(text) && field < 5; {
		if _, size := x.special(text[i:]); size > 0 {
			i += size
			continue
		}
		if text[i] == ':' {
			a.fields[field] = x.parse(text[start:i])
			field, start = field+1, i+1
		}
		i++
	}
	if field < 5 {
		whole := x.parseARN(text)
		return arnPattern{whole: &whole}
	}
	a.fields[5] = x.parse(text[start:])
	return a
}

func (a arns) covers(value string, req *Request) bool {
	if !strings.HasPrefix(value, "arn:") || strings.Count(value, ":") < 5 {
		return false
	}
	for i := range a {
		if a[i].match(value, req) {
			return true
		}
	}
	return false
}

func (a *arnPattern) match(value string, req *Request) bool {
	if a.whole != nil {
		return a.whole.match(req, value)
	}
	rest := value
	for i := range 5 {
		var field string
		field, rest, _ = strings.Cut(rest, ":")
		if !a.fields[i].match(req, field) {
			return false
		}
	}
	return a.fields[5].match(req, rest)
}
