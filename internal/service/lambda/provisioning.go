package lambda

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/service/lambda/fleet"
	"redoubt/internal/store"
)

// versions are those that an alias points to.
func (a *Alias) versions() []string {
	return append([]string{a.Version}, slices.Collect(maps.Keys(a.Weights))...)
}

// share is how much of an alias's concurrency each of its versions has: of two, as much as their weights say.
func (a *Alias) share(n int32) map[string]int32 {
	shares := map[string]int32{a.Version: n}
	for version, weight := range a.Weights {
		shares[version] = int32(math.Round(float64(n) * weight))
		shares[a.Version] -= shares[version]
	}
	return shares
}

// shares is how many environments are to be ready for what a version or an alias names, by version.
func (s *Service) shares(tx *store.Tx, f *Function, qualifier string) (map[string]int32, error) {
	ref, n := f.reference(), f.Provisioned[qualifier].Requested
	if ref.Qualifier = qualifier; !ref.aliased() {
		return map[string]int32{qualifier: n}, nil
	}
	a, err := s.alias(tx, ref)
	return a.share(n), err
}

// reprovision tells the fleet what to keep ready of a function, after something has changed that decides it.
func (s *Service) reprovision(ctx context.Context, ref reference) error {
	s.provisioning.Lock() // so that what was read last is told last
	defer s.provisioning.Unlock()
	var wanted []fleet.Provision
	err := s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		f, ok, err := s.functions.Get(tx, ref.Account, ref.Region, ref.Name)
		if err == nil && ok {
			wanted, err = s.wanted(tx, &f)
		}
		return err
	})
	if err == nil {
		s.fleet.Provision(ref.base(), wanted)
	}
	return err
}

func (s *Service) wanted(tx *store.Tx, f *Function) (wanted []fleet.Provision, err error) {
	for qualifier := range f.Provisioned {
		shares, err := s.shares(tx, f, qualifier)
		if err != nil {
			return nil, err
		}
		for version, n := range shares {
			at := *f
			if at.Configuration, err = s.target(tx, f, version); err != nil {
				return nil, err
			}
			wanted = append(wanted, fleet.Provision{Function: s.prepared(&at), Count: int(n)})
		}
	}
	return wanted, nil
}

// prepared is a version of a function as the fleet makes it ready before there is an event.
func (s *Service) prepared(f *Function) *fleet.Function {
	fn := f.runnable()
	fn.Prepare = func(ctx context.Context) (*fleet.Blueprint, error) {
		p, err := s.blueprint(api.WithCaller(ctx, &api.Caller{Region: f.Region}), f)
		if err == nil {
			p.Spec.Env = initialisedAs(p.Spec.Env, "provisioned-concurrency")
		}
		return p, err
	}
	return fn
}

// initialisedAs sets what an environment is told of why it was initialised.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html#pc-environment-variables
func initialisedAs(env []string, kind string) []string {
	const name = "AWS_LAMBDA_INITIALIZATION_TYPE="
	env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, name) })
	return append(env, name+kind)
}

// provisionAll makes ready again what was before the server started.
func (s *Service) provisionAll(ctx context.Context) error {
	var all []reference
	err := s.deps.DB.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.functions.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if len(r.Value.Provisioned) > 0 {
				all = append(all, r.Value.reference())
			}
		}
		return nil
	})
	for _, ref := range all {
		err = errors.Join(err, s.reprovision(ctx, ref))
	}
	return err
}

// readiness tells how far the environments of a version or alias are.
func (s *Service) readiness(ctx context.Context, ref reference) (out *lambda.GetProvisionedConcurrencyConfigOutput, err error) {
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		f, _, err := s.provisionedAt(tx, ref)
		if err == nil {
			out, err = s.readinessIn(tx, &f, ref)
		}
		return err
	})
	return out, err
}

func (s *Service) readinessIn(tx *store.Tx, f *Function, ref reference) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	p, ok := f.Provisioned[ref.Qualifier]
	if !ok {
		return nil, &types.ProvisionedConcurrencyConfigNotFoundException{
			Type: aws.String(user), Message: aws.String("No Provisioned Concurrency Config found for this function"),
		}
	}
	shares, err := s.shares(tx, f, ref.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: aws.Int32(p.Requested), Status: types.ProvisionedConcurrencyStatusEnumReady,
		LastModified: aws.String(p.Modified.Format(modifiedForm)),
	}
	var allocated, available int32
	for version := range shares {
		r := s.fleet.Readiness(f.arn(), version)
		allocated, available = allocated+int32(r.Allocated), available+int32(r.Available)
		switch {
		case r.Failure != nil:
			out.Status, out.StatusReason = types.ProvisionedConcurrencyStatusEnumFailed, aws.String(failureReason(r.Failure))
		case !r.Ready && out.StatusReason == nil:
			out.Status = types.ProvisionedConcurrencyStatusEnumInProgress
		}
	}
	out.AllocatedProvisionedConcurrentExecutions, out.AvailableProvisionedConcurrentExecutions = &allocated, &available
	return out, nil
}

// failureReason says why environments cannot be made ready: in Lambda's word if it is the function's own fault.
func failureReason(err error) string {
	var own *fleet.Failure
	if errors.As(err, &own) {
		return "FUNCTION_ERROR_INIT_FAILURE"
	}
	if _, message, ok := codeOf(err); ok {
		return message
	}
	return "The server could not start an environment"
}

// provisionedAfter are the versions and aliases with provisioned concurrency after one of them.
func (f *Function) provisionedAfter(after string) []string {
	all := slices.Sorted(maps.Keys(f.Provisioned))
	return slices.DeleteFunc(all, func(q string) bool { return q <= after })
}

func provisionItem(ref reference, c *lambda.GetProvisionedConcurrencyConfigOutput) types.ProvisionedConcurrencyConfigListItem {
	return types.ProvisionedConcurrencyConfigListItem{
		FunctionArn: aws.String(ref.String()), Status: c.Status, StatusReason: c.StatusReason, LastModified: c.LastModified,
		RequestedProvisionedConcurrentExecutions: c.RequestedProvisionedConcurrentExecutions,
		AllocatedProvisionedConcurrentExecutions: c.AllocatedProvisionedConcurrentExecutions,
		AvailableProvisionedConcurrentExecutions: c.AvailableProvisionedConcurrentExecutions,
	}
}
