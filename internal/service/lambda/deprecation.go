package lambda

import (
	"context"
	"time"

	"redoubt/internal/service/lambda/runtimes"
)

// mayDeploy refuses a runtime that AWS does not let functions have any more, and warns in the server's log of one that AWS
// has deprecated. may is runtimes.MayCreate or runtimes.MayUpdate.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtime-support-policy
func (s *Service) mayDeploy(ctx context.Context, f *Function, may func(runtime string, now time.Time) error) error {
	name, now := string(f.Runtime), time.Now()
	if name == "" { // check has words for that
		return nil
	}
	if err := may(name, now); err != nil {
		return invalid("%s", err)
	}
	if runtimes.Deprecated(name, now) {
		l, _ := runtimes.LifecycleOf(name)
		s.deps.Log.WarnContext(ctx, "a function is deployed with a runtime that AWS has deprecated", "function", f.arn(), "runtime", name,
			"create_blocked", l.CreateBlocked.Format(time.DateOnly), "update_blocked", l.UpdateBlocked.Format(time.DateOnly))
	}
	return nil
}
