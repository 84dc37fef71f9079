// Package network decides what untrusted code may reach: rules, the classes of addresses that none of them opens, and
// what is known of names.
//
// It decides only. What carries it out is below: routed (interfaces of the kernel and one nftables table), userspace (a
// network stack in this process), names (a resolver), relay (the host's loopback), and gate, which puts them together.
package network
