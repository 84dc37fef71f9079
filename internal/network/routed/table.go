//go:build linux

package routed

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"redoubt/internal/network"
)

// everyServer is what the names of the interfaces of all servers of this host begin with.
const everyServer = "rdt"

// A table is the one of a server: what its interfaces may send, and what they may be sent.
//
//	prerouting   sources other than the interface's own are dropped, before anything is remembered of them
//	forward      verdict map: interface -> chain of its policy
//	input        the same for this machine itself, whose addresses only rules for one address open
//	output       this machine only answers
//	postrouting  what leaves takes the address of this machine
type table struct {
	*nftables.Table
	conn     *nftables.Conn
	prefix   string // of the names of this server's interfaces
	sources  [2]*nftables.Set
	policies *nftables.Set // interface -> chain, for what is forwarded
	owns     *nftables.Set // the same for this machine
	dropped  *nftables.Set // interface, counting what no rule allows
	spoofed  *nftables.Set // interface, counting what has another source
	fenced   [2]*nftables.Set
	slices   *nftables.Set // the addresses of this server, for the next one to find
	names    map[int][2]*nftables.Set
	drop     *nftables.Chain
}

// Families: the index of what there is for each.
var families = []bool{false, true}

func index(v6 bool) int {
	if v6 {
		return 1
	}
	return 0
}

func addressType(v6 bool) nftables.SetDatatype {
	if v6 {
		return nftables.TypeIP6Addr
	}
	return nftables.TypeIPAddr
}

// make adds the table with its sets, and the chains that know nothing of policies yet.
func (t *table) make(slices [2]netip.Prefix) error {
	t.Table = t.conn.AddTable(t.Table)
	if err := t.makeSets(slices); err != nil {
		return err
	}
	t.drop = t.chain("dropped")
	t.rule(t.drop, interfaceIn(t.dropped), verdict(expr.VerdictDrop))
	t.rule(t.drop, verdict(expr.VerdictDrop))
	t.guardSources(slices)
	t.guardForward()
	t.guardSelf()
	out := t.base("postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	for _, s := range slices {
		if s.IsValid() {
			t.rule(out, comesFrom(s), leavesElsewhere(everyServer), match{&expr.Masq{}})
		}
	}
	return t.conn.Flush()
}

func (t *table) makeSets(slices [2]netip.Prefix) error {
	set := func(name string, key nftables.SetDatatype) *nftables.Set {
		return &nftables.Set{Table: t.Table, Name: name, KeyType: key}
	}
	t.policies, t.owns = set("policies", nftables.TypeIFName), set("owns", nftables.TypeIFName)
	t.dropped, t.spoofed = set("drops", nftables.TypeIFName), set("spoofed", nftables.TypeIFName)
	t.slices = set("slices", nftables.TypeIPAddr)
	for _, m := range []*nftables.Set{t.policies, t.owns} {
		m.IsMap, m.DataType = true, nftables.TypeVerdict
	}
	t.dropped.Counter, t.spoofed.Counter = true, true
	sets := []*nftables.Set{t.policies, t.owns, t.dropped, t.spoofed}
	for _, v6 := range families {
		pair, err := nftables.ConcatSetType(nftables.TypeIFName, addressType(v6))
		if err != nil {
			return err
		}
		t.sources[index(v6)] = set(fmt.Sprintf("sources%d", index(v6)), pair)
		t.sources[index(v6)].Concatenation = true
		t.fenced[index(v6)] = set(fmt.Sprintf("fenced%d", index(v6)), nftables.TypeIFName)
		sets = append(sets, t.sources[index(v6)], t.fenced[index(v6)])
	}
	for _, s := range sets {
		if err := t.conn.AddSet(s, nil); err != nil {
			return err
		}
	}
	return t.conn.AddSet(t.slices, []nftables.SetElement{{Key: slices[0].Addr().AsSlice()}})
}

// guardSources lets pass only what has the source of its interface, and nobody else use these sources. Nothing is made of
// IPv6's own chatter to neighbours, for there are none.
func (t *table) guardSources(slices [2]netip.Prefix) {
	c := t.base("prerouting", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityRaw)
	mine := comesBy(t.prefix)
	t.rule(c, mine, goesTo(netip.MustParsePrefix("ff00::/8")), verdict(expr.VerdictDrop))
	for _, v6 := range families {
		t.rule(c, pairIn(t.sources[index(v6)], v6), verdict(expr.VerdictAccept))
	}
	t.rule(c, mine, interfaceIn(t.spoofed), verdict(expr.VerdictDrop))
	t.rule(c, mine, verdict(expr.VerdictDrop))
	for _, s := range slices {
		if s.IsValid() {
			t.rule(c, comesElsewhere(t.prefix), comesFrom(s), verdict(expr.VerdictDrop))
		}
	}
}

// guardForward decides about what passes through this machine. What passed before it was a router for its sandboxes is left
// alone; what did not, does not now.
func (t *table) guardForward() {
	c := t.base("forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter)
	t.rule(c, comesBy(t.prefix), leavesBy(everyServer), leave(t.drop)) // neighbours
	t.rule(c, leavesBy(t.prefix), answering(), verdict(expr.VerdictAccept))
	t.rule(c, leavesBy(t.prefix), verdict(expr.VerdictDrop))
	t.rule(c, comesBy(t.prefix), answering(), verdict(expr.VerdictAccept))
	t.rule(c, comesBy(t.prefix), dispatch(t.policies))
	t.rule(c, comesBy(t.prefix), leave(t.drop))
	for _, v6 := range families {
		t.rule(c, family(v6), interfaceIn(t.fenced[index(v6)]), leavesElsewhere(everyServer), verdict(expr.VerdictDrop))
	}
}

func (t *table) guardSelf() {
	in := t.base("input", nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter)
	t.rule(in, comesBy(t.prefix), answering(), verdict(expr.VerdictAccept))
	t.rule(in, comesBy(t.prefix), dispatch(t.owns))
	t.rule(in, comesBy(t.prefix), leave(t.drop))
	out := t.base("output", nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityFilter)
	t.rule(out, leavesBy(t.prefix), answering(), verdict(expr.VerdictAccept))
	t.rule(out, leavesBy(t.prefix), verdict(expr.VerdictDrop))
}

// Chains of a policy.
const (
	policyChain = "policy" // what is forwarded
	ownChain    = "own"    // what is for this machine
)

// add compiles a policy into chains of its own.
func (t *table) add(p *network.Policy) error {
	forward, own := t.chain(policyChain), t.chain(ownChain)
	for _, prefix := range network.Never() {
		t.rule(forward, goesTo(prefix), leave(t.drop))
		t.rule(own, goesTo(prefix), leave(t.drop))
	}
	public := t.chain("public")
	for _, prefix := range network.Special() {
		t.rule(public, goesTo(prefix), verdict(expr.VerdictReturn))
	}
	t.rule(public, goesPast(network.Global6()), verdict(expr.VerdictReturn))
	for i, r := range p.Rules() {
		switch r.Kind {
		case network.Range:
			t.allow(forward, r, goesTo(r.Prefix))
			if r.Prefix.IsSingleIP() {
				t.allow(own, r, goesTo(r.Prefix))
			}
		case network.Internet:
			t.allow(public, r, nil)
			t.rule(forward, jump(public))
		case network.Name:
			if err := t.allowName(forward, i, r); err != nil {
				return err
			}
		}
	}
	t.rule(forward, leave(t.drop))
	t.rule(own, leave(t.drop))
	return t.conn.Flush()
}

// maxAddrs is how many addresses of a name the kernel remembers at most: who controls the name has no say in it.
const maxAddrs = 1 << 16

// allowName allows what a set holds, which learns what the name leads to.
func (t *table) allowName(c *nftables.Chain, i int, r network.Rule) error {
	var sets [2]*nftables.Set
	for _, v6 := range families {
		s := &nftables.Set{Table: t.Table, Name: fmt.Sprintf("name%d-%d", i, index(v6)), KeyType: addressType(v6), HasTimeout: true, Size: maxAddrs}
		if err := t.conn.AddSet(s, nil); err != nil {
			return err
		}
		t.allow(c, r, oneOf(s, v6))
		sets[index(v6)] = s
	}
	t.names[i] = sets
	return nil
}

// allow accepts the ports of a rule where the address matches.
func (t *table) allow(c *nftables.Chain, r network.Rule, address match) {
	for _, p := range []network.Protocol{network.TCP, network.UDP} {
		if r.Protocol == 0 || r.Protocol == p {
			t.rule(c, address, to(p, r.Ports), verdict(expr.VerdictAccept))
		}
	}
}

func (t *table) chain(name string) *nftables.Chain {
	return t.conn.AddChain(&nftables.Chain{Name: name, Table: t.Table})
}

func (t *table) base(name string, kind nftables.ChainType, hook *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return t.conn.AddChain(&nftables.Chain{Name: name, Table: t.Table, Type: kind, Hooknum: hook, Priority: priority})
}

func (t *table) rule(c *nftables.Chain, parts ...match) {
	t.conn.AddRule(&nftables.Rule{Table: t.Table, Chain: c, Exprs: all(parts...)})
}
