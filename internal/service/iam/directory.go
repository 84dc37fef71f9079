package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/sigv4"
	"redoubt/internal/store"
)

// Key finds a long-term access key that is active.
func (s *Service) Key(ctx context.Context, id string) (*api.Key, error) {
	account := api.AccountOfKey(id)
	if account == "" || !strings.HasPrefix(id, "AKIA") {
		return nil, api.ErrUnknown
	}
	return recall(&s.memory.Load().keys, id, func() (*api.Key, error) {
		return read(ctx, s, func(tx *store.Tx) (*api.Key, error) { return s.readKey(tx, account, id) })
	})
}

func (s *Service) readKey(tx *store.Tx, account, id string) (*api.Key, error) {
	record, ok, err := s.keys.Get(tx, account, "", id)
	if err != nil {
		return nil, err
	}
	if !ok || record.Status != types.StatusTypeActive {
		return nil, api.ErrUnknown
	}
	k := &api.Key{ID: id, Secret: sigv4.NewSecret(record.Secret), Account: account}
	if record.User == "" {
		k.Kind, k.ARN, k.UserID = api.Root, rootARN(account), account
		return k, nil
	}
	u, ok, err := s.users.find(tx, account, record.User)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, api.ErrUnknown
	}
	k.Kind, k.ARN, k.UserID, k.Name = api.IAMUser, s.users.arn(account, &u), u.ID, u.Name
	return k, nil
}

// Identity finds the policies of a caller as they are now.
func (s *Service) Identity(ctx context.Context, c *api.Caller) (api.Identity, error) {
	switch c.Kind {
	case api.Root:
		return api.Identity{}, nil
	case api.IAMUser:
		return s.userIdentity(ctx, c)
	case api.AssumedRole, api.WebIdentity:
		return s.roleIdentity(ctx, c)
	case api.FederatedUser:
		return s.federatedIdentity(ctx, c)
	}
	return api.Identity{}, api.ErrUnknown
}

func (s *Service) userIdentity(ctx context.Context, c *api.Caller) (api.Identity, error) {
	found, err := s.caller(ctx, c.Principal.ARN)
	if err != nil {
		return api.Identity{}, err
	}
	if found.entity.ID != c.ID {
		return api.Identity{}, api.ErrUnknown
	}
	return found.identity, nil
}

func (s *Service) roleIdentity(ctx context.Context, c *api.Caller) (api.Identity, error) {
	if c.Session == nil {
		return api.Identity{}, api.ErrUnknown
	}
	found, err := s.caller(ctx, c.Session.Issuer)
	if err != nil {
		return api.Identity{}, err
	}
	if id, _, _ := strings.Cut(c.ID, ":"); id != found.entity.ID {
		return api.Identity{}, api.ErrUnknown
	}
	s.usage.note(owned{c.Principal.Account, found.entity.ID}, "", c.Region)
	identity := found.identity
	identity.Session, err = s.sessionPolicies(ctx, c)
	return identity, err
}

// federatedIdentity is the policies of the user who vouches for the caller. What the session does not pass on does not
// count; the policy engine knows that of federated users.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
func (s *Service) federatedIdentity(ctx context.Context, c *api.Caller) (identity api.Identity, err error) {
	if c.Session == nil {
		return identity, api.ErrUnknown
	}
	if issuer := c.Session.Issuer; issuer == rootARN(c.Principal.Account) {
		all, err := compile(everything, policy.Identity, "root")
		if err != nil {
			return identity, err
		}
		identity.Policies = []*policy.Document{all}
	} else {
		found, err := s.caller(ctx, issuer)
		if err != nil {
			return identity, err
		}
		if found.entity.ID != c.Session.IssuerID { // somebody else has the name now
			return identity, api.ErrUnknown
		}
		identity = found.identity
		identity.Tags = nil // those of the session count
	}
	identity.Session, err = s.sessionPolicies(ctx, c)
	return identity, err
}

// sessionPolicies are those passed in clear and, as they are now, those passed by name.
func (s *Service) sessionPolicies(ctx context.Context, c *api.Caller) ([]*policy.Document, error) {
	docs := c.Session.Documents()
	if len(c.Session.PolicyARN) == 0 {
		return docs, nil
	}
	docs = slices.Clone(docs)
	for _, arn := range c.Session.PolicyARN {
		d, err := s.sessionPolicy(ctx, c.Principal.Account, arn)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

func (s *Service) sessionPolicy(ctx context.Context, account, arn string) (*policy.Document, error) {
	d, ok, err := s.managedPolicy(ctx, account, arn)
	if err == nil && !ok {
		d, err = compile(nothing, policy.Session, arn)
	}
	return d, err
}

// ManagedPolicy finds a managed policy, of AWS or of whichever account its ARN names, as a session policy.
func (s *Service) ManagedPolicy(ctx context.Context, arn string) (*policy.Document, bool) {
	of, _ := owner(arn)
	d, ok, err := s.managedPolicy(ctx, of, arn)
	return d, ok && err == nil
}

func (s *Service) managedPolicy(ctx context.Context, account, arn string) (d *policy.Document, ok bool, err error) {
	d, err = recall(&s.memory.Load().sessions, owned{account, arn}, func() (*policy.Document, error) {
		return read(ctx, s, func(tx *store.Tx) (*policy.Document, error) {
			p, found, err := s.findPolicy(tx, account, arn)
			if err != nil || !found {
				return nil, unknownOr(err)
			}
			return compile(p.document(), policy.Session, arn)
		})
	})
	if err == api.ErrUnknown {
		return nil, false, nil
	}
	return d, err == nil, err
}

// caller finds what is known of the user or role with that ARN.
func (s *Service) caller(ctx context.Context, arn string) (*caller, error) {
	return recall(&s.memory.Load().callers, arn, func() (*caller, error) {
		return read(ctx, s, func(tx *store.Tx) (*caller, error) { return s.readCaller(tx, arn) })
	})
}

func (s *Service) readCaller(tx *store.Tx, arn string) (*caller, error) {
	account, noun := owner(arn)
	name, _ := nameIn(arn, account, noun)
	switch noun {
	case "user":
		u, ok, err := s.users.find(tx, account, name)
		if err != nil || !ok || s.users.arn(account, &u) != arn {
			return nil, unknownOr(err)
		}
		return s.compileCaller(tx, account, &u.Entity, u.Groups)
	case "role":
		r, ok, err := s.roles.find(tx, account, name)
		if err != nil || !ok || s.roles.arn(account, &r) != arn {
			return nil, unknownOr(err)
		}
		return s.compileCaller(tx, account, &r.Entity, nil)
	}
	return nil, api.ErrUnknown
}

func unknownOr(err error) error {
	if err == nil {
		return api.ErrUnknown
	}
	return err
}

// compileCaller gathers the policies of an entity and of the groups it is in.
func (s *Service) compileCaller(tx *store.Tx, account string, e *Entity, groups []string) (*caller, error) {
	c := &caller{entity: *e, identity: api.Identity{Tags: e.Tags}}
	entities := []*Entity{e}
	for _, name := range groups {
		g, err := s.groups.load(tx, account, name)
		if err != nil {
			return nil, err
		}
		entities = append(entities, &g.Entity)
	}
	for _, e := range entities {
		docs, err := s.compileEntity(tx, account, e)
		if err != nil {
			return nil, fmt.Errorf("compiling the policies of %s: %w", e.Name, err)
		}
		c.identity.Policies = append(c.identity.Policies, docs...)
	}
	if e.Boundary == "" {
		return c, nil
	}
	boundary, err := s.compilePolicy(tx, account, e.Boundary, policy.Boundary)
	c.identity.Boundary = boundary
	return c, err
}

func (s *Service) compileEntity(tx *store.Tx, account string, e *Entity) (docs []*policy.Document, err error) {
	for _, arn := range e.Attached {
		d, err := s.compilePolicy(tx, account, arn, policy.Identity)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	for _, p := range e.Inline {
		d, err := compile(p.Document, policy.Identity, p.Name)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

func (s *Service) compilePolicy(tx *store.Tx, account, arn string, kind policy.Kind) (*policy.Document, error) {
	p, err := s.policy(tx, account, arn)
	if err != nil {
		return nil, err
	}
	return compile(p.document(), kind, arn)
}

// Role finds a role by ARN.
func (s *Service) Role(ctx context.Context, arn string) (*api.Role, error) {
	return recall(&s.memory.Load().roles, arn, func() (*api.Role, error) {
		return read(ctx, s, func(tx *store.Tx) (*api.Role, error) { return s.readRole(tx, arn) })
	})
}

func (s *Service) readRole(tx *store.Tx, arn string) (*api.Role, error) {
	account, _ := owner(arn)
	name, _ := nameIn(arn, account, "role")
	r, ok, err := s.roles.find(tx, account, name)
	if err != nil || !ok || s.roles.arn(account, &r) != arn {
		return nil, unknownOr(err)
	}
	text, err := s.trust(tx, &r)
	if err != nil {
		return nil, err
	}
	trust, err := policy.Parse(text, policy.Trust)
	if err != nil {
		return nil, fmt.Errorf("compiling the trust policy of %s: %w", arn, err)
	}
	return &api.Role{
		ARN: arn, ID: r.ID, Name: r.Name, Path: r.Path, Trust: trust, Tags: r.Tags, MaxSession: r.MaxSession,
	}, nil
}
