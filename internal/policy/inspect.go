package policy

import (
	"maps"
	"slices"
)

// PrincipalEntry is a principal that a document names.
type PrincipalEntry struct {
	Type  string // AWS, Service, Federated or CanonicalUser
	Value string // "*" for everyone; an account's ID, also where the document has the ARN of its root
}

// Principals is whom the statements name in Principal and NotPrincipal elements, in their order, for services that
// refuse principals that do not exist and for those that refuse public resources.
func (d *Document) Principals() []PrincipalEntry {
	var list []PrincipalEntry
	for _, s := range d.statements {
		for _, p := range s.principals {
			list = append(list, p.entry())
		}
	}
	return list
}

func (p principal) entry() PrincipalEntry {
	switch p.kind {
	case everyone:
		return PrincipalEntry{"AWS", "*"}
	case service:
		return PrincipalEntry{"Service", p.value}
	case federated:
		return PrincipalEntry{"Federated", p.value}
	case canonicalUser:
		return PrincipalEntry{"CanonicalUser", p.value}
	}
	return PrincipalEntry{"AWS", p.value}
}

// ContextKeys is the condition keys on which the document's decisions depend, in lower case and sorted: those of
// its conditions and those of its variables.
func (d *Document) ContextKeys() []string {
	keys := map[string]bool{}
	for _, s := range d.statements {
		for _, p := range s.resources {
			p.keys(keys)
		}
		for _, c := range s.conditions {
			keys[c.key] = true
			if v, ok := c.test.(interface{ keys(map[string]bool) }); ok {
				v.keys(keys)
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func (p *pattern) keys(into map[string]bool) {
	for _, q := range p.parts {
		if q.kind == variable {
			into[q.key] = true
		}
	}
}

func keysOf(patterns []pattern, into map[string]bool) {
	for i := range patterns {
		patterns[i].keys(into)
	}
}

func (e equals) keys(into map[string]bool)     { keysOf(e, into) }
func (e equalsFold) keys(into map[string]bool) { keysOf(e, into) }
func (l like) keys(into map[string]bool)       { keysOf(l, into) }

func (a arns) keys(into map[string]bool) {
	for i := range a {
		keysOf(a[i].fields[:], into)
		if a[i].whole != nil {
			a[i].whole.keys(into)
		}
	}
}
