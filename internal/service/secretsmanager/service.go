// Package secretsmanager is AWS Secrets Manager: secrets in versions, encrypted under KMS keys, and rotated by functions.
//
// A value is sealed with a data key of its own, which only KMS opens, for whoever asks: what may be read is decided by the
// secret's policies and by the key's. Records hold no value in the clear, and no opened data key outlives its call.
package secretsmanager

import (
	"context"
	_ "embed"
	"log/slog"
	"sync"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

const (
	name      = "secretsmanager"
	principal = "secretsmanager.amazonaws.com"
)

// Service implements the operations of Secrets Manager.
type Service struct {
	db  *store.DB
	api *api.Registry
	log *slog.Logger

	secrets  *store.Table[Secret]  // account, region, name
	versions *store.Table[Version] // account, region, name, version id
	due      *store.Table[mark]    // time, account, region, name

	policies documents
	wake     chan struct{}
	running  sync.Map // place -> struct{}: the secrets that are being rotated
	slots    chan struct{}
}

// A mark is a record that says all by its key.
type mark struct{}

// New returns the service. It starts nothing.
func New(d api.Deps) (*Service, error) {
	return &Service{
		db: d.DB, api: d.API, log: d.Log,
		secrets:  store.NewTable[Secret](d.DB, name, "secret"),
		versions: store.NewTable[Version](d.DB, name, "version"),
		due:      store.NewTable[mark](d.DB, name, "due"),
		wake:     make(chan struct{}, 1),
		slots:    make(chan struct{}, maxRotations),
	}, nil
}

// Name implements api.Service.
func (s *Service) Name() string { return name }

//go:embed api.json
var model []byte

// Model implements api.Service.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model} }

// documents holds compiled policies by the revision that every stored policy has.
type documents struct {
	mu   sync.RWMutex
	made map[string]*policy.Document
}

// maxDocuments bounds the cache, which is emptied when full.
const maxDocuments = 10_000

// of compiles the policy of a secret; nil if it has none.
func (c *documents) of(x *Secret) (*policy.Document, error) {
	if x.Policy == "" {
		return nil, nil
	}
	c.mu.RLock()
	d := c.made[x.PolicyRevision]
	c.mu.RUnlock()
	if d != nil {
		return d, nil
	}
	d, err := policy.Parse(x.Policy, policy.Resource)
	if err != nil {
		return nil, err
	}
	d = d.Bound(x.Bound)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil || len(c.made) >= maxDocuments {
		c.made = map[string]*policy.Document{}
	}
	c.made[x.PolicyRevision] = d
	return d, nil
}

// ring wakes the worker.
func (s *Service) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// here is the account and the region of a call.
func here(ctx context.Context) place {
	c := api.CallerOf(ctx)
	return place{account: c.Account, region: c.Region}
}
