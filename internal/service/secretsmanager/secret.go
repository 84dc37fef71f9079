package secretsmanager

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A Secret is what is known of a secret but its values.
type Secret struct {
	Account, Region, Name string
	Suffix                string // the random end of its ARN, by which it differs from others that had its name
	Description           string `cbor:",omitempty"`
	KMSKey                string `cbor:",omitempty"` // as it was given; "" is aws/secretsmanager
	Created, Changed      time.Time
	Accessed              time.Time           `cbor:",omitempty"` // a day
	Deletion              time.Time           `cbor:",omitempty"` // when it will be deleted, if it is marked for that
	Token                 string              `cbor:",omitempty"` // of the request that made it without a value
	Tags                  map[string]string   `cbor:",omitempty"`
	Stages                map[string][]string `cbor:",omitempty"` // the labels of each version that has one
	Versions              int                 `cbor:",omitempty"` // how many there are, with and without labels
	Policy                string              `cbor:",omitempty"`
	PolicyRevision        string              `cbor:",omitempty"`
	Bound                 policy.Bindings     `cbor:",omitempty"`
	Rotation              *Rotation           `cbor:",omitempty"`
	Due                   string              `cbor:",omitempty"` // its entry among what is due
}

// A place is where a secret is.
type place struct{ account, region, name string }

func (p place) key() []string { return []string{p.account, p.region, p.name} }

func (x *Secret) place() place { return place{x.Account, x.Region, x.Name} }

func (x *Secret) arn() string { return arnOf(x.place(), x.Suffix) }

func arnOf(p place, suffix string) string {
	return "arn:aws:secretsmanager:" + p.region + ":" + p.account + ":secret:" + p.name + "-" + suffix
}

// stamp is now as AWS keeps it, in milliseconds.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// find reads the secret that a name or an ARN means. It is one that the call was allowed to touch: another may have taken
// the name since.
func (s *Service) find(ctx context.Context, tx *store.Tx, id string) (*Secret, error) {
	r, err := parseReference(ctx, id)
	if err != nil {
		return nil, err
	}
	x, err := s.look(tx, r)
	if err != nil {
		return nil, err
	}
	if x == nil || !api.Authorized(ctx, x.arn()) {
		return nil, noSecret()
	}
	return x, nil
}

// look is find without permission; nil if there is none.
func (s *Service) look(tx *store.Tx, r reference) (*Secret, error) {
	x, ok, err := s.secrets.Get(tx, r.key()...)
	if err != nil || !ok || r.suffix != "" && r.suffix != x.Suffix {
		return nil, err
	}
	return &x, nil
}

// usable is find for operations that do not work on a secret that is marked for deletion.
func (s *Service) usable(ctx context.Context, tx *store.Tx, id string) (*Secret, error) {
	x, err := s.find(ctx, tx, id)
	if err == nil && !x.Deletion.IsZero() {
		err = marked()
	}
	return x, err
}

// read is usable in a transaction of its own.
func (s *Service) read(ctx context.Context, id string) (x *Secret, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		x, err = s.usable(ctx, tx, id)
		return err
	})
	return x, err
}

// change applies fn to a secret that may be used.
func (s *Service) change(ctx context.Context, id string, fn func(*store.Tx, *Secret) error) (x *Secret, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if x, err = s.usable(ctx, tx, id); err != nil {
			return err
		}
		if err := fn(tx, x); err != nil {
			return err
		}
		x.Changed = stamp()
		return s.put(tx, x)
	})
	return x, err
}

// put stores a secret, and when something is next to be done about it.
func (s *Service) put(tx *store.Tx, x *Secret) error {
	if err := s.schedule(tx, x, x.nextDue()); err != nil {
		return err
	}
	return s.secrets.Put(tx, *x, x.place().key()...)
}

func (s *Service) schedule(tx *store.Tx, x *Secret, due string) error {
	if due == x.Due {
		return nil
	}
	if x.Due != "" {
		if err := s.due.Delete(tx, x.dueKey()...); err != nil {
			return err
		}
	}
	if x.Due = due; due == "" {
		return nil
	}
	return s.due.Put(tx, mark{}, x.dueKey()...)
}

func (x *Secret) dueKey() []string { return []string{x.Due, x.Account, x.Region, x.Name} }

// A due secret's entry begins with its time in this form, which sorts as time does.
const dueForm = "2006-01-02T15:04:05.000Z"

func (x *Secret) nextDue() string {
	switch r := x.Rotation; {
	case !x.Deletion.IsZero():
		return x.Deletion.UTC().Format(dueForm)
	case r != nil && r.Pending != nil:
		return r.Pending.Next.UTC().Format(dueForm)
	case r != nil && r.Enabled && !r.Next.IsZero():
		return r.Next.UTC().Format(dueForm)
	}
	return ""
}

// holder is the version that has a label, or "".
func (x *Secret) holder(stage string) string {
	for id, stages := range x.Stages {
		if slices.Contains(stages, stage) {
			return id
		}
	}
	return ""
}

// remove deletes a secret with all its versions.
func (s *Service) remove(tx *store.Tx, x *Secret) error {
	for r, err := range s.versions.Scan(tx, store.Range{Prefix: x.place().key()}) {
		if err != nil {
			return err
		}
		if err := s.versions.Delete(tx, r.Key...); err != nil {
			return err
		}
	}
	if err := s.schedule(tx, x, ""); err != nil {
		return err
	}
	return s.secrets.Delete(tx, x.place().key()...)
}

// describe is a secret as lists have it.
func (s *Service) describe(x *Secret) types.SecretListEntry {
	e := types.SecretListEntry{
		ARN: ptr(x.arn()), Name: &x.Name, CreatedDate: &x.Created, LastChangedDate: &x.Changed,
		LastAccessedDate: date(x.Accessed), DeletedDate: date(x.Deletion), SecretVersionsToStages: x.Stages, Tags: x.tags(),
	}
	if x.Description != "" {
		e.Description = &x.Description
	}
	if x.KMSKey != "" {
		e.KmsKeyId = &x.KMSKey
	}
	if r := x.Rotation; r != nil {
		e.RotationEnabled, e.RotationLambdaARN, e.RotationRules = &r.Enabled, &r.Function, r.Rules.shown()
		e.LastRotatedDate = date(r.Last)
		if r.Enabled {
			e.NextRotationDate = date(r.Latest)
		}
	}
	return e
}

func ptr[T any](v T) *T { return &v }

func date(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
