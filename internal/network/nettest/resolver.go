// Package nettest makes the networks that tests of reachability play in: a host, an internet, sandboxes.
package nettest

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A Resolver is a DNS server on the loopback that knows some names, and remembers which it was asked for.
type Resolver struct {
	Addr  netip.AddrPort
	zone  map[string][]string
	mu    sync.Mutex
	asked []string
}

// NewResolver serves a zone, by packet and stream: names with a final dot to addresses, or to other names.
func NewResolver(t testing.TB, zone map[string][]string) *Resolver {
	t.Helper()
	c, l := listen(t)
	r := &Resolver{zone: zone, Addr: c.LocalAddr().(*net.UDPAddr).AddrPort()}
	t.Cleanup(func() { c.Close(); l.Close() })
	go r.packets(c)
	go r.streams(l)
	return r
}

// listen finds a port that is free for packets and for streams.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for attempt := 0; ; attempt++ {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", c.LocalAddr().String())
		if err == nil {
			return c, l
		}
		c.Close()
		if attempt == 100 {
			t.Fatal(err)
		}
	}
}

// Asked returns the names that were asked for until now.
func (r *Resolver) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// Servers is who a server under test asks.
func (r *Resolver) Servers() []netip.AddrPort { return []netip.AddrPort{r.Addr} }

func (r *Resolver) packets(c net.PacketConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		answer := r.answer(b[:n], 1232)
		forged := slices.Clone(answer)
		forged[0]++ // another id: somebody's guess, which comes first
		_, _ = c.WriteTo(forged, from)
		_, _ = c.WriteTo(answer, from)
	}
}

func (r *Resolver) streams(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err == nil {
			query := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(c, query); err == nil {
				answer := r.answer(query, 1<<16)
				_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			}
		}
		c.Close()
	}
}

func (r *Resolver) answer(query []byte, limit int) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return []byte{0}
	}
	r.mu.Lock()
	r.asked = append(r.asked, m.Questions[0].Name.String())
	r.mu.Unlock()
	m.Header.Response, m.Additionals = true, nil
	if !r.follow(&m) {
		m.RCode = dnsmessage.RCodeNameError
	}
	b, _ := m.Pack()
	if len(b) > limit {
		m.Truncated, m.Answers = true, nil
		b, _ = m.Pack()
	}
	return b
}

// follow adds what is known of a name, and of those that it leads to.
func (r *Resolver) follow(m *dnsmessage.Message) (known bool) {
	q := m.Questions[0]
	for name, next := q.Name, true; next; {
		data, ok := r.zone[strings.ToLower(name.String())]
		known, next = known || ok, false
		for _, d := range data {
			h := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}
			if strings.HasSuffix(d, ".") {
				name, next = dnsmessage.MustNewName(d), true
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.CNAMEResource{CNAME: name}})
			} else if a := netip.MustParseAddr(d); a.Is4() && q.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
			} else if a.Is6() && q.Type == dnsmessage.TypeAAAA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	return known
}
