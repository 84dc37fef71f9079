package lambda

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// Alias is a name for a version, or for two with a share of the invocations each.
type Alias struct {
	Name, Description string
	Version           string
	Weights           map[string]float64 // share of invocations by version; Version has the rest
	Revision          string
}

// alias reads the alias that ref names.
func (s *Service) alias(tx *store.Tx, ref reference) (Alias, error) {
	a, ok, err := s.aliases.Get(tx, ref.Account, ref.Region, ref.Name, ref.Qualifier)
	if err == nil && !ok {
		err = ref.notFound()
	}
	return a, err
}

func (s *Service) saveAlias(tx *store.Tx, ref reference, a Alias) error {
	return s.aliases.Put(tx, a, ref.Account, ref.Region, ref.Name, a.Name)
}

// touch marks a change.
func (a *Alias) touch() { a.Revision = api.NewUUID() }

func (a *Alias) describe(ref reference) types.AliasConfiguration {
	ref.Qualifier = a.Name
	c := types.AliasConfiguration{
		AliasArn: aws.String(ref.String()), Name: aws.String(a.Name), Description: aws.String(a.Description),
		FunctionVersion: aws.String(a.Version), RevisionId: aws.String(a.Revision),
	}
	if len(a.Weights) > 0 {
		c.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return c
}

// CreateAlias gives a name to a version.
func (s *Service) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput) (*lambda.CreateAliasOutput, error) {
	ref, err := s.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	a := Alias{Name: *in.Name, Description: aws.ToString(in.Description), Version: *in.FunctionVersion}
	a.touch()
	if err := a.weigh(in.RoutingConfig); err != nil {
		return nil, err
	}
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		asked := ref
		asked.Qualifier = a.Version
		f, err := s.head(tx, asked)
		if err != nil {
			return err
		}
		if err := s.checkRouting(tx, &f, &a); err != nil {
			return err
		}
		taken, err := s.aliases.Has(tx, ref.Account, ref.Region, ref.Name, a.Name)
		if err != nil {
			return err
		}
		if taken {
			return conflict("Alias already exists: %s", *a.describe(ref).AliasArn)
		}
		return s.saveAlias(tx, ref, a)
	})
	out := lambda.CreateAliasOutput(aliasFields(a.describe(ref)))
	return &out, err
}

// GetAlias returns an alias.
func (s *Service) GetAlias(ctx context.Context, in *lambda.GetAliasInput) (*lambda.GetAliasOutput, error) {
	ref, err := s.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	var a Alias
	err = s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, a, err = s.named(tx, ref, *in.Name)
		return err
	})
	out := aliasFields(a.describe(ref))
	return &out, err
}

// UpdateAlias changes what is given and keeps the rest.
func (s *Service) UpdateAlias(ctx context.Context, in *lambda.UpdateAliasInput) (*lambda.UpdateAliasOutput, error) {
	ref, err := s.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	var a Alias
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		var f Function
		if f, a, err = s.named(tx, ref, *in.Name); err != nil {
			return err
		}
		if r := aws.ToString(in.RevisionId); r != "" && r != a.Revision {
			return stale("GetFunction/GetAlias")
		}
		set(&a.Version, in.FunctionVersion)
		set(&a.Description, in.Description)
		if err := a.weigh(in.RoutingConfig); err != nil {
			return err
		}
		if err := s.checkRouting(tx, &f, &a); err != nil {
			return err
		}
		if err := s.checkProvisioned(tx, &f, &a); err != nil {
			return err
		}
		a.touch()
		return s.saveAlias(tx, ref, a)
	})
	if err != nil {
		return nil, err
	}
	out := lambda.UpdateAliasOutput(aliasFields(a.describe(ref)))
	return &out, s.reprovision(ctx, ref)
}

// DeleteAlias deletes an alias, its policy and its provisioned concurrency. One that is not there is no error.
func (s *Service) DeleteAlias(ctx context.Context, in *lambda.DeleteAliasInput) (*lambda.DeleteAliasOutput, error) {
	ref, err := s.whole(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		f, err := s.head(tx, ref)
		if err != nil {
			return err
		}
		if err := s.count(tx, &f, func(a *Account) error { return f.provide(a, *in.Name, nil) }); err != nil {
			return err
		}
		delete(f.Statements, *in.Name)
		if err := s.save(tx, f); err != nil {
			return err
		}
		return s.aliases.Delete(tx, ref.Account, ref.Region, ref.Name, *in.Name)
	})
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteAliasOutput{}, s.reprovision(ctx, ref)
}

// ListAliases lists the aliases of a function, or of one version of it, 50 a page.
func (s *Service) ListAliases(ctx context.Context, in *lambda.ListAliasesInput) (*lambda.ListAliasesOutput, error) {
	ref, after, err := s.listed(ctx, in.FunctionName, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListAliasesOutput{Aliases: []types.AliasConfiguration{}}
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		if _, err := s.head(tx, ref); err != nil {
			return err
		}
		all, err := s.aliasesOf(tx, ref)
		for _, a := range all {
			if a.Name <= after || in.FunctionVersion != nil && a.Version != *in.FunctionVersion {
				continue
			}
			if n := len(out.Aliases); n == limitOf(in.MaxItems) {
				out.NextMarker = aws.String(marker(*out.Aliases[n-1].Name))
				break
			}
			out.Aliases = append(out.Aliases, a.describe(ref))
		}
		return err
	})
	return out, err
}

// named reads a function and the alias that a request for it names.
func (s *Service) named(tx *store.Tx, ref reference, name string) (f Function, a Alias, err error) {
	ref.Qualifier = name
	if f, err = s.head(tx, ref); err != nil {
		return f, a, err
	}
	a, ok, err := s.aliases.Get(tx, ref.Account, ref.Region, ref.Name, name)
	if err == nil && !ok {
		err = missing("Cannot find alias arn: %s", ref)
	}
	return f, a, err
}

// aliasesOf reads all aliases of a function, in the order of their names.
func (s *Service) aliasesOf(tx *store.Tx, ref reference) (all []Alias, err error) {
	for r, err := range s.aliases.Scan(tx, store.Range{Prefix: []string{ref.Account, ref.Region, ref.Name}}) {
		if err != nil {
			return nil, err
		}
		all = append(all, r.Value)
	}
	return all, nil
}

func (s *Service) deleteAliases(tx *store.Tx, ref reference) error {
	all, err := s.aliasesOf(tx, ref)
	for _, a := range all {
		if err := s.aliases.Delete(tx, ref.Account, ref.Region, ref.Name, a.Name); err != nil {
			return err
		}
	}
	return err
}

// unaliased refuses to delete a version that aliases point to.
func (s *Service) unaliased(tx *store.Tx, ref reference) error {
	all, err := s.aliasesOf(tx, ref)
	var pointing []string
	for _, a := range all {
		if _, weighted := a.Weights[ref.Qualifier]; weighted || a.Version == ref.Qualifier {
			pointing = append(pointing, a.Name)
		}
	}
	if err == nil && len(pointing) > 0 {
		err = conflict("Unable to delete version because the following aliases reference it: [%s]", strings.Join(pointing, ", "))
	}
	return err
}

// aliasFields gives an alias the form in which operations on one return it: the same fields, outside of a structure.
func aliasFields(c types.AliasConfiguration) lambda.GetAliasOutput {
	return lambda.GetAliasOutput{
		AliasArn: c.AliasArn, Description: c.Description, FunctionVersion: c.FunctionVersion, Name: c.Name,
		RevisionId: c.RevisionId, RoutingConfig: c.RoutingConfig,
	}
}
