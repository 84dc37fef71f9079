package kms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func testKey(t testing.TB, backings int) *live {
	t.Helper()
	record := Key{ID: newID(false), Account: "000000000042", Region: "us-east-1", Policy: defaultPolicy("000000000042")}
	for range backings {
		record.Backing = append(record.Backing, newBacking(time.Now(), ""))
	}
	k, err := enliven(record, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestBlobTellsItsKey(t *testing.T) {
	k := testKey(t, 3)
	sealed, err := k.encrypt([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, ok := parseBlob(sealed)
	if !ok || b.account != k.Account || b.id != k.ID || b.backing != 2 {
		t.Errorf("got %+v", b)
	}
}

// Contexts must not run into each other: they are bytes of associated data.
func TestContextsAreToldApart(t *testing.T) {
	contexts := []map[string]string{
		nil, {"": ""}, {"a": "bc"}, {"ab": "c"}, {"a": "b", "c": "d"}, {"a": "bc", "": "d"}, {"a": "b\x00\x00\x00\x01c"}, {"a": "1 c"}, {"a 1": "c"},
	}
	seen, texts := map[string]bool{}, map[string]bool{}
	for _, c := range contexts {
		seen[string(associated(make([]byte, blobPrefix), c))] = true
		texts[canonical(c)] = true
	}
	if len(seen) != len(contexts) || len(texts) != len(contexts) {
		t.Errorf("%d contexts have %d associated data and %d texts", len(contexts), len(seen), len(texts))
	}
}

func FuzzBlob(f *testing.F) {
	k := testKey(f, 2)
	good, err := k.encrypt([]byte("attack at dawn"), map[string]string{"a": "b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:blobLeast])
	f.Add([]byte(blobMagic))
	f.Fuzz(func(t *testing.T, in []byte) {
		b, ok := parseBlob(in)
		if !ok {
			return
		}
		if again := append(bytes.Clone(b.prefix), b.sealed...); !bytes.Equal(again, in) {
			t.Errorf("%x was parsed as %x", in, again)
		}
		plain, err := k.decrypt(b, map[string]string{"a": "b"})
		var invalid *types.InvalidCiphertextException
		if err == nil && !bytes.Equal(in, good) {
			t.Errorf("a forged ciphertext opens as %q", plain)
		} else if err != nil && !errors.As(err, &invalid) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeyMaterialNeverPrints(t *testing.T) {
	material := secret("\x01\x02\x03 canary material")
	record := Key{Backing: []backing{{Material: material}}}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		shown += fmt.Sprintf(verb, material) + fmt.Sprintf(verb, record) + fmt.Sprintf(verb, &record)
	}
	for _, leak := range []string{"canary", "63616e617279", "99 97 110", "Y2FuYX"} {
		if strings.Contains(shown, leak) {
			t.Errorf("it shows %q", leak)
		}
	}
	k := testKey(t, 1)
	if s := fmt.Sprintf("%v %+v", k, k); strings.Contains(s, fmt.Sprint([]byte(k.roots[0]()))) {
		t.Error("a live key shows what its messages' keys are derived from")
	}
	if k.Backing[0].Material != nil {
		t.Error("a live key keeps its material")
	}
}
