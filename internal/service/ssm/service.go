// Package ssm is Parameter Store of AWS Systems Manager: named values in a hierarchy, in versions, some of them secret.
//
// A SecureString is encrypted by KMS for whoever writes it, and decrypted for whoever reads it: what may be read is decided
// by the policies on the parameter and by those of the key. The other parts of Systems Manager are not there.
package ssm

import (
	"context"
	_ "embed"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/wire"
	"redoubt/internal/work"
)

const (
	name      = "ssm"
	principal = "ssm.amazonaws.com"
)

// Service implements the operations of Parameter Store.
type Service struct {
	db  *store.DB
	api *api.Registry

	parameters *store.Table[Parameter] // account, region, path
	versions   *store.Table[Version]   // account, region, path, number: all but the latest
	counts     *store.Table[Count]     // account, region
	due        *store.Table[mark]      // time, account, region, path: the parameters that expire
}

// A mark is a record that says all by its key.
type mark struct{}

// New returns the service. It starts nothing.
func New(d api.Deps) (*Service, error) {
	return &Service{
		db: d.DB, api: d.API,
		parameters: store.NewTable[Parameter](d.DB, name, "parameter"),
		versions:   store.NewTable[Version](d.DB, name, "version"),
		counts:     store.NewTable[Count](d.DB, name, "count"),
		due:        store.NewTable[mark](d.DB, name, "due"),
	}, nil
}

// Name implements api.Service.
func (s *Service) Name() string { return name }

//go:embed api.json
var model []byte

// Model implements api.Service.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model} }

// Run deletes expired parameters until ctx ends.
func (s *Service) Run(ctx context.Context) error { return work.Every(ctx, time.Minute, s.expire) }
