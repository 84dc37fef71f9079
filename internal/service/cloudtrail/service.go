// Package cloudtrail keeps the record of every call, and lets those who may look things up in it.
//
// It is the registry's [api.Recorder]: the pipeline hands it each call before the answer leaves.
package cloudtrail

import (
	"context"
	_ "embed"
	"sync"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

var (
	//go:embed api.json
	model []byte
	//go:embed api.patch.json
	patch []byte
)

// Service is AWS CloudTrail.
type Service struct {
	api    *api.Registry
	db     *store.DB
	events *store.Table[api.Event]
	volume *store.Table[volume]
	config Config

	mu    sync.Mutex
	fresh map[trail]int // events recorded since their number was last stored
}

// Config says what is kept.
type Config struct {
	Data      bool // calls of the data plane too
	MaxEvents int  // of each account and region; default 1,000,000, about 1 GiB
}

// A trail is the record of one account in one region.
type trail struct{ account, region string }

// New returns the service.
func New(d api.Deps, c Config) (*Service, error) {
	if c.MaxEvents == 0 {
		c.MaxEvents = 1_000_000
	}
	return &Service{
		api: d.API, db: d.DB, config: c, fresh: map[trail]int{},
		events: store.NewTable[api.Event](d.DB, "cloudtrail", "event"),
		volume: store.NewTable[volume](d.DB, "cloudtrail", "volume"),
	}, nil
}

// Name is the prefix of the service's actions.
func (s *Service) Name() string { return "cloudtrail" }

// Model is the wire model.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model, Patch: patch} }

// Record keeps an event. The key orders events by time; its id tells apart those of one moment.
func (s *Service) Record(ctx context.Context, e *api.Event) error {
	s.mu.Lock()
	s.fresh[trail{e.Account, e.Region}]++
	s.mu.Unlock()
	return s.events.Append(ctx, *e, e.Account, e.Region, moment(e.Time), e.ID)
}

// WantsData reports whether calls of the data plane are kept.
func (s *Service) WantsData(string, *api.Event) bool { return s.config.Data }
