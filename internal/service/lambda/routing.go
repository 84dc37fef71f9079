package lambda

import (
	"maps"
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/store"
)

// draw chooses the version for one invocation.
func (a *Alias) draw() string {
	at := rand.Float64()
	for version, weight := range a.Weights {
		if at -= weight; at < 0 {
			return version
		}
	}
	return a.Version
}

// route reads a function with the configuration of the version that one invocation of ref gets.
func (s *Service) route(tx *store.Tx, ref reference) (Function, error) {
	if !ref.aliased() {
		return s.load(tx, ref)
	}
	f, err := s.head(tx, ref)
	if err != nil {
		return f, err
	}
	a, err := s.alias(tx, ref)
	if err != nil {
		return f, err
	}
	return f, s.pickVersion(tx, &f, ref, a.draw())
}

// weigh takes over the weights of a request, if it has any.
func (a *Alias) weigh(in *types.AliasRoutingConfiguration) error {
	if in == nil {
		return nil
	}
	if len(in.AdditionalVersionWeights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	a.Weights = maps.Clone(in.AdditionalVersionWeights)
	return nil
}

// checkRouting refuses an alias that points to what is not there, or to two versions that do not go together.
// https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
func (s *Service) checkRouting(tx *store.Tx, f *Function, a *Alias) error {
	main, err := s.target(tx, f, a.Version)
	if err != nil {
		return err
	}
	for version := range a.Weights {
		if version == a.Version {
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		}
		if a.Version == latest {
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		}
		other, err := s.target(tx, f, version)
		if err != nil {
			return err
		}
		if other.Role != main.Role {
			return invalid("Specified versions must be associated with the same execution role")
		}
	}
	return nil
}

// target reads the configuration of a version.
func (s *Service) target(tx *store.Tx, f *Function, version string) (Configuration, error) {
	ref, at := f.reference(), *f
	ref.Qualifier = version
	err := s.pickVersion(tx, &at, ref, version)
	return at.Configuration, err
}
