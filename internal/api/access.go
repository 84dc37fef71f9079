package api

import (
	"context"
	"net/http"
	"time"
)

// An Access is one request to a resource whose owner wants to know of all of them, with its answer.
type Access struct {
	Bucket    string
	Key       string
	Request   *http.Request
	Caller    *Caller
	Signed    string // AuthHeader, QueryString, or "" for strangers
	Status    int
	ErrorCode string
	Sent      int64 // bytes of the body
	Took      time.Duration
}

// An AccessLogger is a service that keeps such accounts.
type AccessLogger interface {
	// LogsAccess reports whether the owner of a bucket wants them.
	LogsAccess(ctx context.Context, bucket string) bool
	// Accessed takes one. It must not block.
	Accessed(ctx context.Context, a *Access)
}
