package network

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// An Own knows the addresses of this machine. Its zero value is ready; it may be used concurrently.
type Own struct {
	mu    sync.Mutex
	addrs map[netip.Addr]bool
	read  time.Time
}

// ownAge is how old the list may be: interfaces come and go.
const ownAge = 5 * time.Second

// Has reports whether an address is one of this machine's. If they cannot be listed, each may be.
func (o *Own) Has(a netip.Addr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.addrs == nil || time.Since(o.read) > ownAge {
		all, err := net.InterfaceAddrs()
		if err != nil {
			return true
		}
		o.addrs, o.read = map[netip.Addr]bool{}, time.Now()
		for _, n := range all {
			if p, err := netip.ParsePrefix(n.String()); err == nil {
				o.addrs[p.Addr().Unmap()] = true
			}
		}
	}
	return o.addrs[a.Unmap()]
}
