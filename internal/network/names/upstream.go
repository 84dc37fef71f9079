package names

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	packetSize = 1232 // bytes that pass any network in one piece (dnsflagday.net/2020)
	tryTime    = 3 * time.Second
)

var errUpstream = errors.New("no resolver answered")

// lookUp returns an answer out of the cache, or else one of the resolvers'.
func (s *Server) lookUp(ctx context.Context, q dnsmessage.Question) (dnsmessage.RCode, []dnsmessage.Resource, error) {
	if code, records, ok := s.cache.get(q, time.Now()); ok {
		return code, records, nil
	}
	upstream := s.Upstream
	if upstream == nil {
		upstream = HostResolvers
	}
	for range 2 {
		for _, server := range upstream() {
			m, err := ask(ctx, server, q)
			if err != nil || m.RCode != dnsmessage.RCodeSuccess && m.RCode != dnsmessage.RCodeNameError {
				continue
			}
			s.cache.put(q, m.RCode, m.Answers, time.Now())
			return m.RCode, m.Answers, nil
		}
	}
	return 0, nil, errUpstream
}

// ask asks one resolver, in a stream if the answer does not fit into a packet.
func ask(ctx context.Context, server netip.AddrPort, q dnsmessage.Question) (*dnsmessage.Message, error) {
	m, err := exchange(ctx, "udp", server, q)
	if err == nil && m.Truncated {
		m, err = exchange(ctx, "tcp", server, q)
	}
	return m, err
}

func exchange(ctx context.Context, network string, server netip.AddrPort, q dnsmessage.Question) (*dnsmessage.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return nil, err
	}
	id, query, err := question(q)
	if err != nil {
		return nil, err
	}
	if network == "tcp" {
		if err := writeFrame(c, query); err != nil {
			return nil, err
		}
		b, err := readFrame(c, 1<<16)
		if err != nil {
			return nil, err
		}
		return accept(b, id, q)
	}
	if _, err := c.Write(query); err != nil {
		return nil, err
	}
	b := make([]byte, 1<<16)
	for {
		n, err := c.Read(b)
		if err != nil {
			return nil, err
		}
		if m, err := accept(b[:n], id, q); err == nil {
			return m, nil
		} // else not the answer: perhaps somebody's guess
	}
}

func question(q dnsmessage.Question) (id uint16, query []byte, err error) {
	var random [2]byte
	rand.Read(random[:])
	id = binary.BigEndian.Uint16(random[:])
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	var opt dnsmessage.ResourceHeader
	err = errors.Join(
		b.StartQuestions(), b.Question(q), b.StartAdditionals(),
		opt.SetEDNS0(packetSize, dnsmessage.RCodeSuccess, false), b.OPTResource(opt, dnsmessage.OPTResource{}))
	if err != nil {
		return 0, nil, err
	}
	query, err = b.Finish()
	return id, query, err
}

// accept takes an answer to the question and to no other. Records that cannot be read are left out with what follows.
func accept(b []byte, id uint16, q dnsmessage.Question) (*dnsmessage.Message, error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return nil, err
	}
	questions, err := p.AllQuestions()
	if err != nil {
		return nil, err
	}
	if !h.Response || h.ID != id || len(questions) != 1 || questions[0].Type != q.Type || questions[0].Class != q.Class ||
		!strings.EqualFold(questions[0].Name.String(), q.Name.String()) {
		return nil, errors.New("not the answer to the question")
	}
	m := &dnsmessage.Message{Header: h, Questions: questions}
	for {
		r, err := p.Answer()
		if err != nil {
			return m, nil
		}
		m.Answers = append(m.Answers, r)
	}
}

// HostResolvers are the resolvers of this host, by /etc/resolv.conf at the time.
func HostResolvers() (servers []netip.AddrPort) {
	f, err := os.Open("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(a, 53))
		}
	}
	return servers
}
