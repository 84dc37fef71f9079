package policy

import (
	"cmp"
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// equals is StringEquals: one of these texts, variables replaced.
type equals []pattern

func compileEquals(values []string, variables bool) (test, bool) {
	return equals(parseAll(syntax{variables: variables}, values)), true
}

func parseAll(x syntax, values []string) []pattern {
	patterns := make([]pattern, len(values))
	for i, v := range values {
		patterns[i] = x.parse(v)
	}
	return patterns
}

func (e equals) covers(value string, req *Request) bool {
	for i := range e {
		if text, ok := e[i].expand(req); ok && text == value {
			return true
		}
	}
	return false
}

// equalsFold is StringEqualsIgnoreCase, and Bool, whose values are "true" and "false" in any case.
type equalsFold []pattern

func compileEqualsFold(values []string, variables bool) (test, bool) {
	return equalsFold(parseAll(syntax{variables: variables}, values)), true
}

func (e equalsFold) covers(value string, req *Request) bool {
	for i := range e {
		if text, ok := e[i].expand(req); ok && strings.EqualFold(text, value) {
			return true
		}
	}
	return false
}

func compileBool(values []string, variables bool) (test, bool) {
	patterns := parseAll(syntax{variables: variables}, values)
	for i, p := range patterns {
		if !p.variable && !isBool(values[i]) {
			return nil, false
		}
	}
	return equalsFold(patterns), true
}

// compileNull takes "true" or "false": whether the key must be absent. It knows no variables.
func compileNull(values []string, _ bool) (test, bool) {
	return compileBool(values, false)
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// like is StringLike: one of these patterns.
type like []pattern

func compileLike(values []string, variables bool) (test, bool) {
	return like(parseAll(syntax{true, variables}, values)), true
}

func (l like) covers(value string, req *Request) bool {
	for i := range l {
		if l[i].match(req, value) {
			return true
		}
	}
	return false
}

// order is the outcomes of a comparison that an operator accepts.
type order struct{ less, equal, greater bool }

func (o order) accepts(c int) bool {
	switch {
	case c < 0:
		return o.less
	case c > 0:
		return o.greater
	}
	return o.equal
}

// numeric is the Numeric operators.
type numeric struct {
	want   order
	values []float64
}

func compileNumeric(want order) func([]string, bool) (test, bool) {
	return func(values []string, _ bool) (test, bool) {
		n := numeric{want: want}
		for _, v := range values {
			f, ok := parseNumber(v)
			if !ok {
				return nil, false
			}
			n.values = append(n.values, f)
		}
		return n, true
	}
}

func (n numeric) covers(value string, _ *Request) bool {
	f, ok := parseNumber(value)
	return ok && slices.ContainsFunc(n.values, func(v float64) bool { return n.want.accepts(cmp.Compare(f, v)) })
}

// parseNumber reads a decimal number; infinities and hexadecimal ones are none.
func parseNumber(s string) (float64, bool) {
	if strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// dates is the Date operators.
type dates struct {
	want   order
	values []time.Time
}

func compileDate(want order) func([]string, bool) (test, bool) {
	return func(values []string, _ bool) (test, bool) {
		d := dates{want: want}
		for _, v := range values {
			t, ok := parseDate(v)
			if !ok {
				return nil, false
			}
			d.values = append(d.values, t)
		}
		return d, true
	}
}

func (d dates) covers(value string, _ *Request) bool {
	t, ok := parseDate(value)
	return ok && slices.ContainsFunc(d.values, func(v time.Time) bool { return d.want.accepts(t.Compare(v)) })
}

// binary is BinaryEquals. Both sides are base64 of the bytes that are compared.
type binary []string

func compileBinary(values []string, _ bool) (test, bool) {
	var b binary
	for _, v := range values {
		decoded, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return nil, false
		}
		b = append(b, string(decoded))
	}
	return b, true
}

func (b binary) covers(value string, _ *Request) bool {
	decoded, err := base64.StdEncoding.DecodeString(value)
	return err == nil && slices.Contains(b, string(decoded))
}

// addresses is IpAddress: one of these ranges.
type addresses []netip.Prefix

func compileIP(values []string, _ bool) (test, bool) {
	var a addresses
	for _, v := range values {
		p, ok := parseRange(v)
		if !ok {
			return nil, false
		}
		a = append(a, p)
	}
	return a, true
}

// parseRange reads a range in CIDR notation or a single address.
func parseRange(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	return netip.PrefixFrom(a, a.BitLen()), err == nil && a.Zone() == ""
}

func (a addresses) covers(value string, _ *Request) bool {
	ip, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(a, func(p netip.Prefix) bool { return p.Contains(ip) })
}
