package network

import (
	"log/slog"
	"net/netip"
)

// An Egress is what all sandboxes of a server may reach.
type Egress struct {
	Rules     []Rule
	Resolvers func() []netip.AddrPort // who knows names; nil for the resolvers of this host
	Log       *slog.Logger            // nil for nobody to read
}
