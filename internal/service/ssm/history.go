package ssm

import (
	"context"
	"strconv"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// GetParameterHistory lists the versions of a parameter, the oldest first.
func (s *Service) GetParameterHistory(ctx context.Context, in *sdk.GetParameterHistoryInput) (*sdk.GetParameterHistoryOutput, error) {
	r, err := parse(ctx, *in.Name)
	if err == nil && r.selector != "" {
		err = badName()
	}
	if err != nil {
		return nil, err
	}
	p, versions, err := s.history(ctx, r.place, in)
	if err != nil {
		return nil, err
	}
	out := &sdk.GetParameterHistoryOutput{Parameters: []types.ParameterHistory{}}
	for _, v := range versions {
		value, err := s.value(ctx, r.place, &v, in.WithDecryption)
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, p.past(&v, value))
	}
	if n := len(versions); n > 0 && versions[n-1].Number < p.Latest.Number {
		out.NextToken = next(strconv.FormatInt(versions[n-1].Number, 10))
	}
	return out, nil
}

func (s *Service) history(ctx context.Context, at place, in *sdk.GetParameterHistoryInput) (p *Parameter, versions []Version, err error) {
	last, err := after(in.NextToken)
	if err != nil {
		return nil, nil, err
	}
	from := int64(0)
	if last != "" {
		if from, err = strconv.ParseInt(last, 10, 64); err != nil {
			return nil, nil, badToken()
		}
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if p, err = s.lookup(ctx, tx, at); err != nil {
			return err
		}
		for n := max(from+1, p.Oldest); n <= p.Latest.Number && len(versions) < most(in.MaxResults, 50); n++ {
			v, err := s.version(tx, p, n)
			if err != nil {
				return err
			}
			versions = append(versions, v)
		}
		return nil
	})
	return p, versions, err
}

// past is a version as the history shows it.
func (p *Parameter) past(v *Version, value string) types.ParameterHistory {
	return types.ParameterHistory{
		Name: &p.Name, Type: v.Type, KeyId: orNil(v.Key), LastModifiedDate: &v.Modified, LastModifiedUser: &v.User, Value: &value,
		Description: orNil(v.Description), AllowedPattern: orNil(v.Pattern), Version: v.Number, Labels: p.labels(v.Number), Tier: v.Tier,
		Policies: v.policies(), DataType: &v.DataType,
	}
}
