//go:build linux

package routed

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"redoubt/internal/network"
)

// A match is what packets are tested for, one test after the other.
type match []expr.Any

func all(parts ...match) []expr.Any { return slices.Concat(parts...) }

// Registers: the second begins 16 bytes after the first, so that the name of an interface fits in between.
const first, second = unix.NFT_REG_1, unix.NFT_REG_2

// comesBy and leavesBy match interfaces whose name begins with a prefix.
func comesBy(prefix string) match  { return named(expr.MetaKeyIIFNAME, expr.CmpOpEq, prefix) }
func leavesBy(prefix string) match { return named(expr.MetaKeyOIFNAME, expr.CmpOpEq, prefix) }
func leavesElsewhere(prefix string) match {
	return named(expr.MetaKeyOIFNAME, expr.CmpOpNeq, prefix)
}
func comesElsewhere(prefix string) match { return named(expr.MetaKeyIIFNAME, expr.CmpOpNeq, prefix) }

func named(key expr.MetaKey, op expr.CmpOp, prefix string) match {
	return match{&expr.Meta{Key: key, Register: first}, &expr.Cmp{Op: op, Register: first, Data: []byte(prefix)}}
}

func family(v6 bool) match {
	f := byte(unix.NFPROTO_IPV4)
	if v6 {
		f = unix.NFPROTO_IPV6
	}
	return match{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: first}, &expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: []byte{f}}}
}

// Where the addresses are in the header.
func source(v6 bool, register uint32) *expr.Payload {
	if v6 {
		return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 8, Len: 16}
	}
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4}
}

func destination(v6 bool) *expr.Payload {
	if v6 {
		return &expr.Payload{DestRegister: first, Base: expr.PayloadBaseNetworkHeader, Offset: 24, Len: 16}
	}
	return &expr.Payload{DestRegister: first, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4}
}

func goesTo(p netip.Prefix) match   { return within(destination(p.Addr().Is6()), p, expr.CmpOpEq) }
func goesPast(p netip.Prefix) match { return within(destination(p.Addr().Is6()), p, expr.CmpOpNeq) }
func comesFrom(p netip.Prefix) match {
	return within(source(p.Addr().Is6(), first), p, expr.CmpOpEq)
}

func within(address *expr.Payload, p netip.Prefix, op expr.CmpOp) match {
	return append(family(p.Addr().Is6()), address,
		&expr.Bitwise{SourceRegister: first, DestRegister: first, Len: address.Len, Mask: mask(p), Xor: make([]byte, address.Len)},
		&expr.Cmp{Op: op, Register: first, Data: p.Masked().Addr().AsSlice()})
}

func mask(p netip.Prefix) []byte {
	b := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		b[i/8] |= 1 << (7 - i%8)
	}
	return b
}

// oneOf matches destinations that are in a set of addresses.
func oneOf(set *nftables.Set, v6 bool) match {
	return append(family(v6), destination(v6), &expr.Lookup{SourceRegister: first, SetName: set.Name, SetID: set.ID})
}

// to matches a protocol, and ports unless they are all.
func to(p network.Protocol, ports network.Ports) match {
	m := match{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: first},
		&expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: []byte{byte(p)}},
	}
	if ports == (network.Ports{}) {
		return m
	}
	return append(m,
		&expr.Payload{DestRegister: first, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpGte, Register: first, Data: binaryutil.BigEndian.PutUint16(ports.First)},
		&expr.Cmp{Op: expr.CmpOpLte, Register: first, Data: binaryutil.BigEndian.PutUint16(ports.Last)})
}

// answering matches packets of connections that were let through, and the errors that belong to them.
func answering() match {
	states := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	return match{
		&expr.Ct{Register: first, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: first, DestRegister: first, Len: 4, Mask: states, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: first, Data: make([]byte, 4)},
	}
}

// interfaceIn matches packets whose interface is in a set, and counts them there if the set counts.
func interfaceIn(set *nftables.Set) match {
	return match{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: first}, &expr.Lookup{SourceRegister: first, SetName: set.Name, SetID: set.ID}}
}

// pairIn matches packets whose interface and source address belong together.
func pairIn(set *nftables.Set, v6 bool) match {
	return append(family(v6), &expr.Meta{Key: expr.MetaKeyIIFNAME, Register: first}, source(v6, second),
		&expr.Lookup{SourceRegister: first, SetName: set.Name, SetID: set.ID})
}

// dispatch sends a packet to the chain of its interface.
func dispatch(m *nftables.Set) match {
	return match{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: first},
		&expr.Lookup{SourceRegister: first, SetName: m.Name, SetID: m.ID, DestRegister: 0, IsDestRegSet: true},
	}
}

func verdict(k expr.VerdictKind) match { return match{&expr.Verdict{Kind: k}} }
func jump(c *nftables.Chain) match {
	return match{&expr.Verdict{Kind: expr.VerdictJump, Chain: c.Name}}
}
func leave(c *nftables.Chain) match {
	return match{&expr.Verdict{Kind: expr.VerdictGoto, Chain: c.Name}}
}
