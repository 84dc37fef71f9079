// Package s3 is Amazon Simple Storage Service: objects in buckets.
//
// An object is a record, which says all about it, and one or more pieces, which are its bytes: a small piece is a record
// of its own, a large one a sealed object of package blob. A piece is durable before the record that refers to it, and goes
// after it.
package s3

import (
	"context"
	_ "embed"
	"log/slog"
	"sync"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/blob"
	"redoubt/internal/store"
	"redoubt/internal/wire"
	"redoubt/internal/work"
)

// Service implements the operations of S3.
type Service struct {
	db      *store.DB
	api     *api.Registry
	blobs   *blob.Store
	log     *slog.Logger
	account string // in whose trail it is that strangers ask for what nobody has

	buckets   *store.Table[Bucket]   // "", "", name: names are one space for all accounts
	owned     *store.Table[mark]     // account, region, name
	open      *store.Table[mark]     // account, region, bucket id: buckets that are there
	objects   *store.Table[Object]   // account, region, bucket id, key: the current version of each key
	versions  *store.Table[Object]   // account, region, bucket id, key, order: the earlier ones, newest first
	uploads   *store.Table[Upload]   // account, region, bucket id, key, upload id
	parts     *store.Table[Part]     // account, region, upload id, number
	manifests *store.Table[Manifest] // account, region, upload id: of objects in parts
	small     *store.Table[content]  // account, region, piece id
	large     *store.Table[mark]     // piece id: those that are kept in blobs

	cache    cache
	readers  readers
	accesses accessLog
}

// A mark is a record that says all by its key.
type mark struct{}

const name = "s3"

// New returns the service. It starts nothing.
func New(d api.Deps) (*Service, error) {
	return &Service{
		db: d.DB, api: d.API, blobs: d.Blobs, log: d.Log, account: d.Account,
		buckets:   store.NewTable[Bucket](d.DB, name, "bucket"),
		owned:     store.NewTable[mark](d.DB, name, "owned"),
		open:      store.NewTable[mark](d.DB, name, "open"),
		objects:   store.NewTable[Object](d.DB, name, "object"),
		versions:  store.NewTable[Object](d.DB, name, "version"),
		uploads:   store.NewTable[Upload](d.DB, name, "upload"),
		parts:     store.NewTable[Part](d.DB, name, "part"),
		manifests: store.NewTable[Manifest](d.DB, name, "manifest"),
		small:     store.NewTable[content](d.DB, name, "small"),
		large:     store.NewTable[mark](d.DB, name, "large"),
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

// Model implements api.Service.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model, Patch: patch} }

// Unions lists the union types of the SDK, as api.Unioner.
func (s *Service) Unions() []wire.Union { return unions() }

// MaxBody makes room for the list of 10,000 parts, with their checksums, that completes an upload, and for 1,000 keys to
// delete. Objects are not counted: they stream.
func (s *Service) MaxBody() int64 { return 8 << 20 }

// Run removes in the background what expires, and what nothing refers to any more, and delivers access logs, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var others sync.WaitGroup
	defer others.Wait()
	every := func(d time.Duration, fn func(context.Context) error) {
		others.Go(func() { _ = work.Every(ctx, d, fn) }) // it ends with ctx, and logs what fails
	}
	every(time.Hour, func(ctx context.Context) error { return s.Expire(ctx, time.Now()) })
	every(time.Minute, s.DeliverLogs)
	err := s.removePieces(ctx)
	if late := s.DeliverLogs(context.WithoutCancel(ctx)); late != nil {
		s.log.WarnContext(ctx, "access logs were not delivered", "error", late)
	}
	return err
}
