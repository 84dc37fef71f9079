package policy

import (
	"strings"
	"unicode/utf8"
)

// mark is a place to come back to when a match fails: a star, and where in the text it ends for now.
type mark struct {
	part, at int // part is -1 while there is no mark
}

// matchParts matches the whole of s in at most quadratic time. Only the latest star needs to be tried at another
// length, and, since a local star can be stopped by a colon, the latest star that is not local.
func matchParts(parts []part, s string, fold bool) bool {
	p, at := 0, 0
	if len(parts) > 0 && parts[0].kind == literal { // most patterns fail here
		var ok bool
		if at, ok = step(&parts[0], s, fold); !ok {
			return false
		}
		p = 1
	}
	last, far := mark{part: -1}, mark{part: -1}
	for {
		switch {
		case p < len(parts) && parts[p].kind == star:
			if p+1 == len(parts) && !parts[p].local {
				return true
			}
			last = mark{p, at}
			if !parts[p].local {
				far = last
			}
			p++
			continue
		case p < len(parts):
			if size, ok := step(&parts[p], s[at:], fold); ok {
				p, at = p+1, at+size
				continue
			}
		case at == len(s):
			return true
		}
		next, ok := longer(parts, s, last)
		if !ok {
			if next, ok = longer(parts, s, far); !ok {
				return false
			}
			far = next
		} else if last.part == far.part {
			far = next
		}
		last = next
		p, at = last.part+1, last.at
	}
}

// step matches one part that is not a star against the start of s.
func step(p *part, s string, fold bool) (size int, ok bool) {
	if p.kind == question {
		if s == "" || p.local && s[0] == ':' {
			return 0, false
		}
		_, size = utf8.DecodeRuneInString(s)
		return size, true
	}
	if fold {
		return len(p.text), hasPrefixFold(s, p.text)
	}
	return len(p.text), strings.HasPrefix(s, p.text)
}

// longer lets a marked star take one more byte.
func longer(parts []part, s string, m mark) (mark, bool) {
	if m.part < 0 || m.at >= len(s) || parts[m.part].local && s[m.at] == ':' {
		return m, false
	}
	return mark{m.part, m.at + 1}, true
}

// hasPrefixFold is strings.HasPrefix for a prefix in lower case, ignoring the case of ASCII letters in s.
func hasPrefixFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := range len(lower) {
		if lowerByte(s[i]) != lower[i] {
			return false
		}
	}
	return true
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
