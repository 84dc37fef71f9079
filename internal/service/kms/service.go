// Package kms is AWS Key Management Service: keys that never leave it, and what may be done with them.
//
// It has symmetric encryption keys, key pairs to encrypt, sign and agree with, and HMAC keys, with material made here or
// imported. Material lives in sealed records; every use goes through the key's own policy and its grants, which are the root
// of trust: no identity policy reaches a key whose policy does not let it.
package kms

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/wire"
	"redoubt/internal/work"
)

// Service implements the operations of KMS.
type Service struct {
	db  *store.DB
	api *api.Registry

	keys    *store.Table[Key]      // account, region, key id
	current *store.Table[mark]     // account, region, key id, generation
	aliases *store.Table[Alias]    // account, region, name
	named   *store.Table[mark]     // account, region, key id, alias name
	grants  *store.Table[Grant]    // account, region, key id, grant id
	index   *store.Table[grantRef] // see grantIndex
	due     *store.Table[mark]     // time, account, region, key id
	usages  *store.Table[usage]    // account, region, key id

	tokens *seal.Box // seals import tokens
	forge  forge
	cache  cache
}

// A mark is a record that says all by its key.
type mark struct{}

const name = "kms"

// New returns the service. It starts nothing.
func New(d api.Deps) (*Service, error) {
	tokens, err := d.Ring.Box("import")
	if err != nil {
		return nil, fmt.Errorf("opening the key of import tokens: %w", err)
	}
	return &Service{
		tokens: tokens, forge: newForge(),
		db: d.DB, api: d.API,
		keys:    store.NewTable[Key](d.DB, name, "key"),
		current: store.NewTable[mark](d.DB, name, "current"),
		aliases: store.NewTable[Alias](d.DB, name, "alias"),
		named:   store.NewTable[mark](d.DB, name, "named"),
		grants:  store.NewTable[Grant](d.DB, name, "grant"),
		index:   store.NewTable[grantRef](d.DB, name, "grantindex"),
		due:     store.NewTable[mark](d.DB, name, "due"),
		usages:  store.NewTable[usage](d.DB, name, "usage"),
	}, nil
}

// Name implements api.Service.
func (s *Service) Name() string { return name }

//go:embed api.json
var model []byte

//go:embed api.patch.json
var patch []byte

// Model implements api.Service.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model, Patch: patch} }

// Run deletes and rotates keys, and wipes imported material, when their time has come, until ctx ends.
func (s *Service) Run(ctx context.Context) error { return work.Every(ctx, time.Hour, s.runDue) }
