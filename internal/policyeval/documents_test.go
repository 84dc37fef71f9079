package policyeval

import (
	"testing"

	"redoubt/internal/policy"
)

func TestTheCacheOfDocumentsIsBounded(t *testing.T) {
	d := newDocuments()
	raw := []byte(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)
	parse := func(index int) *policy.Document {
		document, err := d.parse(raw, place{"identityPolicies", policy.Identity, -1, index})
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	first := parse(0)
	if parse(0) != first {
		t.Error("the same document is parsed twice")
	}
	if parse(1) == first || parse(256) == first {
		t.Error("a document in another place has the name of the first")
	}
	d.size = maxCached
	parse(2)
	if len(d.parsed) != 1 {
		t.Errorf("%d documents are kept beyond the bound", len(d.parsed))
	}
}
