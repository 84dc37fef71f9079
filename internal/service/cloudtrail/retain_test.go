package cloudtrail

import (
	"context"
	"fmt"
	"testing"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

const account, region = "111122223333", "us-east-1"

// open returns the service on a store of its own.
func open(t testing.TB, c Config) *Service {
	t.Helper()
	dir := t.TempDir()
	ring, err := seal.Open(t.Context(), "", dir)
	must(t, err)
	engine, err := embedded.Open(dir, ring)
	must(t, err)
	db, err := store.Open(engine, ring)
	must(t, err)
	t.Cleanup(func() {
		must(t, db.Close())
		must(t, ring.Close())
	})
	s, err := New(api.Deps{DB: db}, c)
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record records n events, a minute apart, the last one that old.
func record(t testing.TB, s *Service, account string, n int, age time.Duration) {
	t.Helper()
	last := time.Now().Add(-age)
	for i := range n {
		at := last.Add(-time.Duration(n-1-i) * time.Minute)
		must(t, s.Record(t.Context(), &api.Event{ID: fmt.Sprintf("%s-%d", age, i), Time: at, Name: "Test", Account: account, Region: region}))
	}
}

// kept lists the ids of the events of an account, the oldest first.
func kept(t testing.TB, s *Service, account string) (ids []string) {
	t.Helper()
	must(t, s.db.View(t.Context(), func(tx *store.Tx) error {
		for r, err := range s.events.Scan(tx, store.Range{Prefix: []string{account, region}}) {
			if err != nil {
				return err
			}
			ids = append(ids, r.Value.ID)
		}
		return nil
	}))
	return ids
}

func counted(t testing.TB, s *Service, account string) (n int) {
	t.Helper()
	must(t, s.db.View(t.Context(), func(tx *store.Tx) error {
		v, _, err := s.volume.Get(tx, account, region)
		n = v.Events
		return err
	}))
	return n
}

func TestTheOldestEventsGoWhenThereAreTooMany(t *testing.T) {
	s := open(t, Config{MaxEvents: 10})
	record(t, s, account, 1300, 0) // more than two batches to remove
	record(t, s, "444455556666", 3, 0)
	must(t, s.trim(t.Context()))
	ids := kept(t, s, account)
	if len(ids) != 10 || ids[0] != "0s-1290" || ids[9] != "0s-1299" {
		t.Errorf("kept %v", ids)
	}
	if n := len(kept(t, s, "444455556666")); n != 3 {
		t.Errorf("another account keeps %d events, want 3", n)
	}
	if n := counted(t, s, account); n != 10 {
		t.Errorf("counted %d events, want 10", n)
	}
	record(t, s, account, 2, -time.Minute)
	must(t, s.trim(t.Context()))
	if n := len(kept(t, s, account)); n != 10 {
		t.Errorf("kept %d events, want 10", n)
	}
}

func TestWhoMakesTooManyCallsPushesOutTheirOwnRecordOnly(t *testing.T) {
	s := open(t, Config{MaxEvents: 10})
	by := func(arn string, n int, age time.Duration) {
		for i := range n {
			at := time.Now().Add(time.Duration(i)*time.Second - age)
			e := &api.Event{ID: fmt.Sprintf("%s-%d", arn, i), Time: at, Account: account, Region: region, Identity: api.UserIdentity{ARN: arn}}
			must(t, s.Record(t.Context(), e))
		}
	}
	by("quiet", 3, 2*time.Hour)
	by("busy", 700, time.Hour)
	must(t, s.trim(t.Context()))
	ids := kept(t, s, account)
	if len(ids) != 10 || ids[0] != "quiet-0" || ids[2] != "quiet-2" || ids[3] != "busy-693" || ids[9] != "busy-699" {
		t.Errorf("kept %v", ids)
	}
}

func TestEventsGoAfterNinetyDays(t *testing.T) {
	s := open(t, Config{})
	record(t, s, account, 600, history+time.Minute)
	record(t, s, account, 1, history-time.Minute)
	record(t, s, account, 2, 0)
	must(t, s.trim(t.Context()))
	if ids := kept(t, s, account); len(ids) != 3 {
		t.Errorf("kept %d events, want 3", len(ids))
	}
	if n := counted(t, s, account); n != 3 {
		t.Errorf("counted %d events, want 3", n)
	}
}

func TestWhatWasNotCountedIsCountedAtTheEnd(t *testing.T) {
	s := open(t, Config{})
	record(t, s, account, 3, 0)
	ended, end := context.WithCancel(t.Context())
	end()
	must(t, s.Run(ended)) // the trimming fails, and what it took is put back
	if n := counted(t, s, account); n != 3 {
		t.Errorf("counted %d events, want 3", n)
	}
}
