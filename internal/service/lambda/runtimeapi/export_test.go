package runtimeapi

import (
	"context"
	"time"
)

// Pace takes the time of a stream of that many bytes.
func Pace(ctx context.Context, size int) {
	b := bucket{tokens: streamBurst, last: time.Now()}
	for ; size > 0; size -= 32 << 10 {
		b.take(ctx, 32<<10)
	}
}
