package api

import "context"

// Detached returns a context for work that may outlive the call of ctx. The caller is the same; but the work does not end
// with the call, its writes do not wait for the call's end to reach the disk, and what it touches is not in the call's
// record: calls made with it are calls of their own.
func Detached(ctx context.Context) context.Context {
	return WithCaller(context.Background(), CallerOf(ctx))
}
