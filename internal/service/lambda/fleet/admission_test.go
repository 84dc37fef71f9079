package fleet

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// admitted enters n events, one after the other, and returns why the last one may not.
func admitted(f *Fleet, fn *Function, n int) error {
	for range n {
		_, leave, err := f.enter(fn)
		if err != nil {
			return err
		}
		leave()
	}
	return nil
}

func TestEventsComeTenTimesAsOftenASecondAsMayRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, two := New(Config{}), int32(2)
		own := &Function{ARN: "own", Scope: "all", Reserved: &two, Unreserved: 100}
		shared := &Function{ARN: "other", Scope: "all", Unreserved: 3}
		for range 3 {
			if err := admitted(f, own, 20); err != nil {
				t.Fatal(err)
			}
			var throttled *Throttled
			if err := admitted(f, own, 1); !errors.As(err, &throttled) || !throttled.Rate || !throttled.Reserved || throttled.After != 50*time.Millisecond {
				t.Fatalf("got %+v", throttled)
			}
			if err := admitted(f, shared, 30); err != nil {
				t.Fatal(err)
			}
			if err := admitted(f, shared, 1); !errors.As(err, &throttled) || !throttled.Rate || throttled.Reserved {
				t.Fatalf("got %+v", throttled)
			}
			time.Sleep(50 * time.Millisecond)
			if err := admitted(f, own, 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			f.fullLocked(time.Now())
			if len(f.rates) != 0 {
				t.Fatalf("%d buckets are full and still there", len(f.rates))
			}
		}
	})
}

func TestEventsThatRunAtOnceAreLimited(t *testing.T) {
	f, none := New(Config{}), int32(0)
	var throttled *Throttled
	if err := admitted(f, &Function{ARN: "f", Reserved: &none}, 1); !errors.As(err, &throttled) || !throttled.Reserved || throttled.Rate || throttled.After != 0 {
		t.Errorf("got %+v", throttled)
	}
	fn := &Function{ARN: "f", Scope: "all", Unreserved: 2}
	for range 2 {
		if _, _, err := f.enter(fn); err != nil {
			t.Fatal(err)
		}
	}
	if err := admitted(f, fn, 1); !errors.As(err, &throttled) || throttled.Reserved || throttled.Rate || throttled.After != time.Second {
		t.Errorf("got %+v", throttled)
	}
}
