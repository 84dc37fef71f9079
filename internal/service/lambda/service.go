// Package lambda is AWS Lambda: functions, the permission to invoke them, and the environments in which they run.
package lambda

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"sync"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/fleet"
	"redoubt/internal/service/lambda/runtimes"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

//go:embed api.json
var model []byte

//go:embed api.patch.json
var patch []byte

// spares is how many sandboxes are prepared for functions whose environments were just started.
const spares = 8

// principal is how Lambda calls other services.
const principal = "lambda.amazonaws.com"

// Config is what the service needs beyond what every service does.
type Config struct {
	Engine sandbox.Engine
	// Runtimes maps names of runtimes to interpreters of the host, for those that are not found by themselves.
	Runtimes map[string]string
	// Serve answers AWS calls on a listener inside the sandbox of a function, until the listener is closed.
	Serve func(l net.Listener, functionARN string)
}

// Service is Lambda.
type Service struct {
	layers        *store.Table[Layer]
	layerVersions *store.Table[LayerVersion]

	deps      api.Deps
	functions *store.Table[Function]
	versions  *store.Table[Version]
	aliases   *store.Table[Alias]
	retired   *store.Table[Retired]
	accounts  *store.Table[Account]
	signing   *store.Table[CodeSigningConfig]
	catalog   *runtimes.Catalog
	fleet     *fleet.Fleet

	provisioning sync.Mutex

	engine   sandbox.Engine
	packages packages
	loaded   once
	policies cache[*policy.Document]
}

// New returns the service. [Service.Run] reclaims idle environments; [Service.Drain] ends all of them.
func New(d api.Deps, cfg Config) (*Service, error) {
	catalog, err := runtimes.New(cfg.Runtimes)
	if err != nil {
		return nil, fmt.Errorf("finding runtimes: %w", err)
	}
	s := &Service{
		layers:        store.NewTable[Layer](d.DB, "lambda", "layer"),
		layerVersions: store.NewTable[LayerVersion](d.DB, "lambda", "layerversion"),

		deps:      d,
		functions: store.NewTable[Function](d.DB, "lambda", "function"),
		versions:  store.NewTable[Version](d.DB, "lambda", "version"),
		aliases:   store.NewTable[Alias](d.DB, "lambda", "alias"),
		retired:   store.NewTable[Retired](d.DB, "lambda", "retired"),
		accounts:  store.NewTable[Account](d.DB, "lambda", "account"),
		signing:   store.NewTable[CodeSigningConfig](d.DB, "lambda", "codesigning"),
		catalog:   catalog,
		fleet:     fleet.New(fleet.Config{Engine: cfg.Engine, Serve: cfg.Serve, Log: d.Log, Spares: spares}),
		engine:    cfg.Engine,
		packages:  packages{d.Blobs, d.DB},
	}
	return s, nil
}

// Name implements api.Service.
func (s *Service) Name() string { return "lambda" }

// Model implements api.Service.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model, Patch: patch} }

// MaxBody is the most that a request may be: a package of 50 MB in base64.
func (s *Service) MaxBody() int64 { return 70167211 }

// Run keeps provisioned environments ready and reclaims those that nobody uses, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if err := s.provisionAll(ctx); err != nil {
		s.deps.Log.Error("provisioning concurrency failed", "error", err)
	}
	return s.fleet.Run(ctx)
}

// Drain refuses new invocations, waits for those under way until ctx ends, and kills all environments.
func (s *Service) Drain(ctx context.Context) error { return s.fleet.Drain(ctx) }

// Unions implements api.Unioner.
func (s *Service) Unions() []wire.Union { return unions() }
