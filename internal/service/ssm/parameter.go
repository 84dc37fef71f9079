package ssm

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// A Parameter is a name with its latest version, and what is not of a version.
type Parameter struct {
	Account, Region string
	Name            string // as it was created, with or without a slash at the beginning
	Path            string // without
	Oldest          int64  // the lowest version that is kept
	Latest          Version
	Labels          map[string]int64  `cbor:",omitempty"` // label -> version
	Tags            map[string]string `cbor:",omitempty"`
	Expires         time.Time         `cbor:",omitempty"`
}

// A Version is a value that a parameter has or had. A SecureString's is as KMS has encrypted it.
type Version struct {
	Number      int64
	Type        types.ParameterType
	Tier        types.ParameterTier
	DataType    string
	Value       []byte
	Key         string         `cbor:",omitempty"` // of KMS, as it was given
	Description string         `cbor:",omitempty"`
	Pattern     string         `cbor:",omitempty"`
	Policies    []InlinePolicy `cbor:",omitempty"`
	Modified    time.Time
	User        string
}

// A Count is how many parameters an account has in a region.
type Count struct{ Standard, Advanced int }

// String keeps values out of logs.
func (v Version) String() string { return fmt.Sprintf("version %d [sealed]", v.Number) }

// GoString keeps values out of logs.
func (v Version) GoString() string { return v.String() }

func (p *Parameter) place() place { return place{p.Account, p.Region, p.Path} }

func (p *Parameter) versionKey(number int64) []string {
	return append(p.place().key(), fmt.Sprintf("%020d", number))
}

// find reads a parameter. One that has expired is not there any more, whether or not it is deleted yet.
func (s *Service) find(tx *store.Tx, at place) (*Parameter, error) {
	p, ok, err := s.parameters.Get(tx, at.key()...)
	if err == nil && (!ok || p.expired()) {
		err = notFound()
	}
	return &p, err
}

func (p *Parameter) expired() bool { return !p.Expires.IsZero() && !time.Now().Before(p.Expires) }

// change applies fn to a parameter of the caller's account.
func (s *Service) change(ctx context.Context, at place, fn func(*store.Tx, *Parameter) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := s.find(tx, at)
		if err != nil {
			return err
		}
		if err := fn(tx, p); err != nil {
			return err
		}
		return s.parameters.Put(tx, *p, at.key()...)
	})
}

// version reads one of a parameter's versions.
func (s *Service) version(tx *store.Tx, p *Parameter, number int64) (Version, error) {
	if number == p.Latest.Number {
		return p.Latest, nil
	}
	v, ok, err := s.versions.Get(tx, p.versionKey(number)...)
	if err == nil && !ok {
		err = noVersion(number, p.Name)
	}
	return v, err
}

// remove deletes a parameter with all its versions.
func (s *Service) remove(tx *store.Tx, p *Parameter) error {
	for n := p.Oldest; n < p.Latest.Number; n++ {
		if err := s.versions.Delete(tx, p.versionKey(n)...); err != nil {
			return err
		}
	}
	if err := s.schedule(tx, p, time.Time{}); err != nil {
		return err
	}
	if err := s.count(tx, p.place(), p.Latest.Tier, -1); err != nil {
		return err
	}
	return s.parameters.Delete(tx, p.place().key()...)
}

// An account has 10,000 Standard and 100,000 Advanced parameters in a region
// (https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm).
const maxStandard, maxAdvanced = 10_000, 100_000

// count notes that there is a parameter more or less of a tier, and refuses one too many.
func (s *Service) count(tx *store.Tx, at place, tier types.ParameterTier, by int) error {
	c, _, err := s.counts.Get(tx, at.account, at.region)
	if err != nil {
		return err
	}
	n, most := &c.Standard, maxStandard
	if tier == types.ParameterTierAdvanced {
		n, most = &c.Advanced, maxAdvanced
	}
	if *n += by; by > 0 && *n > most {
		return tooMany(tier, most)
	}
	return s.counts.Put(tx, c, at.account, at.region)
}

func tooMany(tier types.ParameterTier, most int) error {
	if tier == types.ParameterTierAdvanced {
		return &types.ParameterLimitExceeded{Message: text("You have reached the maximum number of advanced parameters for this AWS "+
			"account and Region (%d). To add more parameters, delete existing parameters.", most)}
	}
	return &types.ParameterLimitExceeded{Message: text("You have reached the maximum number of standard parameters for this AWS account "+
		"and Region (%d). To add more parameters, either delete existing parameters or upgrade to the advanced-parameter tier "+
		"(charges apply).", most)}
}

// shown is a version as the operations that read values have it.
func (p *Parameter) shown(v *Version, value, selector string) types.Parameter {
	out := types.Parameter{
		ARN: aws.String(p.place().arn()), Name: &p.Name, Type: v.Type, DataType: &v.DataType, Version: v.Number,
		Value: &value, LastModifiedDate: &v.Modified,
	}
	if selector != "" {
		out.Selector = aws.String(":" + selector)
	}
	return out
}

// orNil is nil for "".
func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
