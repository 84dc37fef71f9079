package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"redoubt/internal/seal"
)

// sealedStream seals n random bytes under a new key.
func sealedStream(t *testing.T, n int) (s *seal.Stream, plain, text []byte) {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	s, err := seal.NewStream(key)
	if err != nil {
		t.Fatal(err)
	}
	plain = make([]byte, n)
	rand.Read(plain)
	var out bytes.Buffer
	w, err := s.Seal(&out, []byte("ad"))
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, plain, out.Bytes()
}

func openAt(s *seal.Stream, text []byte, offset int64, ad string) ([]byte, error) {
	r, err := s.OpenAt(bytes.NewReader(text), int64(len(text)), offset, []byte(ad))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// sizes are around the ends of segments, whose plaintexts have 65,480 bytes, the first one, and 65,520.
var sizes = []int{0, 1, 65479, 65480, 65481, 131000, 131001, 200000}

func TestStreamsAreReadFromAnywhere(t *testing.T) {
	for _, size := range sizes {
		s, plain, text := sealedStream(t, size)
		if got := seal.SealedSize(int64(size)); got != int64(len(text)) || seal.PlainSize(got) != int64(size) {
			t.Errorf("%d bytes are sealed into %d, not %d", size, len(text), got)
		}
		for _, offset := range append(sizes, 65535, 65536, 131072, size-1) {
			if offset < 0 || offset > size {
				continue
			}
			if got, err := openAt(s, text, int64(offset), "ad"); err != nil || !bytes.Equal(got, plain[offset:]) {
				t.Errorf("%d bytes from %d: got %d, %v", size, offset, len(got), err)
			}
		}
	}
}

func TestDamageOfStreamsIsFoundWhereverTheyAreReadFrom(t *testing.T) {
	s, plain, text := sealedStream(t, 200000)
	for _, at := range []int{0, 1, 39, 40, 65536, 140000, len(text) - 1} {
		bad := bytes.Clone(text)
		bad[at] ^= 1
		for _, offset := range []int64{0, 131001} {
			got, err := openAt(s, bad, offset, "ad")
			if err == nil && offset == 0 || err != nil && !errors.Is(err, seal.ErrUnsealable) || !bytes.HasPrefix(plain[offset:], got) {
				t.Errorf("a bit flipped at %d, read from %d: %d bytes, %v", at, offset, len(got), err)
			}
		}
	}
	for _, cut := range []int{0, 39, 40, 56, 65536, 131072, len(text) - 1} {
		if _, err := openAt(s, text[:cut], 0, "ad"); !errors.Is(err, seal.ErrUnsealable) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if _, err := openAt(s, text, 0, "other"); !errors.Is(err, seal.ErrUnsealable) {
		t.Errorf("bound to something else: %v", err)
	}
}
