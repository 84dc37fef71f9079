package api

import (
	"context"
	"errors"
	"fmt"

	"redoubt/internal/policy"
)

// authorize asks the policies about every need of an operation, and returns the resources that it touches.
func (r *Registry) authorize(ctx context.Context, e *Entry, op *Operation, in any) ([]Resource, error) {
	c := CallerOf(ctx)
	if err := sessionLimits(c, e, op); err != nil {
		return nil, err
	}
	id, err := r.identity(ctx, c)
	if err != nil {
		return nil, e.Errors.gone(err)
	}
	var touched []Resource
	for i, n := range op.Needs {
		if n.free {
			if c.Principal.Anonymous {
				return nil, e.Errors.Missing()
			}
			continue
		}
		resources, err := n.resources(ctx, in, i == 0)
		if err != nil {
			return touched, fmt.Errorf("resolving what %s is about: %w", op.Name, err)
		}
		for _, res := range resources {
			if res.Account == "" {
				res.Account = accountOr(res.ARN, c.Account)
			}
			if !n.used || res.Account == c.Account {
				touched = append(touched, res)
			}
			if err := r.decide(ctx, e, op, n, c, &id, &res, in); err != nil {
				return touched, err
			}
		}
	}
	return touched, nil
}

// identity finds the policies of the caller. A service, a web identity, and whoever has no credentials, have none.
func (r *Registry) identity(ctx context.Context, c *Caller) (Identity, error) {
	if c.Principal.ARN == "" {
		return Identity{}, nil
	}
	return r.directory.Identity(ctx, c)
}

func (r *Registry) decide(ctx context.Context, e *Entry, op *Operation, n Need, c *Caller, id *Identity, res *Resource, in any) error {
	f := &facts{caller: c, identity: id, resource: res, in: in, organization: r.organizationOf(ctx, c)}
	for _, keys := range n.keys {
		f.extra = append(f.extra, keys(ctx, in))
	}
	if n.to != "" {
		f.extra = append(f.extra, policy.MapKeys{"iam:passedtoservice": {n.to}})
	}
	if c.Keys != nil {
		f.extra = append(f.extra, c.Keys)
	}
	req := policy.Request{
		Principal: c.Principal, Action: n.Action(e.Service.Name(), op.Name),
		Resource: res.ARN, ResourceAccount: res.Account, Keys: f,
	}
	d := policy.Evaluate(&req, &policy.Set{
		Identity: id.Policies, Boundary: id.Boundary, Session: id.Session, Resource: res.Policy, MustDelegate: res.MustDelegate,
		ServiceControl: id.ServiceControl, ResourceControl: id.ResourceControl,
	})
	if d.Effect == policy.Allowed {
		return nil
	}
	return r.denied(e, d.Explain(&req))
}

// denied refuses a caller. EC2 adds the reasons in a form that only those may read who may decode it.
func (r *Registry) denied(e *Entry, why string) error {
	if e.Wire.Protocols()[0] != "ec2" {
		return e.Errors.Denied(why)
	}
	sealed, err := r.sessions.SealMessage(why)
	if err != nil {
		return err
	}
	return e.Errors.Denied("You are not authorized to perform this operation. Encoded authorization failure message: " + sealed)
}

// May asks whether the caller of ctx may do an action on a resource, for services that show less to those who may less.
// It is no substitute for a need.
func (r *Registry) May(ctx context.Context, action string, res Resource) (bool, error) {
	c := CallerOf(ctx)
	id, err := r.identity(ctx, c)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if res.Account == "" {
		res.Account = accountOr(res.ARN, c.Account)
	}
	req := policy.Request{
		Principal: c.Principal, Action: action, Resource: res.ARN, ResourceAccount: res.Account,
		Keys: &facts{caller: c, identity: &id, resource: &res, organization: r.organizationOf(ctx, c)},
	}
	d := policy.Evaluate(&req, &policy.Set{
		Identity: id.Policies, Boundary: id.Boundary, Session: id.Session, Resource: res.Policy, MustDelegate: res.MustDelegate,
		ServiceControl: id.ServiceControl, ResourceControl: id.ResourceControl,
	})
	return d.Effect == policy.Allowed, nil
}

// organizationOf finds the organization of a caller when a policy asks for it. It is none if that cannot be found out.
func (r *Registry) organizationOf(ctx context.Context, c *Caller) func() string {
	return func() string {
		if r.organizer == nil || c.Principal.Account == "" {
			return ""
		}
		id, err := r.organizer.OrganizationOf(ctx, c.Principal.Account)
		if err != nil {
			r.log.ErrorContext(ctx, "finding the organization of a caller failed", "account", c.Principal.Account, "error", err)
		}
		return id
	}
}

func accountOr(arn, otherwise string) string {
	if a := accountOf(arn); a != "" {
		return a
	}
	return otherwise
}
