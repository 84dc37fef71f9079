package runtimes

import "testing"

func TestVersionsOfRuntimes(t *testing.T) {
	for _, c := range []struct{ name, host, want string }{
		{"python3.11", "3.11.2 (main, Apr 28 2025, 14:11:48) \n[GCC 12.2.0]", "python:3.11.v2"},
		{"nodejs20.x", "20.11.1", "nodejs:20.v11.1"},
	} {
		r := &Runtime{Name: c.name, Client: &Client{Host: c.host}}
		other := &Runtime{Name: c.name, Client: &Client{Host: c.host + "+"}}
		if got := r.Version(); got != c.want || len(r.Hash()) != 64 || r.Hash() == other.Hash() {
			t.Errorf("got %s and %s, want %s", got, r.Hash(), c.want)
		}
	}
	if got := (&Runtime{Name: "provided.al2023"}).Version(); got != "provided:al2023" {
		t.Errorf("got %s", got)
	}
}
