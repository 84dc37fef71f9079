package embedded

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"redoubt/internal/store"
)

// A power cut keeps what was synced, and any part of what was not: blocks out of order, holes, files without names.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		disk := vfs.NewCrashableMem()
		acknowledged := 0
		for life := range 3 {
			e, err := openFS(disk, "/data", make([]byte, 32))
			if err != nil {
				t.Fatalf("seed %d, life %d: %v", seed, life, err)
			}
			survived := count(t, e)
			if survived < acknowledged {
				t.Fatalf("seed %d, life %d: %d records of %d survived", seed, life, survived, acknowledged)
			}
			acknowledged = survived + write(t, e, survived, random)
			crashed := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
			e.Close()
			disk = crashed
		}
	}
}

// write puts records, acknowledges some, flushes at times, and returns how many are certain.
func write(t *testing.T, e *engine, from int, random *rand.Rand) (certain int) {
	t.Helper()
	for i := range random.IntN(60) {
		key := fmt.Appendf(nil, "t%06d", from+i)
		wait, err := e.Update(t.Context(), func(tx store.Txn) error {
			return tx.Put(key, make([]byte, random.IntN(5000)))
		})
		if err == nil && random.IntN(3) > 0 {
			err = wait()
			certain = i + 1
		}
		if err == nil && random.IntN(30) == 0 {
			err = e.db.Flush()
			certain = i + 1
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return certain
}

func count(t *testing.T, e *engine) (n int) {
	t.Helper()
	err := e.View(context.Background(), func(r store.Reader) error {
		for entry, err := range r.Scan([]byte("t"), []byte("u"), false) {
			if err != nil {
				return err
			}
			if want := fmt.Sprintf("t%06d", n); string(entry.Key) != want {
				return fmt.Errorf("record %q in place of %q", entry.Key, want)
			}
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSequenceNeverRepeats(t *testing.T) {
	disk := vfs.NewMem()
	var last uint64
	for range 3 {
		e, err := openFS(disk, "/data", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			e.Update(t.Context(), func(tx store.Txn) error {
				n, err := tx.Sequence()
				if err != nil || n <= last {
					t.Errorf("after %d came %d, %v", last, n, err)
				}
				last = n
				return err
			})
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
