package lambda

import (
	"fmt"
	"regexp"
	"strconv"

	"redoubt/internal/store"
)

// Version is a published version. It never changes.
type Version struct {
	Configuration
}

// versionForm tells numbers of versions from names of aliases.
var versionForm = regexp.MustCompile(`^[0-9]+$`)

// aliased reports whether the qualifier is the name of an alias.
func (r reference) aliased() bool {
	return r.Qualifier != "" && r.Qualifier != latest && !versionForm.MatchString(r.Qualifier)
}

// versionKey is where a version is stored: in the order of the numbers.
func versionKey(ref reference, version string) []string {
	n, _ := strconv.ParseInt(version, 10, 64) // what is no number is not found
	return []string{ref.Account, ref.Region, ref.Name, fmt.Sprintf("%019d", n)}
}

func (v *Version) place(ref reference) []string { return versionKey(ref, v.Version) }

// pick gives f the configuration of the version that ref names, directly or by an alias.
func (s *Service) pick(tx *store.Tx, f *Function, ref reference) error {
	number := ref.Qualifier
	if ref.aliased() {
		a, err := s.alias(tx, ref)
		if err != nil {
			return err
		}
		number = a.Version
	}
	return s.pickVersion(tx, f, ref, number)
}

func (s *Service) pickVersion(tx *store.Tx, f *Function, ref reference, number string) error {
	if number == "" || number == latest {
		return nil
	}
	v, ok, err := s.versions.Get(tx, versionKey(ref, number)...)
	if err == nil && (!ok || v.Version != number) {
		err = ref.notFound()
	}
	if err == nil {
		f.Configuration = v.Configuration
	}
	return err
}

// versionsOf reads all published versions of a function, in their order.
func (s *Service) versionsOf(tx *store.Tx, ref reference) (all []Version, err error) {
	for r, err := range s.versions.Scan(tx, store.Range{Prefix: []string{ref.Account, ref.Region, ref.Name}}) {
		if err != nil {
			return nil, err
		}
		all = append(all, r.Value)
	}
	return all, nil
}

// published reports whether a version of the function has the package.
func (s *Service) published(tx *store.Tx, ref reference, code Code) (bool, error) {
	all, err := s.versionsOf(tx, ref)
	for _, v := range all {
		if v.Code.Blob == code.Blob {
			return true, nil
		}
	}
	return false, err
}

// deleteVersion deletes a version, and returns its package if nobody else needs it.
func (s *Service) deleteVersion(tx *store.Tx, ref reference) ([]Code, error) {
	f, err := s.head(tx, ref)
	if err != nil {
		return nil, err
	}
	v, ok, err := s.versions.Get(tx, versionKey(ref, ref.Qualifier)...)
	if err != nil {
		return nil, err
	}
	if !ok || v.Version != ref.Qualifier {
		return nil, ref.notFound()
	}
	if err := s.unaliased(tx, ref); err != nil {
		return nil, err
	}
	if err := s.versions.Delete(tx, v.place(ref)...); err != nil {
		return nil, err
	}
	delete(f.Statements, ref.Qualifier)
	if err := s.save(tx, f); err != nil {
		return nil, err
	}
	used, err := s.published(tx, ref, v.Code)
	if err != nil || used || f.Code.Blob == v.Code.Blob {
		return nil, err
	}
	err = s.count(tx, &f, func(a *Account) error {
		a.CodeSize -= v.Code.Size
		return nil
	})
	return []Code{v.Code}, err
}
