package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"golang.org/x/sync/errgroup"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/work"
)

const (
	maxRotations = 16 // at a time
	maxAttempts  = 5  // of a rotation, until its next window
	lookEvery    = 30 * time.Second
)

// steps are what a rotation function is asked to do, one after the other:
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
var steps = []string{"createSecret", "setSecret", "testSecret", "finishSecret"}

// Run rotates and deletes secrets when their time has come, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return work.Every(ctx, lookEvery, func(context.Context) error { s.ring(); return nil })
	})
	g.Go(func() error {
		var rotations sync.WaitGroup
		defer rotations.Wait()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-s.wake:
			}
			if err := s.runDue(ctx, time.Now().UTC(), &rotations); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "looking for secrets to rotate or delete failed", "error", err)
			}
		}
	})
	return g.Wait()
}

// runDue deletes what is due, and begins rotations in the background. What was due before a restart is due after it.
func (s *Service) runDue(ctx context.Context, now time.Time, rotations *sync.WaitGroup) error {
	var due []place
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.due.Scan(tx, store.Range{Before: []string{now.Add(time.Millisecond).Format(dueForm)}}) {
			if err != nil {
				return err
			}
			due = append(due, place{r.Key[1], r.Key[2], r.Key[3]})
		}
		return nil
	})
	for _, p := range due {
		if err == nil {
			err = s.removeDue(ctx, p, now)
		}
		s.rotateInBackground(ctx, p, now, rotations)
	}
	return err
}

func (s *Service) removeDue(ctx context.Context, p place, now time.Time) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		x, ok, err := s.secrets.Get(tx, p.key()...)
		if err != nil || !ok || x.Deletion.IsZero() || x.Deletion.After(now) {
			return err
		}
		return s.remove(tx, &x)
	})
}

// rotateInBackground rotates a secret unless that is being done, or too many others are.
func (s *Service) rotateInBackground(ctx context.Context, p place, now time.Time, rotations *sync.WaitGroup) {
	if _, busy := s.running.LoadOrStore(p, struct{}{}); busy {
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.running.Delete(p)
		return
	}
	rotations.Go(func() {
		done, err := s.rotate(ctx, p, now)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "rotating a secret failed", "secret", p.name, "account", p.account, "error", err)
		}
		<-s.slots
		if s.running.Delete(p); done {
			s.ring() // others may have waited for the slot
		}
	})
}

// rotate takes the steps of a secret's rotation, if it is time, and writes down how it ended. It reports whether it was time.
func (s *Service) rotate(ctx context.Context, p place, now time.Time) (done bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	x, err := s.attempt(ctx, p, now)
	if err != nil || x == nil {
		return false, err
	}
	failure := s.takeSteps(ctx, x)
	if ctx.Err() != nil && failure != nil {
		return false, nil // it is begun again when the server is
	}
	err = s.end(context.WithoutCancel(ctx), x, failure)
	return err == nil, err
}

// attempt finds what is to be rotated now; nil if nothing is.
func (s *Service) attempt(ctx context.Context, p place, now time.Time) (due *Secret, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		due = nil
		x, ok, err := s.secrets.Get(tx, p.key()...)
		if err != nil || !ok || x.Rotation == nil || !x.Deletion.IsZero() {
			return err
		}
		r := x.Rotation
		switch {
		case r.Pending != nil && r.Pending.Next.After(now):
			return nil
		case r.Pending == nil && (!r.Enabled || r.Next.IsZero() || r.Next.After(now)):
			return nil
		case r.Pending == nil:
			if err := s.begin(tx, &x, x.unfinished(), false, now); err != nil {
				return err
			}
		}
		due = &x
		return s.put(tx, &x)
	})
	return due, err
}

// unfinished is the version that an earlier rotation has left behind, which is tried again, or the id of a new one.
func (x *Secret) unfinished() string {
	if id := x.holder(pending); id != "" && id != x.holder(current) {
		return id
	}
	return api.NewUUID()
}

// takeSteps invokes the function once for each step, as long as the rotation is wanted.
func (s *Service) takeSteps(ctx context.Context, x *Secret) error {
	todo := steps
	if x.Rotation.Pending.Test {
		todo = []string{"testSecret"}
	}
	for _, step := range todo {
		if wanted, err := s.wanted(ctx, x); err != nil || !wanted {
			return err
		}
		if err := s.step(ctx, x, step); err != nil {
			return fmt.Errorf("step %s: %w", step, err)
		}
	}
	return nil
}

// wanted reports whether a rotation is still that of its secret, which may have been changed or cancelled meanwhile.
func (s *Service) wanted(ctx context.Context, x *Secret) (wanted bool, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		now, ok, err := s.secrets.Get(tx, x.place().key()...)
		wanted = ok && now.pursues(x)
		return err
	})
	return wanted, err
}

func (x *Secret) pursues(begun *Secret) bool {
	return x.Suffix == begun.Suffix && x.Deletion.IsZero() && x.Rotation != nil && x.Rotation.Pending != nil &&
		x.Rotation.Pending.Token == begun.Rotation.Pending.Token
}

// errFunction is all that is said of a function that failed: what it answers may tell of the secret.
var errFunction = errors.New("the rotation function failed; its log tells why")

func (s *Service) step(ctx context.Context, x *Secret, step string) error {
	p := x.Rotation.Pending
	event, err := json.Marshal(struct{ Step, SecretId, ClientRequestToken, RotationToken string }{step, x.arn(), p.Token, p.RotationToken})
	if err != nil {
		return err
	}
	out, err := api.Call[lambda.InvokeOutput](api.As(ctx, principal, x.arn()), s.api, &lambda.InvokeInput{
		FunctionName: &x.Rotation.Function, Payload: event,
	})
	if err == nil && out.FunctionError != nil {
		err = errFunction
	}
	return err
}

// errUnfinished says that the function did not do what its last step is for.
var errUnfinished = errors.New("the function has not moved AWSCURRENT to the new version")

// end writes down how a rotation ended.
func (s *Service) end(ctx context.Context, begun *Secret, failure error) error {
	token := begun.Rotation.Pending.Token
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		x, ok, err := s.secrets.Get(tx, begun.place().key()...)
		if err != nil || !ok || x.Suffix != begun.Suffix || x.Rotation == nil {
			return err
		}
		now := stamp()
		switch r := x.Rotation; {
		case begun.Rotation.Pending.Test:
			err = s.endTest(tx, &x, token)
		case failure == nil && x.holder(current) == token:
			if x.holder(pending) == token {
				x.detach(pending)
			}
			r.Last, r.Pending, x.Changed = now, nil, now
			r.plan(now)
		case x.pursues(begun):
			if failure == nil {
				failure = errUnfinished
			}
			r.retry(now)
		}
		if err != nil {
			return err
		}
		return s.put(tx, &x)
	})
	if failure != nil {
		s.log.WarnContext(ctx, "a rotation failed", "secret", begun.Name, "account", begun.Account, "error", failure)
	}
	return err
}

// endTest removes the version that a test was made with.
func (s *Service) endTest(tx *store.Tx, x *Secret, token string) error {
	if p := x.Rotation.Pending; p != nil && p.Token == token {
		x.Rotation.Pending = nil
	}
	if x.holder(pending) == token {
		x.detach(pending)
	}
	at := x.place().version(token)
	if there, err := s.versions.Has(tx, at...); err != nil || !there || len(x.Stages[token]) > 0 {
		return err
	}
	x.Versions--
	return s.versions.Delete(tx, at...)
}

// retry plans the next attempt of a rotation that failed: in minutes at first, and then in its next window. Without a
// schedule it is given up.
func (r *Rotation) retry(now time.Time) {
	p := r.Pending
	if p.Attempts++; p.Attempts < maxAttempts {
		p.Next = now.Add(time.Minute << (2 * (p.Attempts - 1)))
		return
	}
	sc, err := r.Rules.schedule()
	if err != nil || sc == nil || !r.Enabled {
		r.Pending = nil
		return
	}
	p.Attempts, p.Next = 0, sc.next(now)
}
