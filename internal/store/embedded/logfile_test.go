package embedded

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"redoubt/internal/store"
)

// writeLog appends frames of random sizes and returns their contents, and how many bytes of them were synced.
func writeLog(t *testing.T, fs vfs.FS, random *rand.Rand) (content []byte, synced int) {
	t.Helper()
	f, err := fs.Create("/1.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir, err := fs.OpenDir("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for range 1 + random.IntN(30) {
		p := make([]byte, random.IntN(3000))
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		content = append(content, p...)
		if _, err := f.Write(p); err != nil {
			t.Fatal(err)
		}
		if random.IntN(4) == 0 {
			if err := errors.Join(f.Sync(), dir.Sync()); err != nil {
				t.Fatal(err)
			}
			synced = len(content)
		}
	}
	return content, synced
}

func readLog(fs vfs.FS) ([]byte, error) {
	f, err := fs.Open("/1.log")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func TestLogAfterPowerCutKeepsWhatWasSynced(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		disk := vfs.NewCrashableMem()
		content, synced := writeLog(t, &cryptFS{disk, nil}, random)
		crashed := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
		got, err := readLog(&cryptFS{crashed, nil})
		if synced == 0 && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil || len(got) < synced || !bytes.HasPrefix(content, got) {
			t.Errorf("seed %d: %d of %d bytes, %d synced: %v", seed, len(got), len(content), synced, err)
		}
	}
}

func TestLogWithFlippedBitIsDamaged(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		disk := vfs.NewMem()
		writeLog(t, &cryptFS{disk, nil}, random)
		raw, err := disk.OpenReadWrite("/1.log", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := raw.Stat()
		at, b := random.Int64N(info.Size()), make([]byte, 1)
		raw.ReadAt(b, at)
		b[0] ^= 1 << random.IntN(8)
		raw.WriteAt(b, at)
		raw.Close()
		if _, err := readLog(&cryptFS{disk, nil}); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("seed %d: a bit of byte %d of %d was flipped: %v", seed, at, info.Size(), err)
		}
	}
}
