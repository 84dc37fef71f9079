package ssm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// DescribeParameters lists parameters without their values.
func (s *Service) DescribeParameters(ctx context.Context, in *sdk.DescribeParametersInput) (*sdk.DescribeParametersOutput, error) {
	switch {
	case aws.ToBool(in.Shared):
		return nil, unsupported("Sharing of parameters between accounts")
	case len(in.Filters) > 0 && len(in.ParameterFilters) > 0:
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	filters, err := parseFilters(in.ParameterFilters, describing)
	if err != nil {
		return nil, err
	}
	filters = append(filters, older(in.Filters)...)
	out := &sdk.DescribeParametersOutput{Parameters: []types.ParameterMetadata{}}
	out.NextToken, err = s.page(ctx, search{token: in.NextToken, most: most(in.MaxResults, 10), take: func(_ *store.Tx, p *Parameter) (bool, error) {
		if !filters.match(p, &p.Latest) {
			return false, nil
		}
		out.Parameters = append(out.Parameters, p.described())
		return true, nil
	}})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// older reads the filters that ParameterFilters have replaced. A name is compared by its beginning.
func older(list []types.ParametersFilter) (all filters) {
	for _, f := range list {
		option := equals
		if f.Key == types.ParametersFilterKeyName {
			option = beginsWith
		}
		all = append(all, filter{string(f.Key), option, f.Values})
	}
	return all
}

func (p *Parameter) described() types.ParameterMetadata {
	v := &p.Latest
	return types.ParameterMetadata{
		ARN: aws.String(p.place().arn()), Name: &p.Name, Type: v.Type, KeyId: orNil(v.Key), LastModifiedDate: &v.Modified, LastModifiedUser: &v.User,
		Description: orNil(v.Description), AllowedPattern: orNil(v.Pattern), Version: v.Number, Tier: v.Tier, Policies: v.policies(), DataType: &v.DataType,
	}
}
