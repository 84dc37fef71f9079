package signer

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/api"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

func TestMonthsEndWithTheirLastDay(t *testing.T) {
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		from string
		n    int
		want string
	}{{"2026-01-31", 1, "2026-02-28"}, {"2027-12-31", 2, "2028-02-29"}, {"2026-01-15", 135, "2037-04-15"}, {"2026-08-31", 12, "2027-08-31"}} {
		if got := addMonths(day(c.from), c.n); !got.Equal(day(c.want)) {
			t.Errorf("%d months after %s is %s, want %s", c.n, c.from, got.Format(time.DateOnly), c.want)
		}
	}
}

func TestNobodyFillsTheQueueForOthers(t *testing.T) {
	var b backlog
	ref := func(i int) jobRef { return jobRef{place{"a", "r", fmt.Sprint(i)}} }
	for i := range maxOfAccount {
		if !b.take(ref(i), "a") {
			t.Fatalf("job %d is refused", i)
		}
	}
	if b.take(ref(-1), "a") || !b.take(ref(-2), "b") {
		t.Error("an account has more than its part, or takes that of another")
	}
	if b.drop(ref(0)); !b.take(ref(-1), "a") {
		t.Error("no job follows one that has ended")
	}
}

// Jobs and profiles outlive the last of their signatures by half a year.
func TestWhatIsOverIsForgottenInItsTime(t *testing.T) {
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ring, err := seal.Open(t.Context(), "", dir)
	check(err)
	defer ring.Close()
	engine, err := embedded.Open(dir+"/store", ring)
	check(err)
	db, err := store.Open(engine, ring)
	check(err)
	defer db.Close()
	s, err := New(api.Deps{DB: db})
	check(err)
	year := types.SignatureValidityPeriod{Type: types.ValidityTypeYears, Value: 1}
	long, short := time.Now().AddDate(0, -19, 0), time.Now().AddDate(0, -17, 0)
	put := func(name string, ended time.Time, status types.SigningProfileStatus) {
		at := place{"1", "r", name}
		check(db.Update(t.Context(), func(tx *store.Tx) error {
			if err := s.profiles.Put(tx, Profile{Place: at, Validity: year, Status: status, Ended: ended}, at.key()...); err != nil {
				return err
			}
			j := Job{Place: at, Invoker: "2", Token: name}
			if !ended.IsZero() {
				j.Expires = ended.AddDate(1, 0, 0)
			}
			j.Created = time.Now()
			if err := s.seen.Put(tx, jobRef{at}, "2", "r", name); err != nil {
				return err
			}
			return s.jobs.Put(tx, j, at.key()...)
		}))
	}
	put("over", long, types.SigningProfileStatusCanceled)
	put("kept", short, types.SigningProfileStatusRevoked)
	put("live", time.Time{}, types.SigningProfileStatusActive)
	check(s.retain(t.Context()))
	var left []string
	check(db.View(t.Context(), func(tx *store.Tx) error {
		for r, err := range s.profiles.Scan(tx, store.Range{}) {
			check(err)
			left = append(left, "profile "+r.Key[2])
		}
		for r, err := range s.jobs.Scan(tx, store.Range{}) {
			check(err)
			left = append(left, "job "+r.Key[2])
		}
		for r, err := range s.seen.Scan(tx, store.Range{}) {
			check(err)
			left = append(left, "seen "+r.Key[2])
		}
		return nil
	}))
	if want := "[profile kept profile live job kept job live seen kept seen live]"; fmt.Sprint(left) != want {
		t.Errorf("got  %v\nwant %s", left, want)
	}
}
