package lambda

import (
	"math/rand/v2"
	"strings"

	"redoubt/internal/store"
)

// Alias is a name for a version, or for two with a share of the invocations each.
type Alias struct {
	Name, Description string
	Version           string
	Weights           map[string]float64 // share of invocations by version; Version has the rest
	Revision          string
}

func (s *Service) alias(tx *store.Tx, ref reference) (Alias, error) {
	a, ok, err := s.aliases.Get(tx, ref.Account, ref.Region, ref.Name, ref.Qualifier)
	if err == nil && !ok {
		err = ref.notFound()
	}
	return a, err
}

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

// aliasesOf reads all aliases of a function.
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
