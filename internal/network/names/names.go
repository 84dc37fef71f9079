// Package names answers DNS queries of untrusted code: only for what it may reach.
package names

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"redoubt/internal/network"
)

// A Server resolves names for the sandboxes of one policy. Its fields are set before its first use.
type Server struct {
	Policy   *network.Policy
	Own      *network.Own
	Upstream func() []netip.AddrPort              // who is asked; nil for the resolvers of this host
	Learn    func(lessons []network.Lesson) error // opens the addresses of a name before it is answered; may be nil
	NoIPv6   bool                                 // IPv6 leads nowhere: no such address is told

	refused atomic.Uint64
	cache   cache
}

// Refused counts the queries that no rule allows.
func (s *Server) Refused() uint64 { return s.refused.Load() }

const (
	maxQuery    = 4096             // bytes that a client may send
	maxQueries  = 32               // at once, for each sandbox
	answerTime  = 12 * time.Second // for all tries together
	maxTTL      = 5 * time.Minute  // that a client is told
	grace       = time.Minute      // that an address stays open after that: programs hold on to answers
	streamIdle  = 30 * time.Second
	plainAnswer = 512 // bytes of an answer to a client that does not say that it takes more (RFC 1035)
)

// ServePackets answers queries until c is closed.
func (s *Server) ServePackets(c net.PacketConn) {
	slots := make(chan struct{}, maxQueries)
	for {
		b := make([]byte, maxQuery)
		n, from, err := c.ReadFrom(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an answer that nobody took any more
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			if answer := s.answer(b[:n], true); answer != nil {
				_, _ = c.WriteTo(answer, from) // as with any packet, the client asks again
			}
		}()
	}
}

// ServeStreams answers queries until l is closed.
func (s *Server) ServeStreams(l net.Listener) {
	slots := make(chan struct{}, maxQueries)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			defer c.Close()
			s.stream(c)
		}()
	}
}

func (s *Server) stream(c net.Conn) {
	for {
		_ = c.SetDeadline(time.Now().Add(streamIdle)) // an error shows in what follows
		query, err := readFrame(c, maxQuery)
		if err != nil {
			return
		}
		answer := s.answer(query, false)
		if answer == nil || writeFrame(c, answer) != nil {
			return
		}
	}
}

// Messages in a stream have their length in front (RFC 1035, 4.2.2).

func readFrame(r io.Reader, limit int) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n > limit {
		return nil, errors.New("message is too long")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFrame(w io.Writer, message []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

// answer returns the answer to a query, nil for what is none.
func (s *Server) answer(query []byte, packet bool) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return nil
	}
	questions, err := p.AllQuestions()
	m := dnsmessage.Message{Header: dnsmessage.Header{
		ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true,
	}, Questions: questions}
	switch {
	case h.OpCode != 0:
		m.RCode = dnsmessage.RCodeNotImplemented
	case err != nil || len(questions) != 1:
		m.RCode, m.Questions = dnsmessage.RCodeFormatError, nil
	default:
		m.RCode, m.Answers = s.resolve(questions[0])
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	if packet && len(b) > packetLimit(&p) {
		m.Truncated, m.Answers = true, nil // the client asks again in a stream
		b, _ = m.Pack()                    // less of what was packed already
	}
	return b
}

// packetLimit is how large an answer the client takes (RFC 6891), the parser having read the questions.
func packetLimit(p *dnsmessage.Parser) int {
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return plainAnswer
	}
	for {
		h, err := p.AdditionalHeader()
		if err != nil {
			return plainAnswer
		}
		if h.Type == dnsmessage.TypeOPT {
			return min(max(int(h.Class), plainAnswer), packetSize)
		}
		if p.SkipAdditional() != nil {
			return plainAnswer
		}
	}
}

// asked are the types of records that are looked up; of all others there are none here.
var asked = []dnsmessage.Type{
	dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeCNAME, dnsmessage.TypeMX, dnsmessage.TypeSRV, dnsmessage.TypeTXT,
}

func (s *Server) resolve(q dnsmessage.Question) (dnsmessage.RCode, []dnsmessage.Resource) {
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	if q.Class != dnsmessage.ClassINET || !s.Policy.Resolvable(name) {
		s.refused.Add(1)
		return dnsmessage.RCodeNameError, nil
	}
	if !slices.Contains(asked, q.Type) || q.Type == dnsmessage.TypeAAAA && s.NoIPv6 {
		return dnsmessage.RCodeSuccess, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	code, records, err := s.lookUp(ctx, q)
	if err != nil {
		return dnsmessage.RCodeServerFailure, nil
	}
	told, addrs, ttl := s.filter(name, q, records)
	if s.learn(name, addrs, ttl) != nil {
		return dnsmessage.RCodeServerFailure, nil
	}
	return code, told
}

// filter keeps the addresses that may be reached, and how long they hold. What leads elsewhere is not told.
func (s *Server) filter(name string, q dnsmessage.Question, records []dnsmessage.Resource) (told []dnsmessage.Resource, addrs []netip.Addr, ttl time.Duration) {
	ttl = maxTTL
	for _, r := range records {
		if r.Header.Class != dnsmessage.ClassINET || r.Header.Type != q.Type && r.Header.Type != dnsmessage.TypeCNAME {
			continue
		}
		if a, ok := address(r); ok {
			if !s.Policy.Answerable(name, a, s.Own.Has(a)) {
				s.refused.Add(1)
				continue
			}
			addrs = append(addrs, a)
		}
		r.Header.TTL = min(r.Header.TTL, uint32(maxTTL/time.Second))
		ttl = min(ttl, time.Duration(r.Header.TTL)*time.Second)
		told = append(told, r)
	}
	return told, addrs, ttl
}

func (s *Server) learn(name string, addrs []netip.Addr, ttl time.Duration) error {
	if len(addrs) == 0 {
		return nil
	}
	lessons := s.Policy.Learn(name, addrs, ttl+grace, time.Now())
	if s.Learn == nil || len(lessons) == 0 {
		return nil
	}
	err := s.Learn(lessons)
	if err != nil {
		s.Policy.Forget(lessons)
	}
	return err
}

func address(r dnsmessage.Resource) (netip.Addr, bool) {
	switch body := r.Body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(body.A), true
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(body.AAAA), true
	}
	return netip.Addr{}, false
}
