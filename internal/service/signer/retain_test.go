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
	s, check := newService(t)
	db := s.db
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

// newService is the service alone, and a way to end the test with an error.
func newService(t *testing.T) (*Service, func(error)) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	ring, err := seal.Open(t.Context(), "", dir)
	check(err)
	t.Cleanup(func() { ring.Close() })
	engine, err := embedded.Open(dir+"/store", ring)
	check(err)
	db, err := store.Open(engine, ring)
	check(err)
	t.Cleanup(func() { db.Close() })
	s, err := New(api.Deps{DB: db})
	check(err)
	return s, check
}

func TestRevocationBeginsWithItsSecond(t *testing.T) {
	s, check := newService(t)
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	p := Profile{
		Place: place{"123456789012", "us-east-1", "mine"}, Version: "0123456789", Revocation: &profileRevocation{Effective: noon.Add(700 * time.Millisecond)},
	}
	check(s.db.Update(t.Context(), func(tx *store.Tx) error { return s.profiles.Put(tx, p, p.Place.key()...) }))
	for _, c := range []struct {
		version string
		signed  time.Time
		want    bool
	}{
		{p.Version, noon.Add(-time.Second), false}, {p.Version, noon, true}, {p.Version, noon.Add(time.Hour), true},
		{"9876543210", noon.Add(-time.Second), true}, // is not known, and so not trusted
	} {
		check(s.db.View(t.Context(), func(tx *store.Tx) error {
			got, err := s.profileRevoked(tx, p.arn()+"/"+c.version, c.signed)
			if got != c.want {
				t.Errorf("signed by %s at %s: revoked is %t", c.version, c.signed, got)
			}
			return err
		}))
	}
}

func TestSignatureOfAJobThatFailedIsNotTrusted(t *testing.T) {
	s, check := newService(t)
	j := Job{Place: place{"123456789012", "us-east-1", "job"}, Profile: "mine", Version: "0123456789"}
	for status, want := range map[types.SigningStatus]bool{
		types.SigningStatusInProgress: false, types.SigningStatusSucceeded: false, types.SigningStatusFailed: true,
	} {
		j.Status = status
		check(s.db.Update(t.Context(), func(tx *store.Tx) error { return s.jobs.Put(tx, j, j.Place.key()...) }))
		check(s.db.View(t.Context(), func(tx *store.Tx) error {
			got, err := s.jobRevoked(tx, j.arn(), j.profile().arn(profileKind)+"/"+j.Version)
			if got != want {
				t.Errorf("%s: revoked is %t", status, got)
			}
			return err
		}))
	}
}
