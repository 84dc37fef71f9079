package secretsmanager

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"redoubt/internal/store"
)

// GetSecretValue opens a version of a secret: the current one unless asked otherwise.
func (s *Service) GetSecretValue(ctx context.Context, in *sdk.GetSecretValueInput) (*sdk.GetSecretValueOutput, error) {
	var x *Secret
	var v Version
	var id string
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if x, err = s.usable(ctx, tx, *in.SecretId); err != nil {
			return err
		}
		if id, err = x.pick(in.VersionId, in.VersionStage); err != nil {
			return err
		}
		var ok bool
		v, ok, err = s.versions.Get(tx, x.place().version(id)...)
		if err == nil && (!ok || v.Sealed == nil) {
			err = absent(in, id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	opened, err := s.open(ctx, x, id, &v)
	if err != nil {
		return nil, err
	}
	out := &sdk.GetSecretValueOutput{ARN: ptr(x.arn()), Name: &x.Name, VersionId: &id, VersionStages: x.Stages[id], CreatedDate: &v.Created}
	out.SecretString, out.SecretBinary = opened.shown()
	return out, s.accessed(ctx, x, id, &v)
}

// pick is the version that a request means.
func (x *Secret) pick(version, stage *string) (string, error) {
	if version == nil {
		wanted := current
		if stage != nil {
			wanted = *stage
		}
		id := x.holder(wanted)
		if id == "" {
			return "", noStage(wanted)
		}
		return id, nil
	}
	if stage != nil && x.holder(*stage) != *version {
		return "", badRequest("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	return *version, nil
}

func absent(in *sdk.GetSecretValueInput, id string) error {
	switch {
	case in.VersionId != nil:
		return noVersion(id)
	case in.VersionStage != nil:
		return noStage(*in.VersionStage)
	}
	return noStage(current)
}

// accessed notes the day on which a version was read, as AWS does: the day only.
func (s *Service) accessed(ctx context.Context, x *Secret, id string, v *Version) error {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	if x.Accessed.Equal(today) && v.Accessed.Equal(today) {
		return nil
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		now, ok, err := s.secrets.Get(tx, x.place().key()...)
		if err != nil || !ok || now.Suffix != x.Suffix {
			return err
		}
		at := x.place().version(id)
		read, ok, err := s.versions.Get(tx, at...)
		if err != nil || !ok {
			return err
		}
		now.Accessed, read.Accessed = today, today
		if err := s.versions.Put(tx, read, at...); err != nil {
			return err
		}
		return s.put(tx, &now)
	})
}

// PutSecretValue adds a version.
func (s *Service) PutSecretValue(ctx context.Context, in *sdk.PutSecretValueInput) (*sdk.PutSecretValueOutput, error) {
	v, ok, err := newValue(in.SecretString, in.SecretBinary)
	if err == nil && !ok {
		err = badParameter("You must provide either SecretString or SecretBinary.")
	}
	if err != nil {
		return nil, err
	}
	x, err := s.read(ctx, *in.SecretId)
	if err == nil {
		err = x.checkRotationToken(in)
	}
	if err != nil {
		return nil, err
	}
	stages := in.VersionStages
	if len(stages) == 0 {
		stages = []string{current}
	}
	if x, err = s.newVersion(ctx, x, in.ClientRequestToken, v, stages, nil); err != nil {
		return nil, err
	}
	return &sdk.PutSecretValueOutput{
		ARN: ptr(x.arn()), Name: &x.Name, VersionId: in.ClientRequestToken, VersionStages: x.Stages[*in.ClientRequestToken],
	}, nil
}

// checkRotationToken refuses a token that is not that of the rotation under way (API_PutSecretValue, RotationToken).
func (x *Secret) checkRotationToken(in *sdk.PutSecretValueInput) error {
	if in.RotationToken == nil {
		return nil
	}
	r := x.Rotation
	if r == nil || r.Pending == nil || r.Pending.RotationToken != *in.RotationToken || r.Pending.Token != aws.ToString(in.ClientRequestToken) {
		return badParameter("The rotation token is invalid.")
	}
	return nil
}

// newVersion adds a version whose id is the request's token, and does nothing if that was done already. also changes the
// secret with it.
func (s *Service) newVersion(ctx context.Context, x *Secret, token *string, v value, stages []string, also func(*Secret)) (*Secret, error) {
	if token == nil {
		return nil, badParameter("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	id := *token
	done, err := s.repeated(ctx, x, id, v)
	if err != nil {
		return nil, err
	}
	if done {
		return x, nil
	}
	if x.holder(current) == "" && len(x.Stages) == 0 {
		stages = append([]string{current}, stages...)
	}
	sealed, err := s.seal(ctx, x, id, v)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, x.arn(), func(tx *store.Tx, now *Secret) error {
		before, ok, err := s.versions.Get(tx, now.place().version(id)...)
		if err != nil {
			return err
		}
		if ok && before.Sealed != nil && before.Of == "" {
			return versionExists(id)
		}
		if also != nil {
			also(now)
		}
		return s.add(tx, now, id, sealed, stages)
	})
}

// repeated reports whether a version is there with the same value: a request that is sent again changes nothing. Its value
// is compared as the caller's, who must be allowed to open it.
func (s *Service) repeated(ctx context.Context, x *Secret, id string, v value) (bool, error) {
	var before Version
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		before, _, err = s.versions.Get(tx, x.place().version(id)...)
		return err
	})
	if err != nil || before.Sealed == nil || before.Of != "" {
		return false, err
	}
	opened, err := s.open(ctx, x, id, &before)
	if err == nil && !opened.equal(v) {
		err = versionExists(id)
	}
	return err == nil, err
}

func versionExists(id string) error {
	return exists("You can't use ClientRequestToken %s because that value is already in use for a version of secret.", id)
}
