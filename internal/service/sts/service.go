// Package sts is the Security Token Service: it tells callers who they are, and issues temporary credentials.
//
// A session needs no record: everything about it travels in its token, sealed ([api.Sessions]). What its role may do is
// looked up at every call, so taking a permission away works at once.
package sts

import (
	_ "embed"

	"redoubt/internal/api"
	"redoubt/internal/wire"
)

var (
	//go:embed api.json
	model []byte
	//go:embed api.patch.json
	patch []byte
)

// Service is the Security Token Service.
type Service struct {
	api      *api.Registry
	sessions *api.Sessions
	keys     keySets
	home     string // the account whose trail keeps calls that prove to be nobody's
}

// New returns the service.
func New(d api.Deps) (*Service, error) {
	return &Service{api: d.API, sessions: d.Sessions, home: d.Account}, nil
}

// Name is the prefix of the service's actions.
func (s *Service) Name() string { return "sts" }

// Global says that the service is the same in all regions.
func (s *Service) Global() bool { return true }

// Model is the wire model.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model, Patch: patch} }
