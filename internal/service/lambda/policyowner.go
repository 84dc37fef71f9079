package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/store"
)

// An owner is what a policy belongs to: the function, a version of it, or an alias. Its revision changes with its policy.
type owner struct {
	revision *string
	save     func() error
}

// owner reads what ref names; f is the function, as it is stored.
func (s *Service) owner(tx *store.Tx, ref reference, f *Function) (*owner, error) {
	switch {
	case ref.Qualifier == "" || ref.Qualifier == latest:
		return &owner{&f.Revision, func() error { f.touch(); return s.save(tx, *f) }}, nil
	case ref.aliased():
		_, a, err := s.named(tx, ref, ref.Qualifier)
		return &owner{&a.Revision, func() error { a.touch(); return s.saveAlias(tx, ref, a) }}, err
	}
	v, ok, err := s.versions.Get(tx, versionKey(ref, ref.Qualifier)...)
	if err == nil && (!ok || v.Version != ref.Qualifier) {
		err = ref.notFound()
	}
	return &owner{&v.Revision, func() error { v.touch(); return s.versions.Put(tx, v, v.place(ref)...) }}, err
}

// policyOwner reads a function and what of it the policy that ref names belongs to.
func (s *Service) policyOwner(ctx context.Context, ref reference) (f Function, o *owner, err error) {
	if err := ref.check(ctx); err != nil {
		return f, nil, err
	}
	err = s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		if f, err = s.head(tx, ref); err == nil {
			o, err = s.owner(tx, ref, &f)
		}
		return err
	})
	return f, o, err
}

// changePolicy changes the policy of what ref names, if that has the revision that the caller expects.
func (s *Service) changePolicy(ctx context.Context, ref reference, revision *string, fn func(*Function) error) error {
	if err := ref.check(ctx); err != nil {
		return err
	}
	return s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		f, err := s.head(tx, ref)
		if err != nil {
			return err
		}
		o, err := s.owner(tx, ref, &f)
		if err != nil {
			return err
		}
		if r := aws.ToString(revision); r != "" && r != *o.revision {
			return stale("GetPolicy")
		}
		if err := fn(&f); err != nil {
			return err
		}
		if err := s.save(tx, f); err != nil {
			return err
		}
		return o.save()
	})
}
