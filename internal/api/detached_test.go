package api

import (
	"context"
	"errors"
	"testing"
	"time"

	"redoubt/internal/seal"
)

func TestDetachedWorkIsNoPartOfTheCall(t *testing.T) {
	t.Parallel()
	outer, cancel := context.WithCancel(WithCaller(context.Background(), &Caller{Name: "bob"}))
	inner, outermost := deferred(outer)
	if !outermost {
		t.Error("a call from outside is not the outermost")
	}
	call := &subjects{}
	ctx := Detached(context.WithValue(inner, subjectsKey{}, call))
	cancel()
	if ctx.Err() != nil {
		t.Error("ends with the call")
	}
	if CallerOf(ctx).Name != "bob" {
		t.Error("is nobody's")
	}
	if _, outermost := deferred(ctx); !outermost {
		t.Error("does not write down what it does before the call ends")
	}
	if Touch(ctx, Resource{ARN: "arn"}); len(call.all()) != 0 {
		t.Error("is in the record of the call")
	}
}

func TestExpiredTokenCallsNothing(t *testing.T) {
	t.Parallel()
	ring, err := seal.Open(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := NewSessions(ring)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRegistry(nil, sessions, nil)
	for left, want := range map[time.Duration]error{time.Minute: nil, -time.Second: ErrExpired} {
		token, err := sessions.Issue(&Session{Kind: AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/r/s", Expires: time.Now().Add(left)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.WithToken(t.Context(), token); !errors.Is(err, want) {
			t.Errorf("with %v left: %v", left, err)
		}
	}
}
