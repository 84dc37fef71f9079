package network

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// A Destination is where a packet or a connection wants to go.
type Destination struct {
	Addr     netip.Addr
	Port     uint16
	Protocol Protocol
	Own      bool // an address of this machine
}

func (d Destination) String() string {
	return fmt.Sprintf("%s/%s", netip.AddrPortFrom(d.Addr, d.Port), d.Protocol)
}

// A Verdict is a decision and its reason.
type Verdict struct {
	Allowed bool
	Rule    int    // the rule that allows it
	Reason  string // in words
}

// A Policy is a list of rules and the addresses that names were seen to have. Its methods may be called concurrently.
type Policy struct {
	rules []Rule

	mu    sync.RWMutex
	known []map[netip.Addr]time.Time // by rule: until when an address is one of its name
}

// NewPolicy makes a policy of rules, any of which allows.
func NewPolicy(rules ...Rule) *Policy {
	return &Policy{rules: rules, known: make([]map[netip.Addr]time.Time, len(rules))}
}

// Rules returns the rules, which the caller does not change.
func (p *Policy) Rules() []Rule { return p.rules }

// Has reports whether there is a rule of a kind.
func (p *Policy) Has(kinds ...Kind) bool {
	for _, r := range p.rules {
		for _, k := range kinds {
			if r.Kind == k {
				return true
			}
		}
	}
	return false
}

// Decide says whether a destination may be reached at a time, and why.
func (p *Policy) Decide(d Destination, now time.Time) Verdict {
	d.Addr = d.Addr.Unmap()
	if c := classOf(d.Addr); c != nil && c.never {
		return Verdict{Reason: fmt.Sprintf("%s: %s are never reached", d, c.what)}
	}
	for i, r := range p.rules {
		if r.Ports.Contains(d.Port) && (r.Protocol == 0 || r.Protocol == d.Protocol) && p.covers(i, d, now) {
			return Verdict{Allowed: true, Rule: i, Reason: fmt.Sprintf("%s: allowed by %s", d, r)}
		}
	}
	if d.Own {
		return Verdict{Reason: fmt.Sprintf("%s: an address of this machine, which only a rule for that address alone opens", d)}
	}
	return Verdict{Reason: fmt.Sprintf("%s: no rule allows it", d)}
}

// covers reports whether a rule speaks of an address. This machine itself is meant only by who names its address alone.
func (p *Policy) covers(i int, d Destination, now time.Time) bool {
	r := p.rules[i]
	switch r.Kind {
	case Internet:
		return !d.Own && Public(d.Addr)
	case Range:
		return r.Prefix.Contains(d.Addr) && (!d.Own || r.Prefix.IsSingleIP())
	case Name:
		return !d.Own && p.knows(i, d.Addr, now)
	}
	return false // the host's loopback is reached by relays alone
}

func (p *Policy) knows(i int, a netip.Addr, now time.Time) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	until, ok := p.known[i][a]
	return ok && now.Before(until)
}

// Resolvable reports whether a name may be asked for: one of the rules, or with the internet any.
func (p *Policy) Resolvable(name string) bool {
	for _, r := range p.rules {
		if r.Kind == Internet || r.Matches(name) {
			return true
		}
	}
	return false
}

// Answerable reports whether an address may be told as one of a name: if it can be reached at any port. A rule for the
// name opens what it leads to, private addresses too, but neither this machine nor what no rule opens.
func (p *Policy) Answerable(name string, a netip.Addr, own bool) bool {
	if c := classOf(a); c != nil && c.never {
		return false
	}
	for _, r := range p.rules {
		switch {
		case r.Kind == Range && r.Prefix.Contains(a) && (!own || r.Prefix.IsSingleIP()),
			r.Kind == Internet && !own && Public(a),
			!own && r.Matches(name):
			return true
		}
	}
	return false
}

// A Lesson is that an address is one of the name of a rule, for a while.
type Lesson struct {
	Rule int
	Addr netip.Addr
	For  time.Duration
}

// Learn remembers the addresses of a name that was asked for, and returns what is new for the rules.
func (p *Policy) Learn(name string, addrs []netip.Addr, ttl time.Duration, now time.Time) (lessons []Lesson) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := now.Add(ttl)
	for i, r := range p.rules {
		if !r.Matches(name) {
			continue
		}
		if p.known[i] == nil {
			p.known[i] = map[netip.Addr]time.Time{}
		}
		p.forgetLocked(i, now)
		for _, a := range addrs {
			if p.known[i][a].Before(until) {
				p.known[i][a] = until
				lessons = append(lessons, Lesson{i, a, ttl})
			}
		}
	}
	return lessons
}

// Forget takes lessons back that nobody could follow.
func (p *Policy) Forget(lessons []Lesson) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range lessons {
		delete(p.known[l.Rule], l.Addr)
	}
}

// maxKnown bounds what one rule remembers: who controls a name could otherwise fill the memory with its addresses.
const maxKnown = 4096

// forgetLocked drops what is over, and all if that is not enough.
func (p *Policy) forgetLocked(i int, now time.Time) {
	for a, until := range p.known[i] {
		if !now.Before(until) {
			delete(p.known[i], a)
		}
	}
	if len(p.known[i]) >= maxKnown {
		clear(p.known[i])
	}
}
