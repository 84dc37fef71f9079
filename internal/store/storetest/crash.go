package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"redoubt/internal/store"
)

const childVariable = "REDOUBT_STORETEST_DIR"

// Child turns the test binary into the process that testCrashes kills, when that started it. Call it in TestMain.
func Child(open Opener) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		return
	}
	db, err := open(dir)
	if err != nil {
		fmt.Println("cannot open:", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for writer := range crashWriters {
		wg.Go(func() { writeAndTell(db, writer) })
	}
	wg.Wait() // for ever
}

const crashWriters = 6

// writeAndTell writes records in order, each in one of the ways there are, and says so once it is durable.
func writeAndTell(db *store.DB, writer int) {
	rows, sums := crashTables(db)
	for n, err := nextRow(db, rows, writer); ; n++ {
		if err == nil {
			err = writeRow(db, rows, sums, writer, n)
		}
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println("durable", writer, n)
	}
}

func crashTables(db *store.DB) (*store.Table[string], *store.Table[int]) {
	return store.NewTable[string](db, "test", "rows"), store.NewTable[int](db, "test", "sums")
}

func rowKey(writer, n int) []string {
	return []string{fmt.Sprint(writer), fmt.Sprintf("%09d", n)}
}

func rowText(writer, n int) string {
	return strings.Repeat(fmt.Sprint(writer, ":", n, " "), 1+n%50)
}

func nextRow(db *store.DB, rows *store.Table[string], writer int) (n int, err error) {
	err = db.View(context.Background(), func(tx *store.Tx) error {
		for _, err := range rows.Scan(tx, store.Range{Prefix: []string{fmt.Sprint(writer)}}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func writeRow(db *store.DB, rows *store.Table[string], sums *store.Table[int], writer, n int) error {
	ctx := context.Background()
	if writer == 0 {
		return rows.Append(ctx, rowText(writer, n), rowKey(writer, n)...)
	}
	if writer == 1 {
		ctx = store.Deferred(ctx)
	}
	err := db.Update(ctx, func(tx *store.Tx) error {
		sum, _, err := sums.Get(tx, "all")
		return errors.Join(err,
			sums.Put(tx, sum+1, "all"),
			rows.Put(tx, rowText(writer, n), rowKey(writer, n)...),
			tx.Send("rows", fmt.Sprint(writer), nil))
	})
	return errors.Join(err, db.Sync(ctx))
}

// testCrashes kills a writing process at random moments, again and again on the same data.
func testCrashes(t *testing.T, open Opener) {
	dir := t.TempDir()
	for range 6 {
		acknowledged := killAtRandom(t, dir)
		db := mustOpen(t, open, dir)
		checkRows(t, db, acknowledged)
		must(t, db.Close())
	}
}

// killAtRandom returns the last row of each writer that the process called durable before it died.
func killAtRandom(t *testing.T, dir string) map[int]int {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	acknowledged := map[int]int{}
	kill := rand.IntN(2000)
	lines := bufio.NewScanner(out)
	for i := 0; lines.Scan(); i++ {
		var writer, n int
		if _, err := fmt.Sscanf(lines.Text(), "durable %d %d", &writer, &n); err != nil {
			t.Errorf("the process said %q", lines.Text())
		}
		acknowledged[writer] = n
		if i == kill {
			must(t, child.Process.Kill()) // and go on reading what it had said
		}
	}
	child.Wait()
	return acknowledged
}

// checkRows wants every acknowledged row, no gaps, and transactions whole.
func checkRows(t *testing.T, db *store.DB, acknowledged map[int]int) {
	t.Helper()
	rows, sums := crashTables(db)
	updates := 0
	for writer := range crashWriters {
		n := 0
		must(t, db.View(t.Context(), func(tx *store.Tx) error {
			for rec, err := range rows.Scan(tx, store.Range{Prefix: []string{fmt.Sprint(writer)}}) {
				if err != nil {
					return err
				}
				if rec.Key[1] != rowKey(writer, n)[1] || rec.Value != rowText(writer, n) {
					t.Fatalf("in place of row %d of writer %d there is %q", n, writer, rec.Key)
				}
				n++
			}
			return nil
		}))
		if last, any := acknowledged[writer]; any && n <= last {
			t.Errorf("writer %d was told that row %d is durable; there are %d", writer, last, n)
		}
		if writer > 0 {
			updates += n
		}
	}
	if sum, _, err := get(t.Context(), db, sums, "all"); err != nil || sum != updates {
		t.Errorf("%d transactions were counted, %d have a row (%v)", sum, updates, err)
	}
	messages, err := db.Messages(t.Context(), "rows", 0, updates+1)
	if err != nil || len(messages) != updates {
		t.Errorf("%d transactions sent %d messages, %v", updates, len(messages), err)
	}
}
