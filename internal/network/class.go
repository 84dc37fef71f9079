package network

import "net/netip"

var loopback4 = netip.MustParsePrefix("127.0.0.0/8")

// A class is a prefix whose addresses are not the internet's.
type class struct {
	prefix netip.Prefix
	what   string
	never  bool // no rule opens it
}

// classes are the blocks of IANA's registries of special-purpose addresses that are not reachable in public (RFC 6890),
// and the addresses at which clouds give credentials away. More specific prefixes come first.
var classes = []class{
	never("0.0.0.0/8", "addresses of this network"),
	never("127.0.0.0/8", "loopback addresses"),
	never("169.254.0.0/16", "link-local addresses, the cloud's metadata service among them,"),
	never("168.63.129.16/32", "addresses of a cloud's metadata service"),   // Azure
	never("100.100.100.200/32", "addresses of a cloud's metadata service"), // Alibaba Cloud
	never("192.0.0.192/32", "addresses of a cloud's metadata service"),     // Oracle Cloud
	never("224.0.0.0/4", "multicast addresses"),
	never("255.255.255.255/32", "broadcast addresses"),
	special("10.0.0.0/8", "private addresses"),
	special("100.64.0.0/10", "addresses behind a carrier's translation"),
	special("172.16.0.0/12", "private addresses"),
	special("192.0.0.0/24", "addresses of protocols"),
	special("192.0.2.0/24", "addresses of documentation"),
	special("192.88.99.0/24", "addresses of relays"),
	special("192.168.0.0/16", "private addresses"),
	special("198.18.0.0/15", "addresses of benchmarks"),
	special("198.51.100.0/24", "addresses of documentation"),
	special("203.0.113.0/24", "addresses of documentation"),
	special("240.0.0.0/4", "reserved addresses"),

	never("::/96", "addresses of this network, loopback among them,"),
	never("::ffff:0:0/96", "IPv4 addresses in IPv6"),
	never("fe80::/10", "link-local addresses"),
	never("fd00:ec2::/32", "addresses of a cloud's metadata service"), // AWS
	never("fd20:ce::/32", "addresses of a cloud's metadata service"),  // Google Cloud
	never("ff00::/8", "multicast addresses"),
	special("64:ff9b::/96", "translated IPv4 addresses"),
	special("64:ff9b:1::/48", "translated IPv4 addresses"),
	special("100::/64", "discarded addresses"),
	special("2001::/23", "addresses of protocols"),
	special("2001:db8::/32", "addresses of documentation"),
	special("2002::/16", "IPv4 addresses in IPv6"),
	special("3fff::/20", "addresses of documentation"),
	special("fc00::/7", "private addresses"),
	special("fec0::/10", "private addresses"),
}

// public6 is all that IANA gives out of IPv6.
var public6 = netip.MustParsePrefix("2000::/3")

func never(prefix, what string) class   { return class{netip.MustParsePrefix(prefix), what, true} }
func special(prefix, what string) class { return class{netip.MustParsePrefix(prefix), what, false} }

// classOf returns the class of an address, or nil: the ones that no rule opens before others.
func classOf(a netip.Addr) *class {
	var found *class
	for i := range classes {
		c := &classes[i]
		if c.prefix.Contains(a) && (found == nil || c.never && !found.never) {
			found = c
		}
	}
	return found
}

// Public reports whether an address is one of the internet's.
func Public(a netip.Addr) bool {
	return classOf(a) == nil && (a.Is4() || public6.Contains(a))
}

// Global6 is the part of IPv6 that holds all public addresses.
func Global6() netip.Prefix { return public6 }

// Never lists the prefixes that no rule opens.
func Never() []netip.Prefix { return prefixes(true) }

// Special lists the prefixes that rules can open by their addresses, but that are not the internet's.
func Special() []netip.Prefix { return prefixes(false) }

func prefixes(never bool) (all []netip.Prefix) {
	for _, c := range classes {
		if c.never == never {
			all = append(all, c.prefix)
		}
	}
	return all
}
