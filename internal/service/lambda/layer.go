package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/store"
)

// Layer is the name of layer versions. It outlives them: numbers are never given twice.
type Layer struct {
	Published int64 // the number given last
}

// LayerVersion is a version of a layer. But for its policy it never changes.
type LayerVersion struct {
	Account, Region, Name string
	Number                int64
	Description, License  string
	Runtimes              []types.Runtime
	Architectures         []types.Architecture
	Created               time.Time
	Code                  Code

	Statements []Statement // of its policy
	Revision   string      // of its policy
}

func (v *LayerVersion) reference() layerReference {
	return layerReference{Account: v.Account, Region: v.Region, Name: v.Name, Number: v.Number}
}

// PublishLayerVersion makes a version of a layer, and the layer if it is the first.
func (s *Service) PublishLayerVersion(ctx context.Context, in *lambda.PublishLayerVersionInput) (*lambda.PublishLayerVersionOutput, error) {
	ref := referLayer(ctx, in.LayerName, 0)
	if err := ref.check(ctx); err != nil {
		return nil, err
	}
	c := in.Content
	archive, err := s.fetch(ctx, source{zip: c.ZipFile, bucket: c.S3Bucket, key: c.S3Key, version: c.S3ObjectVersion, mode: c.S3ObjectStorageMode})
	if err != nil {
		return nil, err
	}
	code, err := inspect(archive, maxUnzipped)
	if err != nil {
		return nil, err
	}
	if code.Signature, err = s.whoSigned(ctx, archive); err != nil {
		return nil, err
	}
	if code, err = s.packages.keep(ctx, code, archive); err != nil {
		return nil, err
	}
	v := LayerVersion{
		Account: ref.Account, Region: ref.Region, Name: ref.Name, Description: aws.ToString(in.Description), License: aws.ToString(in.LicenseInfo),
		Runtimes: in.CompatibleRuntimes, Architectures: in.CompatibleArchitectures, Created: time.Now().UTC(), Code: code,
	}
	if err := s.deps.DB.Update(ctx, func(tx *store.Tx) error { return s.number(tx, &v) }); err != nil {
		s.packages.drop(ctx, code)
		return nil, err
	}
	out := lambda.PublishLayerVersionOutput(*v.output())
	return &out, nil
}

// number stores a version under the next number of its layer.
func (s *Service) number(tx *store.Tx, v *LayerVersion) error {
	ref := v.reference()
	l, _, err := s.layers.Get(tx, ref.layerKey()...)
	if err != nil {
		return err
	}
	l.Published++
	v.Number = l.Published
	if err := s.layers.Put(tx, l, ref.layerKey()...); err != nil {
		return err
	}
	if err := s.countIn(tx, ref.Account, ref.Region, func(a *Account) error { return a.grow(v.Code.Size) }); err != nil {
		return err
	}
	return s.layerVersions.Put(tx, *v, v.reference().versionKey()...)
}

// output describes a version. Content.Location is left out, as it is for functions.
func (v *LayerVersion) output() *lambda.GetLayerVersionOutput {
	ref := v.reference()
	return &lambda.GetLayerVersionOutput{
		LayerArn: aws.String(ref.base()), LayerVersionArn: aws.String(ref.String()), Version: v.Number,
		Description: aws.String(v.Description), LicenseInfo: optional(v.License), CreatedDate: aws.String(v.Created.Format(modifiedForm)),
		CompatibleRuntimes: v.Runtimes, CompatibleArchitectures: v.Architectures,
		Content: &types.LayerVersionContentOutput{
			CodeSha256: aws.String(base64.StdEncoding.EncodeToString(v.Code.SHA256)), CodeSize: v.Code.Size,
			SigningProfileVersionArn: v.Code.Signature.profile(), SigningJobArn: v.Code.Signature.job(),
		},
	}
}

// GetLayerVersion returns a version of a layer.
func (s *Service) GetLayerVersion(ctx context.Context, in *lambda.GetLayerVersionInput) (*lambda.GetLayerVersionOutput, error) {
	ref, err := referLayerVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	return s.showLayer(ctx, ref)
}

// GetLayerVersionByArn returns a version of a layer.
func (s *Service) GetLayerVersionByArn(ctx context.Context, in *lambda.GetLayerVersionByArnInput) (*lambda.GetLayerVersionByArnOutput, error) {
	v, err := s.showLayer(ctx, referLayer(ctx, in.Arn, 0))
	if err != nil {
		return nil, err
	}
	out := lambda.GetLayerVersionByArnOutput(*v)
	return &out, nil
}

func (s *Service) showLayer(ctx context.Context, ref layerReference) (*lambda.GetLayerVersionOutput, error) {
	v, err := s.findLayer(ctx, ref, missing("The resource you requested does not exist."))
	if err != nil {
		return nil, err
	}
	return v.output(), nil
}

// findLayer reads a version of a layer, or returns the error for its absence.
func (s *Service) findLayer(ctx context.Context, ref layerReference, absent error) (v LayerVersion, err error) {
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		var ok bool
		if v, ok, err = s.layerVersions.Get(tx, ref.versionKey()...); err == nil && !ok {
			err = absent
		}
		return err
	})
	return v, err
}

// DeleteLayerVersion deletes a version. Functions that have it keep its content; one that is not there is no error.
func (s *Service) DeleteLayerVersion(ctx context.Context, in *lambda.DeleteLayerVersionInput) (*lambda.DeleteLayerVersionOutput, error) {
	ref, err := referLayerVersion(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	var unused *Code
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		unused = nil
		v, ok, err := s.layerVersions.Get(tx, ref.versionKey()...)
		if err != nil || !ok {
			return err
		}
		if err := s.layerVersions.Delete(tx, ref.versionKey()...); err != nil {
			return err
		}
		used, err := s.inUse(tx)
		if err == nil && !used[v.Code.Blob] {
			unused = &v.Code
		}
		if err != nil {
			return err
		}
		return s.countIn(tx, ref.Account, ref.Region, func(a *Account) error {
			a.CodeSize -= v.Code.Size
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("deleting a layer version: %w", err)
	}
	if unused != nil {
		s.free(ctx, []Code{*unused})
	}
	return &lambda.DeleteLayerVersionOutput{}, nil
}
