// Package iam is AWS Identity and Access Management: who exists in an account, and what each of them may do.
//
// The service is also the directory ([api.Directory]) that tells the pipeline of every call who signed it and which
// policies count.
package iam

import (
	"context"
	_ "embed"
	"sync/atomic"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

//go:embed api.json
var model []byte

// Service keeps the identities and policies of all accounts.
type Service struct {
	d api.Deps

	users    kind[User]
	groups   kind[Group]
	roles    kind[Role]
	policies *store.Table[Policy]
	managed  *managed
	uses     *store.Table[Use]

	accounts  *store.Table[Account]
	aliases   *store.Table[Alias]
	counts    *store.Table[Counts]
	keys      *store.Table[AccessKey]
	lastUsed  *store.Table[LastUsed]
	members   *store.Table[Member]
	devices   *store.Table[Device]
	providers *store.Table[OIDCProvider]
	profiles  *store.Table[InstanceProfile]
	deletions *store.Table[Deletion]
	reports   *store.Table[Report]

	memory atomic.Pointer[memory]
	usage  usage
}

// New returns the service.
func New(d api.Deps) (*Service, error) {
	aws, err := readManaged()
	if err != nil {
		return nil, err
	}
	s := &Service{
		d: d, managed: aws,
		policies:  store.NewTable[Policy](d.DB, "iam", "policy"),
		uses:      store.NewTable[Use](d.DB, "iam", "use"),
		accounts:  store.NewTable[Account](d.DB, "iam", "account"),
		aliases:   store.NewTable[Alias](d.DB, "iam", "alias"),
		counts:    store.NewTable[Counts](d.DB, "iam", "counts"),
		keys:      store.NewTable[AccessKey](d.DB, "iam", "accesskey"),
		lastUsed:  store.NewTable[LastUsed](d.DB, "iam", "lastused"),
		members:   store.NewTable[Member](d.DB, "iam", "member"),
		devices:   store.NewTable[Device](d.DB, "iam", "mfa"),
		providers: store.NewTable[OIDCProvider](d.DB, "iam", "oidc"),
		profiles:  store.NewTable[InstanceProfile](d.DB, "iam", "instanceprofile"),
		deletions: store.NewTable[Deletion](d.DB, "iam", "deletion"),
		reports:   store.NewTable[Report](d.DB, "iam", "report"),
	}
	s.users = kind[User]{s, "user", "User", 2048, store.NewTable[User](d.DB, "iam", "user"), func(u *User) *Entity { return &u.Entity }}
	s.groups = kind[Group]{s, "group", "Group", 5120, store.NewTable[Group](d.DB, "iam", "group"), func(g *Group) *Entity { return &g.Entity }}
	s.roles = kind[Role]{s, "role", "Role", 10240, store.NewTable[Role](d.DB, "iam", "role"), func(r *Role) *Entity { return &r.Entity }}
	s.forget()
	return s, nil
}

// Name is the prefix of actions.
func (s *Service) Name() string { return "iam" }

// Model is the wire model.
func (s *Service) Model() wire.Model { return wire.Model{JSON: model} }

// Unions are the SDK's union types.
func (s *Service) Unions() []wire.Union { return unions() }

// Global says that IAM has no regions.
func (s *Service) Global() bool { return true }

// Run writes down, every few seconds, when keys and roles were last used.
func (s *Service) Run(ctx context.Context) error { return s.flushUsage(ctx) }

// update changes records, and makes the directory forget what it remembers before anybody is told of the change.
func (s *Service) update(ctx context.Context, fn func(tx *store.Tx) error) error {
	defer s.forget()
	return s.d.DB.Update(ctx, fn)
}

func (s *Service) view(ctx context.Context, fn func(tx *store.Tx) error) error {
	return s.d.DB.View(ctx, fn)
}

// read is view for a function that has something to return.
func read[T any](ctx context.Context, s *Service, fn func(tx *store.Tx) (T, error)) (v T, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		v, err = fn(tx)
		return err
	})
	return v, err
}

// account is the account in which the call acts.
func account(ctx context.Context) string { return api.CallerOf(ctx).Account }
