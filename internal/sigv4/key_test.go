package sigv4

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The example of AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
func TestTheDocumentedKeyDerives(t *testing.T) {
	s := Signature{Date: "20150830", Region: "us-east-1", Service: "iam", terminator: terminator}
	k := s.derive(NewSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
	if got := hex.EncodeToString(k[:]); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
		t.Errorf("got %s", got)
	}
}

func TestTheCacheTellsKeysApart(t *testing.T) {
	var c KeyCache
	base := Signature{AccessKeyID: "id", Date: "20260101", Region: "r", Service: "s", terminator: terminator}
	variants := []func(*Signature){
		func(*Signature) {},
		func(s *Signature) { s.AccessKeyID = "other" },
		func(s *Signature) { s.Date = "20260102" },
		func(s *Signature) { s.Region = "other" },
		func(s *Signature) { s.Service = "other" },
	}
	for range 3 {
		for i, vary := range variants {
			for _, text := range []string{"secret", "rotated"} {
				s, secret := base, NewSecret(text)
				if vary(&s); c.key(&s, secret) != s.derive(secret) {
					t.Errorf("variant %d with %s secret: wrong key", i, text)
				}
			}
		}
	}
	if len(c.young) != 2*len(variants) {
		t.Errorf("%d keys", len(c.young))
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	var c KeyCache
	secret := NewSecret("secret")
	s := Signature{Date: "20260101"}
	for i := range 3*keysPerGeneration + 10 {
		s.AccessKeyID = strconv.Itoa(i)
		c.key(&s, secret)
	}
	if len(c.young) > keysPerGeneration || len(c.old) > keysPerGeneration {
		t.Errorf("%d and %d keys", len(c.young), len(c.old))
	}
	s.AccessKeyID = strconv.Itoa(2*keysPerGeneration + 5) // of the old generation
	if len(c.old) == 0 || c.key(&s, secret) != s.derive(secret) {
		t.Error("the old generation is not in use")
	}
}

func TestTheCacheIsSafeForConcurrentUse(t *testing.T) {
	var c KeyCache
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 50 {
				s := Signature{AccessKeyID: strconv.Itoa(i * (g%2 + 1))}
				if c.key(&s, NewSecret("x")) != s.derive(NewSecret("x")) {
					t.Error("wrong key")
				}
			}
		})
	}
	all.Wait()
}

func TestTheCacheDoesNotPrintKeys(t *testing.T) {
	var c KeyCache
	s := Signature{AccessKeyID: "id"}
	k := c.key(&s, NewSecret("x"))
	bytes := fmt.Sprintf("%d", k[:4])
	var holder struct{ c KeyCache }
	holder.c.key(&s, NewSecret("x"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%t"} {
		for _, v := range []any{&c, &struct{ c *KeyCache }{&c}, &holder} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, bytes[1:len(bytes)-1]) {
				t.Errorf("%s shows %s", verb, text)
			}
		}
	}
}
