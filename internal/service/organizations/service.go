// Package organizations makes and lists the accounts of a server, which is one organization: the account of the first
// start manages it.
package organizations

import (
	_ "embed"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

//go:embed api.json
var model []byte

// Service is AWS Organizations.
type Service struct {
	api        *api.Registry
	db         *store.DB
	management string
	accounts   *store.Table[account]
	requests   *store.Table[request]
}

// New returns the service.
func New(d api.Deps) (*Service, error) {
	return &Service{
		api: d.API, db: d.DB, management: d.Account,
		accounts: store.NewTable[account](d.DB, "organizations", "account"),
		requests: store.NewTable[request](d.DB, "organizations", "request"),
	}, nil
}

// Name is the prefix of the service's actions.
func (s *Service) Name() string { return "organizations" }

// Global says that the service is the same in all regions.
func (s *Service) Global() bool { return true }

// Model is the wire model.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model} }
