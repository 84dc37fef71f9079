package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/service/lambda/runtimes"
	"redoubt/internal/store"
)

// UpdateFunctionCode replaces the deployment package. The environments that run the old one end with what they do.
func (s *Service) UpdateFunctionCode(ctx context.Context, in *lambda.UpdateFunctionCodeInput) (*lambda.UpdateFunctionCodeOutput, error) {
	if err := unsupportedInCode(in); err != nil {
		return nil, err
	}
	if err := onlyLatest(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	f, ref, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := f.expect(in.RevisionId); err != nil {
		return nil, err
	}
	if err := s.mayDeploy(ctx, f, runtimes.MayUpdate); err != nil {
		return nil, err
	}
	d, archive, err := s.receive(ctx, f, f.arn(), source{zip: in.ZipFile, bucket: in.S3Bucket, key: in.S3Key, version: in.S3ObjectVersion, mode: in.S3ObjectStorageMode})
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		f.Code.SHA256, f.Code.Size, f.Code.Signature = d.code.SHA256, d.code.Size, d.code.Signature
	} else if f, err = s.replaceCode(ctx, in, d, archive); err != nil {
		return nil, err
	}
	if in.Publish && !in.DryRun {
		ref = f.version()
	}
	c, err := s.describe(ctx, f, ref)
	if err != nil {
		return nil, err
	}
	out := lambda.UpdateFunctionCodeOutput(configurationFields(c))
	return &out, nil
}

func (s *Service) replaceCode(ctx context.Context, in *lambda.UpdateFunctionCodeInput, d *deployment, archive []byte) (*Function, error) {
	code, err := s.packages.keep(ctx, *d.code, archive)
	if err != nil {
		return nil, err
	}
	var old Code
	var kept bool // by a version
	var published Configuration
	f, err := s.modify(ctx, in.FunctionName, nil, func(tx *store.Tx, f *Function) error {
		if err := f.expect(in.RevisionId); err != nil {
			return err
		}
		if err := s.stands(tx, d, f); err != nil {
			return err
		}
		old, f.Code = f.Code, code
		if err := f.checkSize(); err != nil {
			return err
		}
		if err := s.renew(f); err != nil {
			return err
		}
		f.change()
		if kept, err = s.published(tx, f.reference(), old); err != nil {
			return err
		}
		err := s.count(tx, f, func(a *Account) error {
			a.CodeSize -= old.Size
			return a.grow(code.Size)
		})
		if err == nil && in.Publish {
			published, err = s.publish(tx, f, nil)
		}
		return err
	})
	if err != nil {
		s.packages.drop(ctx, code)
		return nil, err
	}
	s.fleet.Retire(f.arn(), latest, f.Generation)
	if !kept {
		s.free(ctx, []Code{old})
	}
	if in.Publish {
		f.Configuration = published
	}
	return f, nil
}

// expect refuses a change of a function that somebody else has changed since the caller looked.
func (f *Function) expect(revision *string) error {
	if r := aws.ToString(revision); r != "" && r != f.Revision {
		return stale("GetFunction/GetAlias")
	}
	return nil
}

// UpdateFunctionConfiguration changes what is given and keeps the rest.
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput) (*lambda.UpdateFunctionConfigurationOutput, error) {
	if err := unsupportedInUpdate(in); err != nil {
		return nil, err
	}
	if err := onlyLatest(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	f, ref, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := f.expect(in.RevisionId); err != nil {
		return nil, err
	}
	read := f.Revision
	if err := s.apply(ctx, f, in); err != nil {
		return nil, err
	}
	var d *deployment
	if in.Layers != nil {
		d = &deployment{f: f, layers: f.Layers}
		if err := s.admit(ctx, d); err != nil {
			return nil, err
		}
	}
	f.change()
	_, err = s.modify(ctx, in.FunctionName, nil, func(tx *store.Tx, now *Function) error {
		if now.Revision != read {
			return conflict("The function could not be updated due to a concurrent update operation.")
		}
		if in.Layers != nil {
			if err := s.attached(ctx, tx, f.Layers); err != nil {
				return err
			}
		}
		now.Configuration = f.Configuration
		return s.stands(tx, d, now)
	})
	if err != nil {
		return nil, err
	}
	s.fleet.Retire(f.arn(), latest, f.Generation)
	c, err := s.describe(ctx, f, ref)
	if err != nil {
		return nil, err
	}
	out := lambda.UpdateFunctionConfigurationOutput(configurationFields(c))
	return &out, nil
}

func (s *Service) apply(ctx context.Context, f *Function, in *lambda.UpdateFunctionConfigurationInput) error {
	set(&f.Description, in.Description)
	set(&f.Handler, in.Handler)
	set(&f.Memory, in.MemorySize)
	set(&f.Timeout, in.Timeout)
	set(&f.Role, in.Role)
	if in.EphemeralStorage != nil {
		set(&f.Storage, in.EphemeralStorage.Size)
	}
	if err := f.Logging.change(in.LoggingConfig); err != nil {
		return err
	}
	if err := f.changeRuntime(in.Runtime); err != nil {
		return err
	}
	if err := s.mayDeploy(ctx, f, runtimes.MayUpdate); err != nil {
		return err
	}
	if err := s.changeLayers(ctx, f, in.Layers); err != nil {
		return err
	}
	if err := s.check(f); err != nil {
		return err
	}
	if err := s.renew(f); err != nil {
		return err
	}
	if in.Role != nil {
		if err := s.checkRole(ctx, f); err != nil {
			return err
		}
	}
	return s.changeEnvironment(ctx, f, in)
}

// set takes over what a request gives.
func set[T any](field *T, given *T) {
	if given != nil {
		*field = *given
	}
}
