package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// signingKeys is lambda:CodeSigningConfigArn of PutFunctionCodeSigningConfig.
func signingKeys(_ context.Context, in any) policy.MapKeys {
	return policy.MapKeys{"lambda:codesigningconfigarn": {aws.ToString(in.(*lambda.PutFunctionCodeSigningConfigInput).CodeSigningConfigArn)}}
}

// noSigning refuses a configuration that is not there.
func noSigning(arn string) error {
	return &types.CodeSigningConfigNotFoundException{Type: aws.String(user), Message: aws.String(
		"The code signing configuration cannot be found. Check that the provided configuration is not deleted: " + arn + ".")}
}

// usableSigning reads the configuration that a function of f's account and region is to have.
func (s *Service) usableSigning(tx *store.Tx, f *Function, arn string) (CodeSigningConfig, error) {
	p, ok := signingPlaceOf(arn)
	if !ok || p.Account != f.Account || p.Region != f.Region {
		return CodeSigningConfig{}, noSigning(arn)
	}
	c, ok, err := s.signing.Get(tx, p.key()...)
	if err == nil && !ok {
		err = noSigning(arn)
	}
	return c, err
}

// PutFunctionCodeSigningConfig gives a function a configuration, which counts from its next deployment on.
func (s *Service) PutFunctionCodeSigningConfig(ctx context.Context, in *lambda.PutFunctionCodeSigningConfigInput) (*lambda.PutFunctionCodeSigningConfigOutput, error) {
	if err := unqualified(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	f, err := s.modify(ctx, in.FunctionName, nil, func(tx *store.Tx, f *Function) error {
		c, err := s.usableSigning(tx, f, *in.CodeSigningConfigArn)
		f.Signing = c.Place.arn()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lambda.PutFunctionCodeSigningConfigOutput{CodeSigningConfigArn: &f.Signing, FunctionName: &f.Name}, nil
}

// GetFunctionCodeSigningConfig tells which configuration a function has. For one that has none, the answer is empty.
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *lambda.GetFunctionCodeSigningConfigInput) (*lambda.GetFunctionCodeSigningConfigOutput, error) {
	if err := unqualified(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	f, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil || f.Signing == "" {
		return &lambda.GetFunctionCodeSigningConfigOutput{}, err
	}
	return &lambda.GetFunctionCodeSigningConfigOutput{CodeSigningConfigArn: &f.Signing, FunctionName: &f.Name}, nil
}

// DeleteFunctionCodeSigningConfig takes the configuration away from a function.
func (s *Service) DeleteFunctionCodeSigningConfig(ctx context.Context, in *lambda.DeleteFunctionCodeSigningConfigInput) (*lambda.DeleteFunctionCodeSigningConfigOutput, error) {
	if err := unqualified(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	_, err := s.modify(ctx, in.FunctionName, nil, func(_ *store.Tx, f *Function) error {
		f.Signing = ""
		return nil
	})
	return &lambda.DeleteFunctionCodeSigningConfigOutput{}, err
}

// unqualified refuses names of versions and aliases: a configuration is a function's.
func unqualified(ctx context.Context, name *string) error {
	ref, err := refer(ctx, name, nil)
	if err == nil && ref.Qualifier != "" {
		err = invalid("Code signing is configured for functions, not for versions and aliases of them: %s", aws.ToString(name))
	}
	return err
}

// ListFunctionsByCodeSigningConfig lists the functions that have a configuration.
func (s *Service) ListFunctionsByCodeSigningConfig(ctx context.Context, in *lambda.ListFunctionsByCodeSigningConfigInput) (*lambda.ListFunctionsByCodeSigningConfigOutput, error) {
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListFunctionsByCodeSigningConfigOutput{FunctionArns: []string{}}
	return out, s.deps.DB.View(ctx, func(tx *store.Tx) error {
		c, err := s.getSigning(tx, *in.CodeSigningConfigArn)
		if err != nil {
			return err
		}
		found, more, err := s.signedFunctions(tx, c.Place, after, limitOf(in.MaxItems))
		for _, f := range found {
			out.FunctionArns = append(out.FunctionArns, f.arn())
		}
		if more {
			out.NextMarker = aws.String(marker(found[len(found)-1].Name))
		}
		return err
	})
}

// signedFunctions finds up to limit functions that have a configuration, after the one of that name.
func (s *Service) signedFunctions(tx *store.Tx, at signingPlace, after string, limit int) (found []Function, more bool, err error) {
	r := store.Range{Prefix: []string{at.Account, at.Region}}
	if after != "" {
		r.After = []string{at.Account, at.Region, after}
	}
	arn := at.arn()
	for rec, err := range s.functions.Scan(tx, r) {
		if err != nil {
			return nil, false, err
		}
		if rec.Value.Signing != arn {
			continue
		}
		if len(found) == limit {
			return found, true, nil
		}
		found = append(found, rec.Value)
	}
	return found, false, nil
}
