package iam

import (
	"sync"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// memory is what the directory remembers, compiled, of what it has read since the last change of any record. A change
// replaces all of it ([Service.forget]) once it is visible and before it is acknowledged. A reader takes the memory
// first and reads the records then, so what it remembers there is never older than the memory it puts it in.
// It grows with the entities that call, never with what strangers ask for: what does not exist is not remembered.
type memory struct {
	keys     sync.Map // access key id: *api.Key
	callers  sync.Map // ARN of a user or role: *caller
	roles    sync.Map // ARN: *api.Role
	sessions sync.Map // account and ARN of a managed policy: its *policy.Document as a session policy
}

// caller is what a decision needs to know of a user or role.
type caller struct {
	entity   Entity
	identity api.Identity
}

// forget drops what the directory remembers.
func (s *Service) forget() { s.memory.Store(&memory{}) }

// recall returns what m has for a key, or reads it.
func recall[T any](m *sync.Map, key any, read func() (T, error)) (T, error) {
	if v, ok := m.Load(key); ok {
		return v.(T), nil
	}
	v, err := read()
	if err == nil {
		m.Store(key, v)
	}
	return v, err
}

// nothing is a session policy that lets nothing through. It stands for one that has been deleted since.
const nothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"none:null","Resource":"*"}]}`

// everything is the permissions of a root user, for those whom it vouches for.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func compile(text string, kind policy.Kind, name string) (*policy.Document, error) {
	d, err := policy.Parse(text, kind)
	if err != nil {
		return nil, err
	}
	return d.Named(name), nil
}
