// Package api is the contract between Redoubt and its services: a table of operations that says who may call each of them.
//
// A service hands over the table, the pipeline ([Registry.Do]) does the rest: it resolves the resources that a call
// names, asks the policies, runs the method, and records what happened. There is no other way to a method.
package api

import (
	"context"
	"log/slog"

	"redoubt/internal/blob"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

// A Service is one AWS API.
type Service interface {
	// Name is the service's prefix in actions, ARNs and credential scopes: "kms".
	Name() string
	// Model is the wire model of the listed operations.
	Model() wire.Model
	// Operations lists everything that can be called, in alphabetical order.
	Operations() []Operation
}

// A Runner is a service with work of its own in the background; Run ends with its context.
type Runner interface {
	Run(ctx context.Context) error
}

// An Organizer is the service that knows which accounts belong together.
type Organizer interface {
	// OrganizationOf returns the id of the organization that an account is in, "" if it is in none.
	OrganizationOf(ctx context.Context, account string) (string, error)
}

// A BlobKeeper is a service with large objects: it names all that its records refer to. What nobody names is removed.
type BlobKeeper interface {
	Keeps(ctx context.Context) (map[blob.ID]bool, error)
}

// A BlobOwner is a service with so many large objects that it is asked about each.
type BlobOwner interface {
	Owns(ctx context.Context, id blob.ID) (bool, error)
}

// A Unioner is a service whose types have unions, which reflection cannot list.
type Unioner interface {
	Unions() []wire.Union
}

// Deps is what a service is made of. All fields are set before any service is made.
type Deps struct {
	DB       *store.DB
	Ring     *seal.Ring
	Blobs    *blob.Store
	API      *Registry // calls to other services
	Sessions *Sessions // temporary credentials
	Log      *slog.Logger
	Account  string // the account made at first start
	Region   string // the region served
}
