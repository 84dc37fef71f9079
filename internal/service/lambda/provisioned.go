package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/store"
)

// Provision is concurrency that is kept ready for a version, or for what an alias points to.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
type Provision struct {
	Requested int32
	Modified  time.Time
}

// provisioned is the concurrency kept ready for all versions.
func (f *Function) provisioned() (sum int32) {
	for _, p := range f.Provisioned {
		sum += p.Requested
	}
	return sum
}

// provide sets the provisioned concurrency of a version or alias, nil for none, and counts what that takes from the account.
func (f *Function) provide(a *Account, qualifier string, p *Provision) error {
	was := f.held()
	delete(f.Provisioned, qualifier)
	if p != nil {
		if f.Provisioned == nil {
			f.Provisioned = map[string]Provision{}
		}
		f.Provisioned[qualifier] = *p
	}
	a.Reserved += f.held() - was
	if p == nil {
		return nil
	}
	if f.Reserved != nil {
		if f.provisioned() > *f.Reserved {
			return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	if p.Requested > accountConcurrency {
		return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", accountConcurrency)
	}
	if accountConcurrency-a.Reserved < minUnreserved {
		return invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	return nil
}

// PutProvisionedConcurrencyConfig has environments made ready for a version or an alias.
func (s *Service) PutProvisionedConcurrencyConfig(ctx context.Context, in *lambda.PutProvisionedConcurrencyConfigInput) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	ref, err := s.provisionable(ctx, in.FunctionName, in.Qualifier, unpublished)
	if err != nil {
		return nil, err
	}
	p := Provision{Requested: *in.ProvisionedConcurrentExecutions, Modified: time.Now().UTC()}
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		f, a, err := s.provisionedAt(tx, ref)
		if err != nil {
			return err
		}
		if err := s.checkProvisionable(tx, &f, a); err != nil {
			return err
		}
		if err := s.count(tx, &f, func(a *Account) error { return f.provide(a, ref.Qualifier, &p) }); err != nil {
			return err
		}
		return s.save(tx, f)
	})
	if err == nil {
		err = s.reprovision(ctx, ref)
	}
	if err != nil {
		return nil, err
	}
	out, err := s.readiness(ctx, ref)
	return (*lambda.PutProvisionedConcurrencyConfigOutput)(out), err
}

// What Lambda says of $LATEST, which cannot have provisioned concurrency.
const (
	unpublished   = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	onlyQualified = "The function resource provided must be an alias or a published version."
)

// provisionable reads the version or alias that a request names.
func (s *Service) provisionable(ctx context.Context, name, qualifier *string, otherwise string) (reference, error) {
	ref, err := refer(ctx, name, qualifier)
	if err != nil {
		return ref, err
	}
	if ref.Qualifier == latest {
		return ref, invalid("%s", otherwise)
	}
	return ref, ref.check(ctx)
}

// provisionedAt reads a function, and the alias that ref names; one that stands for the version if it names one.
func (s *Service) provisionedAt(tx *store.Tx, ref reference) (f Function, a Alias, err error) {
	if ref.aliased() {
		return s.named(tx, ref, ref.Qualifier)
	}
	if f, err = s.head(tx, ref); err != nil {
		return f, a, err
	}
	_, err = s.target(tx, &f, ref.Qualifier)
	return f, Alias{Version: ref.Qualifier}, err
}

// checkProvisionable refuses what cannot have provisioned concurrency of its own.
func (s *Service) checkProvisionable(tx *store.Tx, f *Function, a Alias) error {
	switch {
	case a.Version == latest:
		return invalid(unpublished)
	case len(a.Weights) > 0:
		return invalid("Alias with weights can not be used with Provisioned Concurrency")
	case f.Isolation != "":
		return invalid("Provisioned concurrency is not supported for functions with tenant isolation.")
	}
	if a.Name == "" {
		pointing, err := s.provisionedAlias(tx, f, a.Version, "")
		if err == nil && pointing {
			err = conflict("Version is pointed by a Provisioned Concurrency alias")
		}
		return err
	}
	return s.checkTargets(tx, f, &a)
}

// checkProvisioned refuses to let an alias with provisioned concurrency point to where that cannot be.
func (s *Service) checkProvisioned(tx *store.Tx, f *Function, a *Alias) error {
	if _, ok := f.Provisioned[a.Name]; !ok {
		return nil
	}
	if a.Version == latest {
		return invalid(unpublished)
	}
	return s.checkTargets(tx, f, a)
}

// checkTargets refuses to provision a version twice.
func (s *Service) checkTargets(tx *store.Tx, f *Function, a *Alias) error {
	for _, version := range a.versions() {
		_, taken := f.Provisioned[version]
		if !taken {
			var err error
			if taken, err = s.provisionedAlias(tx, f, version, a.Name); err != nil {
				return err
			}
		}
		if taken {
			return conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
		}
	}
	return nil
}

// provisionedAlias tells whether an alias with provisioned concurrency, but the one excepted, points to a version.
func (s *Service) provisionedAlias(tx *store.Tx, f *Function, version, except string) (bool, error) {
	all, err := s.aliasesOf(tx, f.reference())
	for _, a := range all {
		if _, ok := f.Provisioned[a.Name]; !ok || a.Name == except {
			continue
		}
		if _, weighted := a.Weights[version]; weighted || a.Version == version {
			return true, nil
		}
	}
	return false, err
}

// GetProvisionedConcurrencyConfig tells how many environments are asked for, and how many are ready.
func (s *Service) GetProvisionedConcurrencyConfig(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	ref, err := s.provisionable(ctx, in.FunctionName, in.Qualifier, onlyQualified)
	if err != nil {
		return nil, err
	}
	return s.readiness(ctx, ref)
}

// DeleteProvisionedConcurrencyConfig gives the environments up. If there is nothing to give up, that is no error.
func (s *Service) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	ref, err := s.provisionable(ctx, in.FunctionName, in.Qualifier, onlyQualified)
	if err != nil {
		return nil, err
	}
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		f, _, err := s.provisionedAt(tx, ref)
		if err != nil {
			return err
		}
		if err := s.count(tx, &f, func(a *Account) error { return f.provide(a, ref.Qualifier, nil) }); err != nil {
			return err
		}
		return s.save(tx, f)
	})
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteProvisionedConcurrencyConfigOutput{}, s.reprovision(ctx, ref)
}

// ListProvisionedConcurrencyConfigs lists what versions and aliases of a function have, 50 a page.
func (s *Service) ListProvisionedConcurrencyConfigs(ctx context.Context, in *lambda.ListProvisionedConcurrencyConfigsInput) (*lambda.ListProvisionedConcurrencyConfigsOutput, error) {
	ref, after, err := s.listed(ctx, in.FunctionName, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: []types.ProvisionedConcurrencyConfigListItem{}}
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		f, err := s.head(tx, ref)
		if err != nil {
			return err
		}
		for _, q := range f.provisionedAfter(after) {
			n := len(out.ProvisionedConcurrencyConfigs)
			if n == limitOf(in.MaxItems) {
				out.NextMarker = aws.String(marker(after))
				return nil
			}
			after, ref.Qualifier = q, q
			c, err := s.readinessIn(tx, &f, ref)
			if err != nil {
				return err
			}
			out.ProvisionedConcurrencyConfigs = append(out.ProvisionedConcurrencyConfigs, provisionItem(ref, c))
		}
		return nil
	})
	return out, err
}
