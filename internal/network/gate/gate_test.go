//go:build linux

package gate_test

import (
	"slices"
	"strings"
	"testing"

	"redoubt/internal/network"
	"redoubt/internal/network/gate"
)

func config(t *testing.T, rules ...string) gate.Config {
	t.Helper()
	c := gate.Config{ID: "redoubt-00112233aabb", Reserved: []uint16{9001, 4566}}
	for _, text := range rules {
		r, err := network.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Rules = append(c.Rules, r)
	}
	return c
}

func TestOnlyWhatRulesNeedIsMade(t *testing.T) {
	at := func(network, address string) gate.Plant { return gate.Plant{Network: network, Address: address} }
	resolver := []gate.Plant{at("udp", "127.0.0.53:53"), at("tcp", "127.0.0.53:53")}
	for _, c := range []struct {
		rules  string
		plants []gate.Plant
		device bool
	}{
		{"127.0.0.1:5432", []gate.Plant{at("tcp", "127.0.0.1:5432")}, false},
		{"127.0.0.1:5432-5433 127.0.0.1:5433 127.0.0.1:5432/udp", []gate.Plant{at("tcp", "127.0.0.1:5432"), at("tcp", "127.0.0.1:5433"), at("udp", "127.0.0.1:5432")}, false},
		{"10.0.0.0/8", nil, true},
		{"internet", resolver, true},
		{"example.com", resolver, true},
	} {
		g, err := gate.Open(config(t, strings.Fields(c.rules)...))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(g.Plants(), c.plants) || g.Device() != c.device {
			t.Errorf("%s: %v, device %v", c.rules, g.Plants(), g.Device())
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPortsThatAreTakenInsideAreRefused(t *testing.T) {
	for _, rules := range []string{"127.0.0.1:9001", "127.0.0.1:4560-4570", "internet 127.0.0.53:53/udp", "127.0.0.1:1000-1031 127.0.0.1:2000-2031"} {
		if _, err := gate.Open(config(t, strings.Fields(rules)...)); err == nil {
			t.Errorf("%s is taken", rules)
		}
	}
}
