package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// A shot is a request as bytes: signed once and sent again and again, which a signature allows for minutes. So the load
// generator costs little of the processors that it shares with the server.
type shot []byte

// dial connects to the server.
func (s *stand) dial() (net.Conn, error) {
	text, err := os.ReadFile(s.env["AWS_CA_BUNDLE"])
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return tls.Dial("tcp", s.addr, &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12})
}

// fire sends a shot from n connections for the time of a load, and returns how long each took.
func fire(n int, d time.Duration, dial func() (net.Conn, error), shot func() shot) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var first error
	var group sync.WaitGroup
	end := time.Now().Add(d)
	for range n {
		group.Go(func() {
			took, err := fireOne(end, dial, shot())
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if first == nil {
				first = err
			}
		})
	}
	group.Wait()
	slices.Sort(all)
	return all, first
}

func fireOne(end time.Time, dial func() (net.Conn, error), shot shot) ([]time.Duration, error) {
	c, err := dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var took []time.Duration
	for time.Now().Before(end) {
		begin := time.Now()
		if _, err := c.Write(shot); err != nil {
			return took, err
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return took, err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return took, err
		}
		if res.StatusCode != http.StatusOK {
			return took, fmt.Errorf("answered %s: %s", res.Status, body)
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// measure fires with one connection and with sixteen.
func (s *stand) measure(what string, dial func() (net.Conn, error), shot func() shot) ([]measurement, error) {
	var out []measurement
	for _, n := range []int{1, 16} {
		if _, err := fire(n, s.load/10, dial, shot); err != nil { // warm up
			return nil, err
		}
		took, err := fire(n, s.load, dial, shot)
		if err != nil {
			return nil, err
		}
		clients := map[int]string{1: "1 client", 16: "16 clients"}[n]
		out = append(out, measurement{what + ", " + clients, rate(took, s.load)})
	}
	return out, nil
}

func rate(took []time.Duration, d time.Duration) string {
	return fmt.Sprintf("%.0f/s, p50 %s, p99 %s", float64(len(took))/d.Seconds(), ms(at(took, 0.5)), ms(at(took, 0.99)))
}

// at is a quantile of sorted durations.
func at(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return at(d, 0.5)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000) }
