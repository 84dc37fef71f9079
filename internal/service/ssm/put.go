package ssm

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// maxVersions is how many versions of a parameter are kept
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html).
const maxVersions = 100

// PutParameter makes a parameter, or a version of one.
func (s *Service) PutParameter(ctx context.Context, in *sdk.PutParameterInput) (*sdk.PutParameterOutput, error) {
	d, err := s.draft(ctx, in)
	if err != nil {
		return nil, err
	}
	sealed, err := s.seal(ctx, d.at, &d.version, *in.Value)
	if err != nil {
		return nil, err
	}
	var stored *Parameter
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		now, there, err := s.current(tx, d.at)
		if err != nil {
			return err
		}
		// It may have changed while KMS was at work. What that decides must still be so, or it is not what was asked for.
		v, err := s.fit(tx, d.in, d.at, now, there)
		if err == nil && !v.alike(&d.version) {
			err = concurrent()
		}
		if err != nil {
			return err
		}
		v.User, v.Value = api.CallerOf(ctx).Principal.ARN, sealed
		stored, err = s.store(tx, d, v, now, there)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &sdk.PutParameterOutput{Version: stored.Latest.Number, Tier: stored.Latest.Tier}, nil
}

func concurrent() error {
	return &types.TooManyUpdates{Message: text("There are concurrent updates for a resource that supports one update at a time.")}
}

// A draft is a version on its way into the store.
type draft struct {
	in       *sdk.PutParameterInput
	at       place
	name     string
	version  Version // as far as it is known before it is stored
	policies []InlinePolicy
	expires  time.Time
	tags     map[string]string
}

// draft checks all that a request says, against what is there.
func (s *Service) draft(ctx context.Context, in *sdk.PutParameterInput) (*draft, error) {
	d := &draft{in: in}
	var err error
	if d.at, err = parseName(ctx, *in.Name); err != nil {
		return nil, err
	}
	d.name = trim(*in.Name)
	if err = checkNew(d.name, d.at); err == nil {
		err = checkRequest(in)
	}
	if err == nil {
		d.policies, d.expires, err = parsePolicies(in.Policies)
	}
	if err == nil {
		d.tags, err = addTags(nil, in.Tags)
	}
	if err == nil {
		err = s.db.View(ctx, func(tx *store.Tx) error {
			now, there, err := s.current(tx, d.at)
			if err == nil {
				d.version, err = s.fit(tx, in, d.at, now, there)
			}
			return err
		})
	}
	return d, err
}

// current reads the parameter that a put would change; there is false if it would make one.
func (s *Service) current(tx *store.Tx, at place) (p *Parameter, there bool, err error) {
	found, ok, err := s.parameters.Get(tx, at.key()...)
	return &found, ok && !found.expired(), err
}

// alike reports whether a value that was encrypted for w is right for v.
func (v *Version) alike(w *Version) bool {
	return v.Type == w.Type && v.Tier == w.Tier && v.Key == w.Key
}

// store adds the version. Description, pattern and policies stay if the request has none.
func (s *Service) store(tx *store.Tx, d *draft, v Version, now *Parameter, there bool) (*Parameter, error) {
	v.Number, v.Modified = 1, time.Now().UTC().Truncate(time.Millisecond)
	v.Policies = d.policies
	next := &Parameter{Account: d.at.account, Region: d.at.region, Path: d.at.path, Name: d.name, Oldest: 1, Tags: d.tags}
	expires := d.expires
	if there {
		next, v.Number = now, now.Latest.Number+1
		if d.in.Policies == nil {
			v.Policies, expires = now.Latest.Policies, now.Expires
		}
		if err := s.archive(tx, now); err != nil {
			return nil, err
		}
	} else if err := s.replace(tx, d.at, now, v.Tier); err != nil {
		return nil, err
	}
	if there && v.Tier != next.Latest.Tier {
		if err := s.promote(tx, d.at); err != nil {
			return nil, err
		}
	}
	next.Latest = v
	if err := s.schedule(tx, next, expires); err != nil {
		return nil, err
	}
	return next, s.parameters.Put(tx, *next, d.at.key()...)
}

// replace makes room for a new parameter, where one that has expired may still be.
func (s *Service) replace(tx *store.Tx, at place, expired *Parameter, tier types.ParameterTier) error {
	if expired.Name != "" {
		if err := s.remove(tx, expired); err != nil {
			return err
		}
	}
	return s.count(tx, at, tier, 1)
}

func (s *Service) promote(tx *store.Tx, at place) error {
	if err := s.count(tx, at, types.ParameterTierStandard, -1); err != nil {
		return err
	}
	return s.count(tx, at, types.ParameterTierAdvanced, 1)
}

// archive puts the latest version among the older ones, and drops the oldest where there are too many.
func (s *Service) archive(tx *store.Tx, p *Parameter) error {
	if p.Latest.Number-p.Oldest+1 >= maxVersions {
		for _, labelled := range p.Labels {
			if labelled == p.Oldest {
				return &types.ParameterMaxVersionLimitExceeded{Message: text("You attempted to create a new version of %s by calling the "+
					"PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label "+
					"associated with it. Move the label to another version of the parameter, and try again.", p.Name, p.Oldest)}
			}
		}
		if err := s.versions.Delete(tx, p.versionKey(p.Oldest)...); err != nil {
			return err
		}
		p.Oldest++
	}
	return s.versions.Put(tx, p.Latest, p.versionKey(p.Latest.Number)...)
}

// kept is what the request says, or else what was there.
func kept(said *string, was string) string {
	if said == nil {
		return was
	}
	return aws.ToString(said)
}
