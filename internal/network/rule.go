package network

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Kind is what a rule speaks of.
type Kind int

// Kinds of rules.
const (
	Internet Kind = iota + 1 // all public addresses
	Range                    // the addresses of a prefix
	Loopback                 // an address of the host's own loopback, seen at the same address inside
	Name                     // whatever addresses a name has at the time
)

// A Protocol is one of those that can be reached; the zero value stands for all of them.
type Protocol uint8

// Protocols, by their numbers in IP.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	}
	return ""
}

// Ports is a range of ports, both ends included; the zero value stands for all of them.
type Ports struct{ First, Last uint16 }

// Contains reports whether a port is in the range.
func (p Ports) Contains(port uint16) bool {
	return p == Ports{} || p.First <= port && port <= p.Last
}

func (p Ports) String() string {
	switch {
	case p == Ports{}:
		return ""
	case p.First == p.Last:
		return fmt.Sprintf(":%d", p.First)
	}
	return fmt.Sprintf(":%d-%d", p.First, p.Last)
}

// A Rule allows one kind of destination. Rules are comparable.
type Rule struct {
	Kind     Kind
	Prefix   netip.Prefix // of a Range, masked; of a Loopback, one address
	Name     string       // of a Name: lower case; "*." in front stands for one or more labels
	Ports    Ports
	Protocol Protocol
}

// ParseRule reads a rule as --egress has it: TARGET[:PORT[-PORT]][/tcp|/udp], where the target is "internet", an IPv4
// address or prefix, an IPv6 one in brackets as in [2001:db8::]/32, or a name. With a port, TCP is meant if nothing is said.
func ParseRule(text string) (Rule, error) {
	r, err := parseRule(strings.ToLower(text))
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %w", text, err)
	}
	return r, nil
}

func parseRule(text string) (r Rule, err error) {
	target := text
	if rest, ok := strings.CutSuffix(target, "/tcp"); ok {
		target, r.Protocol = rest, TCP
	} else if rest, ok := strings.CutSuffix(target, "/udp"); ok {
		target, r.Protocol = rest, UDP
	}
	if at := strings.LastIndexByte(target, ':'); at >= 0 && at > strings.LastIndexByte(target, ']') {
		if r.Ports, err = parsePorts(target[at+1:]); err != nil {
			return r, err
		}
		target = target[:at]
		if r.Protocol == 0 {
			r.Protocol = TCP
		}
	}
	if err := r.setTarget(target); err != nil {
		return r, err
	}
	return r, r.check()
}

func (r *Rule) setTarget(target string) error {
	target = strings.TrimSuffix(target, ".")
	switch {
	case target == "":
		return errors.New("says nothing to reach: want internet, an address, a prefix such as 10.0.0.0/8, or a name")
	case target == "internet":
		r.Kind = Internet
		return nil
	case target == "localhost":
		target = "127.0.0.1"
	case strings.HasPrefix(target, "["):
		inner, rest, ok := strings.Cut(target[1:], "]")
		if !ok || !strings.Contains(inner, ":") {
			return errors.New("brackets are for an IPv6 address, as in [2001:db8::]/32:443")
		}
		target = inner + rest
	case strings.Contains(target, ":"):
		return errors.New("an IPv6 address goes in brackets, as in [2001:db8::]/32:443")
	case !looksLikeAddress(target):
		r.Kind, r.Name = Name, target
		return checkName(r.Name)
	}
	prefix, err := parsePrefix(target)
	if err != nil {
		return err
	}
	r.Kind, r.Prefix = Range, prefix
	if loopback4.Contains(prefix.Addr()) || prefix.Addr() == netip.IPv6Loopback() {
		r.Kind = Loopback
	}
	return nil
}

// looksLikeAddress tells an IPv4 address from a name: the last label of a name is no number.
func looksLikeAddress(target string) bool {
	host, _, slash := strings.Cut(target, "/")
	_, err := strconv.Atoi(host[strings.LastIndexByte(host, '.')+1:])
	return slash || err == nil
}

func parsePrefix(target string) (netip.Prefix, error) {
	if !strings.Contains(target, "/") {
		a, err := netip.ParseAddr(target)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, errors.New("not an address")
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(target)
	if err != nil {
		return p, errors.New("not a prefix such as 10.0.0.0/8")
	}
	if p.Masked() != p {
		return p, fmt.Errorf("the address has more bits than the prefix: want %s, or the address alone", p.Masked())
	}
	return p, nil
}

func parsePorts(text string) (Ports, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	a, errA := strconv.ParseUint(first, 10, 16)
	b, errB := strconv.ParseUint(last, 10, 16)
	if errA != nil || errB != nil || a == 0 || a > b || first[0] == '+' || last[0] == '+' {
		return Ports{}, fmt.Errorf("%q is not a port or a range of ports such as 8000-8010", text)
	}
	return Ports{uint16(a), uint16(b)}, nil
}

// checkName keeps to what resolvers take for a name of a host (RFC 1123), and to the underscore that some have.
func checkName(name string) error {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	if len(name) > 253 {
		return errors.New("a name has at most 253 characters")
	}
	for _, l := range labels {
		odd := strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-")
		if l == "" || len(l) > 63 || odd {
			return errors.New("not a name (names of other scripts are written as xn--...)")
		}
	}
	return nil
}

// maxLoopbackPorts is how many ports one rule for the host's loopback may open: each is a listener in every sandbox.
const maxLoopbackPorts = 32

func (r *Rule) check() error {
	switch r.Kind {
	case Loopback:
		switch {
		case !r.Prefix.IsSingleIP():
			return errors.New("the host's loopback is opened by the address, such as 127.0.0.1:5432")
		case r.Ports == Ports{}:
			return errors.New("the host's loopback is opened by the port, such as 127.0.0.1:5432")
		case r.Ports.Last-r.Ports.First >= maxLoopbackPorts:
			return fmt.Errorf("a rule opens at most %d ports of the host's loopback", maxLoopbackPorts)
		}
	case Range:
		if c := classOf(r.Prefix.Addr()); c != nil && c.never && c.prefix.Bits() <= r.Prefix.Bits() {
			return fmt.Errorf("%s are never reached", c.what)
		}
	}
	return nil
}

// String writes a rule as ParseRule reads it.
func (r Rule) String() string {
	var target string
	switch r.Kind {
	case Internet:
		target = "internet"
	case Name:
		target = r.Name
	default:
		target = r.Prefix.Addr().String()
		if r.Prefix.Addr().Is6() {
			target = "[" + target + "]"
		}
		if !r.Prefix.IsSingleIP() {
			target += fmt.Sprintf("/%d", r.Prefix.Bits())
		}
	}
	target += r.Ports.String()
	if r.Protocol == UDP || r.Protocol == TCP && r.Ports == (Ports{}) {
		target += "/" + r.Protocol.String()
	}
	return target
}

// Matches reports whether a Name rule speaks of a name, which is in lower case and without a final dot.
func (r Rule) Matches(name string) bool {
	if r.Kind != Name {
		return false
	}
	if suffix, wild := strings.CutPrefix(r.Name, "*"); wild {
		return len(name) > len(suffix) && strings.HasSuffix(name, suffix)
	}
	return name == r.Name
}
