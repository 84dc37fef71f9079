package api

import (
	"context"
	"maps"
	"slices"
	"sync"
)

type subjectsKey struct{}

// subjects are the resources of one call: those that it was allowed to touch, and those that it made; and what else is to be
// said of it.
type subjects struct {
	allowed []Resource

	mu      sync.Mutex
	made    []Resource
	remarks map[string]string
}

func (s *subjects) all() []Resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.allowed, s.made)
}

// Authorized reports whether the call in ctx was allowed to touch the resource of that ARN. A method that looks a name up
// again asks it: what the name leads to may have changed since.
func Authorized(ctx context.Context, arn string) bool {
	s, _ := ctx.Value(subjectsKey{}).(*subjects)
	return s != nil && slices.ContainsFunc(s.allowed, func(r Resource) bool { return r.ARN == arn })
}

// Touch adds a resource to the record of the call in ctx: one that it has made, whose name no input could tell.
func Touch(ctx context.Context, r Resource) {
	s, _ := ctx.Value(subjectsKey{}).(*subjects)
	if s == nil {
		return
	}
	if r.Account == "" {
		r.Account = accountOf(r.ARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, r)
}

// Remark adds to the record of the call in ctx what CloudTrail has under additionalEventData. It is kept if the call succeeds.
func Remark(ctx context.Context, key, value string) {
	s, _ := ctx.Value(subjectsKey{}).(*subjects)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remarks == nil {
		s.remarks = map[string]string{}
	}
	s.remarks[key] = value
}

func (s *subjects) said() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.remarks)
}
