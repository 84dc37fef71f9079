package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// CreateSecret makes a secret, with or without a value.
func (s *Service) CreateSecret(ctx context.Context, in *sdk.CreateSecretInput) (*sdk.CreateSecretOutput, error) {
	v, valued, err := newValue(in.SecretString, in.SecretBinary)
	if err == nil {
		err = checkNew(in)
	}
	tags, tagErr := addTags(nil, in.Tags)
	if err == nil {
		err = tagErr
	}
	if err != nil {
		return nil, err
	}
	at := here(ctx)
	at.name = *in.Name
	x := &Secret{
		Account: at.account, Region: at.region, Name: at.name, Suffix: newSuffix(), Description: aws.ToString(in.Description),
		KMSKey: aws.ToString(in.KmsKeyId), Created: stamp(), Tags: tags,
	}
	x.Changed = x.Created
	if made, err := s.createdBefore(ctx, x, in, v, valued); made != nil || err != nil {
		return created(made, in, valued), err
	}
	var sealed *Version
	if valued {
		if sealed, err = s.seal(ctx, x, *in.ClientRequestToken, v); err != nil {
			return nil, err
		}
	} else {
		x.Token = aws.ToString(in.ClientRequestToken)
	}
	if err := s.insert(ctx, x, sealed, in); err != nil {
		return nil, err
	}
	api.Touch(ctx, api.Resource{ARN: x.arn(), Type: secretType})
	return created(x, in, valued), nil
}

func (s *Service) insert(ctx context.Context, x *Secret, sealed *Version, in *sdk.CreateSecretInput) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if taken, err := s.secrets.Has(tx, x.place().key()...); err != nil || taken {
			if err == nil {
				err = nameTaken(x.Name)
			}
			return err
		}
		if sealed != nil {
			if err := s.add(tx, x, *in.ClientRequestToken, sealed, []string{current}); err != nil {
				return err
			}
		}
		return s.put(tx, x)
	})
}

func created(x *Secret, in *sdk.CreateSecretInput, valued bool) *sdk.CreateSecretOutput {
	if x == nil {
		return nil
	}
	out := &sdk.CreateSecretOutput{ARN: ptr(x.arn()), Name: &x.Name}
	if valued {
		out.VersionId = in.ClientRequestToken
	}
	return out
}

func nameTaken(name string) error {
	return exists("The operation failed because the secret %s already exists.", name)
}

func checkNew(in *sdk.CreateSecretInput) error {
	switch {
	case !nameForm.MatchString(*in.Name):
		return badName()
	case in.ClientRequestToken == nil:
		return badParameter("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	case in.Type != nil:
		return badParameter("Secrets of external partners (Type) are not supported by Redoubt.")
	case in.ForceOverwriteReplicaSecret && len(in.AddReplicaRegions) == 0:
		return badParameter("You can't use ForceOverwriteReplicaSecret without AddReplicaRegions.")
	}
	return checkRegions(in.AddReplicaRegions)
}

// createdBefore finds what an earlier sending of the same request has made. It refuses a name that is taken otherwise.
func (s *Service) createdBefore(ctx context.Context, x *Secret, in *sdk.CreateSecretInput, v value, valued bool) (*Secret, error) {
	var before *Secret
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		before, err = s.look(tx, reference{place: x.place()})
		return err
	})
	if err != nil || before == nil {
		return nil, err
	}
	if !before.Deletion.IsZero() {
		return nil, badRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	if !valued && before.Token == *in.ClientRequestToken {
		return before, nil
	}
	if valued {
		same, err := s.repeated(ctx, before, *in.ClientRequestToken, v)
		if same || err != nil {
			return before, err
		}
	}
	return nil, nameTaken(x.Name)
}

// UpdateSecret changes a secret's description or key, and adds a version if it brings a value.
func (s *Service) UpdateSecret(ctx context.Context, in *sdk.UpdateSecretInput) (*sdk.UpdateSecretOutput, error) {
	v, valued, err := newValue(in.SecretString, in.SecretBinary)
	if err == nil && in.Type != nil {
		err = badParameter("Secrets of external partners (Type) are not supported by Redoubt.")
	}
	if err != nil {
		return nil, err
	}
	x, err := s.read(ctx, *in.SecretId)
	if err != nil {
		return nil, err
	}
	id := x.arn()
	if in.KmsKeyId != nil {
		x.KMSKey = *in.KmsKeyId
		if err := s.rekey(ctx, x); err != nil {
			return nil, err
		}
	}
	also := func(now *Secret) {
		if in.Description != nil {
			now.Description = *in.Description
		}
		if in.KmsKeyId != nil {
			now.KMSKey = *in.KmsKeyId
		}
	}
	if valued {
		x, err = s.newVersion(ctx, x, in.ClientRequestToken, v, []string{current}, also)
	} else {
		x, err = s.change(ctx, id, func(_ *store.Tx, now *Secret) error { also(now); return nil })
	}
	if err != nil {
		return nil, err
	}
	out := &sdk.UpdateSecretOutput{ARN: ptr(x.arn()), Name: &x.Name}
	if valued {
		out.VersionId = in.ClientRequestToken
	}
	return out, nil
}

// rekey wraps the data keys of the versions in use under the secret's new key as well
// (API_UpdateSecret, KmsKeyId).
func (s *Service) rekey(ctx context.Context, x *Secret) error {
	for _, stage := range []string{current, previous, pending} {
		id := x.holder(stage)
		if id == "" {
			continue
		}
		var v Version
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			v, _, err = s.versions.Get(tx, x.place().version(id)...)
			return err
		})
		if err == nil {
			err = s.rewrap(ctx, x, id, &v)
		}
		if err == nil {
			err = s.putWraps(ctx, x, id, v.Wraps)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) putWraps(ctx context.Context, x *Secret, id string, wraps []wrap) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		at := x.place().version(id)
		v, ok, err := s.versions.Get(tx, at...)
		if err != nil || !ok {
			return err
		}
		v.Wraps = wraps
		return s.versions.Put(tx, v, at...)
	})
}

// DescribeSecret tells all about a secret but its value.
func (s *Service) DescribeSecret(ctx context.Context, in *sdk.DescribeSecretInput) (*sdk.DescribeSecretOutput, error) {
	var x *Secret
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		x, err = s.find(ctx, tx, *in.SecretId)
		return err
	})
	if err != nil {
		return nil, err
	}
	e := s.describe(x)
	return &sdk.DescribeSecretOutput{
		ARN: e.ARN, Name: e.Name, Description: e.Description, KmsKeyId: e.KmsKeyId, CreatedDate: e.CreatedDate,
		LastChangedDate: e.LastChangedDate, LastAccessedDate: e.LastAccessedDate, DeletedDate: e.DeletedDate, Tags: e.Tags,
		VersionIdsToStages: e.SecretVersionsToStages, RotationEnabled: e.RotationEnabled, RotationLambdaARN: e.RotationLambdaARN,
		RotationRules: e.RotationRules, LastRotatedDate: e.LastRotatedDate, NextRotationDate: e.NextRotationDate,
	}, nil
}

// checkRegions refuses replicas: there is one region.
func checkRegions(list []types.ReplicaRegionType) error {
	if len(list) == 0 {
		return nil
	}
	return badParameter("Invalid replica region. Redoubt serves one region; replication of secrets is not supported.")
}
