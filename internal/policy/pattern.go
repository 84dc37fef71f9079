package policy

import "strings"

// partKind is a kind of piece of a pattern.
type partKind uint8

const (
	literal  partKind = iota
	variable          // a policy variable: a literal once the request is known
	star              // any characters
	question          // any one character
)

// part is a piece of a pattern. A wildcard that is local stays within its segment of an ARN.
type part struct {
	kind     partKind
	local    bool
	fallback bool   // a variable: text is the value it has when the key is absent
	text     string // of a literal, or the default of a variable
	key      string // of a variable, in lower case
}

// pattern is a compiled string of a policy.
type pattern struct {
	parts    []part
	variable bool // some part is a variable
}

// syntax says what is special in a string of a policy.
type syntax struct{ wildcards, variables bool }

// parse compiles a string.
func (x syntax) parse(text string) pattern {
	var p pattern
	var plain []byte // the literal being read
	for i := 0; i < len(text); {
		part, size := x.special(text[i:])
		switch {
		case size == 0:
			plain = append(plain, text[i])
			size = 1
		case part.kind == literal:
			plain = append(plain, part.text...)
		default:
			p.add(plain)
			plain = plain[:0]
			p.parts = append(p.parts, part)
			p.variable = p.variable || part.kind == variable
		}
		i += size
	}
	p.add(plain)
	return p
}

// add appends a literal, unless it is empty.
func (p *pattern) add(text []byte) {
	if len(text) > 0 {
		p.parts = append(p.parts, part{kind: literal, text: string(text)})
	}
}

// maxVariable is the longest variable there can be, braces and default included. Beyond, "${" is just text.
const maxVariable = 1024

// special reads the wildcard or variable that text begins with. Its size is 0 when there is none.
func (x syntax) special(text string) (p part, size int) {
	switch {
	case x.wildcards && text[0] == '*':
		return part{kind: star}, 1
	case x.wildcards && text[0] == '?':
		return part{kind: question}, 1
	case x.variables && strings.HasPrefix(text, "${"):
		if end := strings.IndexByte(text[:min(len(text), maxVariable)], '}'); end > 0 {
			return parseVariable(text[2:end]), end + 1
		}
	}
	return part{}, 0
}

// parseVariable compiles what stands between "${" and "}": a key, a key and a default, or an escaped character.
func parseVariable(text string) part {
	if text == "*" || text == "?" || text == "$" {
		return part{kind: literal, text: text}
	}
	key, rest, found := strings.Cut(text, ",")
	v := part{kind: variable, key: strings.ToLower(strings.TrimSpace(key))}
	if rest = strings.TrimSpace(rest); found && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
		v.fallback, v.text = true, rest[1:len(rest)-1]
	}
	return v
}

// parseARN compiles a resource. Wildcards in the first five fields of an ARN stay in their segment, but for an
// asterisk that ends its segment (IAM user guide, "Using wildcards in resource ARNs"). Those in the sixth, the
// resource part, match anything.
func (x syntax) parseARN(text string) pattern {
	p := x.parse(text)
	colons := 0
	for i := range p.parts {
		q := &p.parts[i]
		if q.kind == literal {
			colons += strings.Count(q.text, ":")
			continue
		}
		q.local = colons < 5 && (q.kind == question || q.kind == star && !endsSegment(p.parts[i+1:]))
	}
	return p
}

func endsSegment(rest []part) bool {
	return len(rest) == 0 || rest[0].kind == literal && rest[0].text[0] == ':'
}

// completeARN adds the fields that an incomplete ARN lacks (IAM user guide, "Grammar of the IAM JSON policy
// language", resource_string).
func completeARN(text string) string {
	if !strings.HasPrefix(text, "arn:") {
		return text
	}
	return text + strings.Repeat(":*", max(0, 5-strings.Count(text, ":")))
}

// value is what a variable stands for. Only keys with one value can be variables.
func (p *part) value(req *Request) (string, bool) {
	if values := req.lookup(p.key); len(values) == 1 {
		return values[0], true
	}
	return p.text, p.fallback
}

// resolve replaces the variables by what they stand for, in a copy that is kept in buf where it fits. It fails when
// a variable has no value: then the pattern matches nothing.
func (p *pattern) resolve(req *Request, buf []part) ([]part, bool) {
	parts := append(buf, p.parts...)
	for i := range parts {
		if parts[i].kind != variable {
			continue
		}
		text, ok := parts[i].value(req)
		if !ok {
			return nil, false
		}
		parts[i] = part{kind: literal, text: text}
	}
	return parts, true
}

// expand is the text of a pattern without wildcards.
func (p *pattern) expand(req *Request) (string, bool) {
	if !p.variable {
		if len(p.parts) == 0 {
			return "", true
		}
		return p.parts[0].text, true
	}
	parts, ok := p.resolve(req, nil)
	var b strings.Builder
	for _, q := range parts {
		b.WriteString(q.text)
	}
	return b.String(), ok
}

// match tells whether the pattern covers the whole of s.
func (p *pattern) match(req *Request, s string) bool {
	if !p.variable {
		return matchParts(p.parts, s, false)
	}
	var buf [8]part
	parts, ok := p.resolve(req, buf[:0])
	return ok && matchParts(parts, s, false)
}
