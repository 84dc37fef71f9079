package secretsmanager

import (
	"context"
	"sync"
	"time"
)

// RunDueAt does what would be due at a time, and waits until it is done.
func (s *Service) RunDueAt(ctx context.Context, now time.Time) error {
	var rotations sync.WaitGroup
	defer rotations.Wait()
	return s.runDue(ctx, now, &rotations)
}
