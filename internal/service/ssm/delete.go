package ssm

import (
	"context"
	"errors"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// DeleteParameter deletes a parameter with all its versions.
func (s *Service) DeleteParameter(ctx context.Context, in *sdk.DeleteParameterInput) (*sdk.DeleteParameterOutput, error) {
	return &sdk.DeleteParameterOutput{}, s.delete(ctx, *in.Name)
}

func (s *Service) delete(ctx context.Context, text string) error {
	at, err := parseName(ctx, text)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := s.find(tx, at)
		if err != nil {
			return err
		}
		return s.remove(tx, p)
	})
}

// DeleteParameters deletes several parameters, and names those that are not there.
func (s *Service) DeleteParameters(ctx context.Context, in *sdk.DeleteParametersInput) (*sdk.DeleteParametersOutput, error) {
	out := &sdk.DeleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for i, text := range in.Names {
		if slices.Contains(in.Names[:i], text) {
			continue
		}
		err := s.delete(ctx, text)
		switch {
		case errors.As(err, new(*types.ParameterNotFound)):
			out.InvalidParameters = append(out.InvalidParameters, text)
		case err != nil:
			return nil, err
		default:
			out.DeletedParameters = append(out.DeletedParameters, text)
		}
	}
	return out, nil
}
