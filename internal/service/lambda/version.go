package lambda

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/store"
)

// Version is a published version. But for its revision, which changes with its policy, and for what looks after its runtime,
// it never changes.
type Version struct {
	Configuration
	Latest string // description of $LATEST when this was published
}

// Retired is what outlives a function: numbers of versions are not given again to one that is made under its name later.
type Retired struct {
	Published int64
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

// versionPage reads up to limit versions after the given one, and whether there are more.
func (s *Service) versionPage(tx *store.Tx, ref reference, after string, limit int) (page []Version, more bool, err error) {
	r := store.Range{Prefix: []string{ref.Account, ref.Region, ref.Name}}
	if after != "" && after != latest {
		r.After = versionKey(ref, after)
	}
	for rec, err := range s.versions.Scan(tx, r) {
		if err != nil || len(page) == limit {
			return page, err == nil, err
		}
		page = append(page, rec.Value)
	}
	return page, false, nil
}

// ListVersionsByFunction lists $LATEST and then the versions in their order, 50 a page.
func (s *Service) ListVersionsByFunction(ctx context.Context, in *lambda.ListVersionsByFunctionInput) (*lambda.ListVersionsByFunctionOutput, error) {
	ref, after, err := s.listed(ctx, in.FunctionName, in.Marker)
	if err != nil {
		return nil, err
	}
	var page []Function
	var more bool
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		f, err := s.head(tx, ref)
		if err == nil {
			page, more, err = s.withVersions(tx, f, after, limitOf(in.MaxItems))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &lambda.ListVersionsByFunctionOutput{}
	if more {
		out.NextMarker = aws.String(marker(page[len(page)-1].Version))
	}
	out.Versions, err = s.summaries(ctx, page, true)
	return out, err
}

// withVersions reads up to limit of a function's versions after the given one: $LATEST first.
func (s *Service) withVersions(tx *store.Tx, f Function, after string, limit int) (page []Function, more bool, err error) {
	if after == "" {
		page = append(page, f)
	}
	versions, more, err := s.versionPage(tx, f.reference(), after, limit-len(page))
	for _, v := range versions {
		f.Configuration = v.Configuration
		page = append(page, f)
	}
	return page, more, err
}

// whole reads the name of a function whose version is of no matter.
func (s *Service) whole(ctx context.Context, name *string) (reference, error) {
	ref, err := refer(ctx, name, nil)
	if err != nil {
		return ref, err
	}
	ref.Qualifier = ""
	return ref, ref.check(ctx)
}
