package ssm

import (
	"context"
	"errors"
	"slices"
	"strconv"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// GetParameter reads a version of a parameter: the latest unless the name selects another.
func (s *Service) GetParameter(ctx context.Context, in *sdk.GetParameterInput) (*sdk.GetParameterOutput, error) {
	p, err := s.get(ctx, *in.Name, in.WithDecryption)
	if err != nil {
		return nil, err
	}
	return &sdk.GetParameterOutput{Parameter: p}, nil
}

func (s *Service) get(ctx context.Context, text string, decrypt *bool) (*types.Parameter, error) {
	r, err := parse(ctx, text)
	if err != nil {
		return nil, err
	}
	if isSecret(r.path) {
		return s.secret(ctx, r, decrypt)
	}
	var p *Parameter
	var v Version
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		if p, err = s.lookup(ctx, tx, r.place); err == nil {
			v, err = s.pick(tx, p, r.selector)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	value, err := s.value(ctx, r.place, &v, decrypt)
	if err != nil {
		return nil, err
	}
	shown := p.shown(&v, value, r.selector)
	return &shown, nil
}

// lookup is find for places out of ARNs: what is in another region is not found in this one.
func (s *Service) lookup(ctx context.Context, tx *store.Tx, at place) (*Parameter, error) {
	if at.region != api.CallerOf(ctx).Region {
		return nil, notFound()
	}
	return s.find(tx, at)
}

// pick is the version that a selector means: a number or a label.
func (s *Service) pick(tx *store.Tx, p *Parameter, selector string) (Version, error) {
	if selector == "" {
		return p.Latest, nil
	}
	number, err := strconv.ParseInt(selector, 10, 64)
	if err != nil {
		labelled, ok := p.Labels[selector]
		if !ok {
			return Version{}, &types.ParameterVersionNotFound{
				Message: text("Systems Manager could not find label %s for parameter %s. Verify the label and try again.", selector, p.Name)}
		}
		number = labelled
	}
	return s.version(tx, p, number)
}

// GetParameters reads several parameters, and names those that are not there.
func (s *Service) GetParameters(ctx context.Context, in *sdk.GetParametersInput) (*sdk.GetParametersOutput, error) {
	out := &sdk.GetParametersOutput{Parameters: []types.Parameter{}, InvalidParameters: []string{}}
	for i, text := range in.Names {
		if slices.Contains(in.Names[:i], text) {
			continue
		}
		p, err := s.get(ctx, text, in.WithDecryption)
		switch {
		case isMissing(err):
			out.InvalidParameters = append(out.InvalidParameters, text)
		case err != nil:
			return nil, err
		default:
			out.Parameters = append(out.Parameters, *p)
		}
	}
	return out, nil
}

func isMissing(err error) bool {
	return errors.As(err, new(*types.ParameterNotFound)) || errors.As(err, new(*types.ParameterVersionNotFound))
}
