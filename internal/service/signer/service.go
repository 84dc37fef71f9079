// Package signer is AWS Signer: profiles under whose name packages are signed, the jobs that sign them, and what of all that
// was revoked.
//
// It signs for Lambda. A profile has one version and one key, which never leaves it: a job reads a package from S3 as whoever
// has started it, signs it, and writes it back as the same.
package signer

import (
	"context"
	_ "embed"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"redoubt/internal/api"
	"redoubt/internal/codesign"
	"redoubt/internal/store"
	"redoubt/internal/wire"
	"redoubt/internal/work"
)

const (
	name      = "signer"
	principal = "signer.amazonaws.com"
)

// Service implements the operations of Signer.
type Service struct {
	db        *store.DB
	api       *api.Registry
	authority *codesign.Authority

	profiles *store.Table[Profile] // account, region, name
	keys     *store.Table[secret]  // account, region, name
	jobs     *store.Table[Job]     // owner, region, id
	seen     *store.Table[jobRef]  // account that owns or has started it, region, id
	tokens   *store.Table[jobRef]  // account that has started it, region, client request token
	running  *store.Table[jobRef]  // owner, region, id

	tasks   chan task
	backlog backlog
	log     *slog.Logger
}

// New returns the service. It starts nothing.
func New(d api.Deps) (*Service, error) {
	return &Service{
		db: d.DB, api: d.API, authority: codesign.NewAuthority(d.DB),
		profiles: store.NewTable[Profile](d.DB, name, "profile"),
		keys:     store.NewTable[secret](d.DB, name, "key"),
		jobs:     store.NewTable[Job](d.DB, name, "job"),
		seen:     store.NewTable[jobRef](d.DB, name, "seen"),
		tokens:   store.NewTable[jobRef](d.DB, name, "token"),
		running:  store.NewTable[jobRef](d.DB, name, "running"),
		tasks:    make(chan task, maxWaiting),
		log:      d.Log,
	}, nil
}

// Name implements api.Service.
func (s *Service) Name() string { return name }

//go:embed api.json
var model []byte

// Model implements api.Service.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model} }

// Run works on jobs, and removes what has outlived its time, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.work(ctx) })
	g.Go(func() error { return work.Every(ctx, 24*time.Hour, s.retain) })
	return g.Wait()
}
