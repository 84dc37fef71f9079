package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/blob"
	"redoubt/internal/store"
)

// DeleteFunction deletes a version, or the function with all its versions, aliases, policies and environments.
func (s *Service) DeleteFunction(ctx context.Context, in *lambda.DeleteFunctionInput) (*lambda.DeleteFunctionOutput, error) {
	ref, err := refer(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if ref.Qualifier == latest {
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	if ref.aliased() {
		return nil, invalid("Deletion of aliases is not currently supported.")
	}
	if err := ref.check(ctx); err != nil {
		return nil, err
	}
	var free []Code
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if ref.Qualifier != "" {
			free, err = s.deleteVersion(tx, ref)
		} else {
			free, err = s.deleteAll(tx, ref)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.reprovision(ctx, ref); err != nil {
		return nil, err
	}
	if ref.Qualifier != "" {
		s.fleet.Retire(ref.base(), ref.Qualifier, "")
	} else {
		s.fleet.RetireAll(ref.base())
	}
	s.free(ctx, free)
	return &lambda.DeleteFunctionOutput{StatusCode: 204}, nil
}

// deleteAll deletes the function and what belongs to it, and returns the packages that nobody needs any more.
func (s *Service) deleteAll(tx *store.Tx, ref reference) ([]Code, error) {
	f, err := s.head(tx, ref)
	if err != nil {
		return nil, err
	}
	versions, err := s.versionsOf(tx, ref)
	if err != nil {
		return nil, err
	}
	free, size := []Code{f.Code}, f.Code.Size
	for _, v := range versions {
		if err := s.versions.Delete(tx, v.place(ref)...); err != nil {
			return nil, err
		}
		free, size = append(free, v.Code), size+v.Code.Size
	}
	if f.Published > 0 {
		if err := s.retired.Put(tx, Retired{f.Published}, ref.Account, ref.Region, ref.Name); err != nil {
			return nil, err
		}
	}
	if err := s.deleteAliases(tx, ref); err != nil {
		return nil, err
	}
	err = s.count(tx, &f, func(a *Account) error {
		a.Functions, a.Reserved, a.CodeSize = a.Functions-1, a.Reserved-f.held(), a.CodeSize-size
		return nil
	})
	if err != nil {
		return nil, err
	}
	return distinct(free), s.functions.Delete(tx, ref.Account, ref.Region, ref.Name)
}

// free removes packages that no record refers to any more.
func (s *Service) free(ctx context.Context, packages []Code) {
	for _, c := range packages {
		s.fleet.DropCode(c.id())
		s.packages.drop(ctx, c)
	}
}

// distinct has each package once: versions share theirs with what they were published from.
func distinct(packages []Code) (once []Code) {
	seen := map[blob.ID]bool{}
	for _, c := range packages {
		if !seen[c.Blob] {
			seen[c.Blob] = true
			once = append(once, c)
		}
	}
	return once
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
	err = s.count(tx, &f, func(a *Account) error {
		a.CodeSize -= v.Code.Size
		return f.provide(a, ref.Qualifier, nil)
	})
	if err != nil {
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
	return []Code{v.Code}, nil
}
