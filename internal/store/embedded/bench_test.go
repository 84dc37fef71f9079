package embedded_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"redoubt/internal/store"
)

func openBench(b *testing.B) *store.DB {
	b.Helper()
	db, err := open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

type row struct{ Body []byte }

func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db := openBench(b)
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
	db := openBench(b)
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
