package front

import (
	"testing"
	"time"
)

func TestStrangersHaveAnAllowanceOfRecords(t *testing.T) {
	t.Parallel()
	var a allowance
	now := time.Now()
	for i := range strangersAtOnce {
		if !a.take(now) {
			t.Fatalf("the allowance ends after %d", i)
		}
	}
	if a.take(now) {
		t.Fatal("the allowance has no end")
	}
	if now = now.Add(strangersEvery); !a.take(now) || a.take(now) {
		t.Error("it does not come back one by one")
	}
	if now = now.Add(strangersAtOnce * strangersEvery); !a.take(now) || a.spent != 1 {
		t.Errorf("it does not come back whole: %d spent", a.spent)
	}
}
