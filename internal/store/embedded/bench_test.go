package embedded_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

func open(tb testing.TB, dir string) *store.DB {
	tb.Helper()
	ring, err := seal.Open(context.Background(), "", dir)
	if err != nil {
		tb.Fatal(err)
	}
	engine, err := embedded.Open(dir+"/store", ring)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := store.Open(engine, ring)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

type row struct{ Body []byte }

func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db := open(b, b.TempDir())
			rows := store.NewTable[row](db, "bench", "row")
			b.SetParallelism((writers + 1) / 2)
			if writers == 1 {
				b.SetParallelism(1)
			}
			var n atomic.Int64
			b.ReportAllocs()
			put := func() {
				key := fmt.Sprintf("%016d", n.Add(1))
				err := db.Update(b.Context(), func(tx *store.Tx) error {
					return rows.Put(tx, row{make([]byte, 256)}, key)
				})
				if err != nil {
					b.Error(err)
				}
			}
			if writers == 1 {
				for b.Loop() {
					put()
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						put()
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	db := open(b, b.TempDir())
	rows := store.NewTable[row](db, "bench", "row")
	b.SetParallelism(32)
	var n atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			key := fmt.Sprintf("%016d", n.Add(1))
			if err := rows.Append(b.Context(), row{make([]byte, 256)}, key); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
