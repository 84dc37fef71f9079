// Package logs is Amazon CloudWatch Logs: events in streams, streams in groups.
//
// Events are kept in chunks: what one PutLogEvents brings is one record, or a few, ordered by the time of its first event.
// Groups and streams have ids of their own besides their names, so that a name used again shows nothing old.
package logs

import (
	"context"
	_ "embed"
	"sync"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/wire"
	"redoubt/internal/work"
)

// Service implements the operations of CloudWatch Logs.
type Service struct {
	db  *store.DB
	api *api.Registry

	groups   *store.Table[Group]   // account, region, name
	usage    *store.Table[usage]   // account, region, group id
	streams  *store.Table[Stream]  // account, region, group id, name
	chunks   *store.Table[Chunk]   // account, region, group id, stream id, class, time, number
	dataKeys *store.Table[DataKey] // account, region, group id, key id

	opened keyCache
	packer packer
}

const name = "logs"

// New returns the service. It starts nothing.
func New(d api.Deps) (*Service, error) {
	return &Service{
		db: d.DB, api: d.API,
		groups:   store.NewTable[Group](d.DB, name, "group"),
		usage:    store.NewTable[usage](d.DB, name, "usage"),
		streams:  store.NewTable[Stream](d.DB, name, "stream"),
		chunks:   store.NewTable[Chunk](d.DB, name, "chunk"),
		dataKeys: store.NewTable[DataKey](d.DB, name, "datakey"),
	}, nil
}

// Name implements api.Service.
func (s *Service) Name() string { return name }

var (
	//go:embed api.json
	model []byte
	//go:embed api.patch.json
	patch []byte
)

// Model implements api.Service. Its patch keeps what functions log out of the record of calls that are refused.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model, Patch: patch} }

// MaxBody makes room for 1 MiB of messages, each byte of which may take six in JSON, in 10,000 events.
func (s *Service) MaxBody() int64 { return 7 << 20 }

// Unions lists the union types of the SDK, as api.Unioner.
func (s *Service) Unions() []wire.Union { return unions() }

// Run removes what expired or was deleted, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	workers.Go(func() { work.Every(ctx, time.Minute, s.forgetKeys) })
	workers.Go(func() { work.Every(ctx, time.Hour, s.expire) })
	return work.Drain(ctx, s.db, deletions, s.remove)
}
