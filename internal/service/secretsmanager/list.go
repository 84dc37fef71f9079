package secretsmanager

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// ListSecrets lists the secrets of the caller's account.
func (s *Service) ListSecrets(ctx context.Context, in *sdk.ListSecretsInput) (*sdk.ListSecretsOutput, error) {
	all, err := s.matching(ctx, in.Filters, aws.ToBool(in.IncludePlannedDeletion))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, order(in.SortBy, in.SortOrder))
	page, next, err := paged(all, in.NextToken, in.MaxResults, func(x *Secret) string { return x.Name })
	out := &sdk.ListSecretsOutput{SecretList: []types.SecretListEntry{}, NextToken: next}
	for _, x := range page {
		out.SecretList = append(out.SecretList, s.describe(x))
	}
	return out, err
}

func (s *Service) matching(ctx context.Context, filters []types.Filter, deleted bool) (all []*Secret, err error) {
	if err := checkFilters(filters); err != nil {
		return nil, err
	}
	at := here(ctx)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.secrets.Scan(tx, store.Range{Prefix: []string{at.account, at.region}}) {
			if err != nil {
				return err
			}
			if x := &r.Value; (deleted || x.Deletion.IsZero()) && x.matches(filters) {
				all = append(all, x)
			}
		}
		return nil
	})
	return all, err
}

// order compares secrets as a list is to be sorted: by their creation unless told otherwise.
func order(by types.SortByType, direction types.SortOrderType) func(a, b *Secret) int {
	at := func(x *Secret) time.Time {
		switch by {
		case types.SortByTypeLastAccessedDate:
			return x.Accessed
		case types.SortByTypeLastChangedDate:
			return x.Changed
		case types.SortByTypeName:
			return time.Time{}
		}
		return x.Created
	}
	return func(a, b *Secret) int {
		c := cmp.Or(at(a).Compare(at(b)), strings.Compare(a.Name, b.Name))
		if direction == types.SortOrderTypeDesc {
			return -c
		}
		return c
	}
}

// The most secrets in a batch (API_BatchGetSecretValue).
const maxBatch = 20

// BatchGetSecretValue opens several secrets. Each is a call of its own, which the caller must be allowed: what cannot be
// had is among the errors.
func (s *Service) BatchGetSecretValue(ctx context.Context, in *sdk.BatchGetSecretValueInput) (*sdk.BatchGetSecretValueOutput, error) {
	ids, next, err := s.batch(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &sdk.BatchGetSecretValueOutput{SecretValues: []types.SecretValueEntry{}, Errors: []types.APIErrorType{}, NextToken: next}
	for _, id := range ids {
		v, err := api.Call[sdk.GetSecretValueOutput](ctx, s.api, &sdk.GetSecretValueInput{SecretId: &id})
		var known smithy.APIError
		switch {
		case errors.As(err, &known):
			out.Errors = append(out.Errors, types.APIErrorType{SecretId: &id, ErrorCode: ptr(known.ErrorCode()), Message: ptr(known.ErrorMessage())})
		case err != nil:
			return nil, err
		default:
			out.SecretValues = append(out.SecretValues, types.SecretValueEntry{
				ARN: v.ARN, Name: v.Name, VersionId: v.VersionId, VersionStages: v.VersionStages, CreatedDate: v.CreatedDate,
				SecretString: v.SecretString, SecretBinary: v.SecretBinary,
			})
		}
	}
	return out, nil
}

// batch is the secrets that a request means.
func (s *Service) batch(ctx context.Context, in *sdk.BatchGetSecretValueInput) (ids []string, next *string, err error) {
	switch {
	case (len(in.SecretIdList) == 0) == (len(in.Filters) == 0):
		return nil, nil, badParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	case len(in.SecretIdList) > 0 && (in.MaxResults != nil || in.NextToken != nil):
		return nil, nil, badParameter("You can use MaxResults and NextToken only with Filters.")
	case len(in.SecretIdList) > 0:
		return in.SecretIdList, nil, nil
	}
	all, err := s.matching(ctx, in.Filters, false)
	if err != nil {
		return nil, nil, err
	}
	most := in.MaxResults
	if most == nil {
		most = aws.Int32(maxBatch)
	}
	page, next, err := paged(all, in.NextToken, most, func(x *Secret) string { return x.Name })
	for _, x := range page {
		ids = append(ids, x.arn())
	}
	return ids, next, err
}
