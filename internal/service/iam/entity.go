package iam

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// Entity is what users, groups and roles have in common. Records are keyed by account and lower-case name: names are
// not distinguished by case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
type Entity struct {
	Name, Path, ID string
	Created        time.Time
	Attached       []string // ARNs of managed policies
	Inline         []Inline // ordered by name
	Boundary       string   // ARN of the managed policy that is the permissions boundary
	Tags           map[string]string
}

// A kind is one sort of entity, with the words and quotas that AWS has for it.
type kind[T any] struct {
	s      *Service
	noun   string // as in ARNs
	title  string // as in messages
	inline int    // characters of all inline policies together
	table  *store.Table[T]
	entity func(*T) *Entity
}

func newEntity(prefix string, name, path *string) Entity {
	return Entity{Name: *name, Path: pathOr(path), ID: api.NewID(prefix), Created: now()}
}

// now has the precision in which AWS tells dates.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func pathOr(path *string) string { return cmp.Or(aws.ToString(path), "/") }

// arnOf builds the name of a resource of IAM: arn:aws:iam::1:user/path/name.
func arnOf(account, noun, path, name string) string {
	return "arn:aws:iam::" + account + ":" + noun + path + name
}

func (k kind[T]) arn(account string, v *T) string {
	e := k.entity(v)
	return arnOf(account, k.noun, e.Path, e.Name)
}

// find returns an entity; ok is false if there is none of exactly that name.
func (k kind[T]) find(tx *store.Tx, account, name string) (v T, ok bool, err error) {
	v, ok, err = k.table.Get(tx, account, "", strings.ToLower(name))
	return v, ok && k.entity(&v).Name == name, err
}

// load is find for what must be there.
func (k kind[T]) load(tx *store.Tx, account, name string) (T, error) {
	v, ok, err := k.find(tx, account, name)
	if err == nil && !ok {
		err = noSuch("The %s with name %s cannot be found.", k.noun, name)
	}
	return v, err
}

func (k kind[T]) save(tx *store.Tx, account string, v *T) error {
	return k.table.Put(tx, *v, account, "", strings.ToLower(k.entity(v).Name))
}

// free checks that nothing has the name yet, in any case.
func (k kind[T]) free(tx *store.Tx, account, name string) error {
	taken, err := k.table.Has(tx, account, "", strings.ToLower(name))
	if err == nil && taken {
		err = exists("%s with name %s already exists.", k.title, name)
	}
	return err
}

// get reads an entity of the caller's account.
func (k kind[T]) get(ctx context.Context, name string) (T, error) {
	return read(ctx, k.s, func(tx *store.Tx) (T, error) { return k.load(tx, account(ctx), name) })
}

// change loads an entity of the caller's account, lets fn change it, and saves it.
func (k kind[T]) change(ctx context.Context, name string, fn func(tx *store.Tx, v *T) error) error {
	return k.s.update(ctx, func(tx *store.Tx) error {
		v, err := k.load(tx, account(ctx), name)
		if err != nil {
			return err
		}
		if err := fn(tx, &v); err != nil {
			return err
		}
		return k.save(tx, account(ctx), &v)
	})
}

// remove deletes an entity of the caller's account that has nothing attached, after fn has agreed.
func (k kind[T]) remove(ctx context.Context, name string, fn func(tx *store.Tx, v *T) error) error {
	return k.s.update(ctx, func(tx *store.Tx) error {
		v, err := k.load(tx, account(ctx), name)
		if err != nil {
			return err
		}
		if err := fn(tx, &v); err != nil {
			return err
		}
		return k.discard(tx, account(ctx), &v)
	})
}

func (k kind[T]) discard(tx *store.Tx, account string, v *T) error {
	e := k.entity(v)
	switch {
	case len(e.Attached) > 0:
		return conflict("Cannot delete entity, must detach all policies first.")
	case len(e.Inline) > 0:
		return conflict("Cannot delete entity, must delete policies first.")
	}
	if e.Boundary != "" {
		if err := k.s.uses.Delete(tx, useKey(account, e.Boundary, asBoundary, k.noun, e.Name)...); err != nil {
			return err
		}
	}
	if err := k.s.lastUsed.Delete(tx, account, "", e.ID); err != nil {
		return err
	}
	return k.table.Delete(tx, account, "", strings.ToLower(e.Name))
}

// page reads a page of the entities below a path.
func (k kind[T]) page(ctx context.Context, prefix, marker *string, max *int32) (found []T, next *string, err error) {
	p, err := pageOf(marker, max)
	if err != nil {
		return nil, nil, err
	}
	below := aws.ToString(prefix)
	err = k.s.view(ctx, func(tx *store.Tx) error {
		found, next, err = scanPage(tx, k.table, p, func(v *T) bool {
			return strings.HasPrefix(k.entity(v).Path, below)
		}, account(ctx), "")
		return err
	})
	return found, next, err
}

func tagList(tags map[string]string) []types.Tag {
	list := []types.Tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}
