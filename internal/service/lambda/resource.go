package lambda

import (
	"context"
	"errors"
	"fmt"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// function resolves a function as a whole by any form of its name, whatever version the name adds: what is done to the
// function must not be judged by the ARN of a version, which other statements are about.
func (s *Service) function(ctx context.Context, name string) (api.Resource, error) {
	ref, err := refer(ctx, &name, nil)
	if err != nil {
		return api.Resource{}, err
	}
	ref.Qualifier = ""
	return s.resource(ctx, ref)
}

// qualified resolves a function and the version of it that a call is about.
func (s *Service) qualified(ctx context.Context, name, qualifier *string) (api.Resource, error) {
	ref, err := refer(ctx, name, qualifier)
	if err != nil {
		return api.Resource{}, err
	}
	return s.resource(ctx, ref)
}

func (s *Service) resource(ctx context.Context, ref reference) (api.Resource, error) {
	res := api.Resource{ARN: ref.String(), Type: "AWS::Lambda::Function", Account: ref.Account}
	err := s.deps.DB.View(ctx, func(tx *store.Tx) error {
		f, ok, err := s.functions.Get(tx, ref.Account, ref.Region, ref.Name)
		if err != nil || !ok {
			return err
		}
		res, err = s.resourceOf(ref, &f)
		return err
	})
	return res, err
}

func (s *Service) resourceOf(ref reference, f *Function) (api.Resource, error) {
	d, err := s.compiled(ref, f)
	res := api.Resource{ARN: ref.String(), Type: "AWS::Lambda::Function", Account: ref.Account, Tags: f.Tags, Policy: d}
	if f.Signing != "" {
		res.Keys = policy.MapKeys{"lambda:codesigningconfigarn": {f.Signing}}
	}
	return res, err
}

// compiled is the policy of a function, or of the version of it that ref names; nil if it has none.
func (s *Service) compiled(ref reference, f *Function) (*policy.Document, error) {
	return s.compile(ref.String(), f.Statements[ref.Qualifier])
}

// role resolves an execution role.
func (s *Service) role(ctx context.Context, name string) (api.Resource, error) {
	res := api.Resource{ARN: name, Type: "AWS::IAM::Role"}
	role, err := s.deps.API.Directory().Role(ctx, name)
	if errors.Is(err, api.ErrUnknown) {
		return res, nil
	}
	if err != nil {
		return res, fmt.Errorf("finding the role %s: %w", name, err)
	}
	res.Tags = role.Tags
	return res, nil
}
