package lambda

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/service/lambda/runtimes"
	"redoubt/internal/store"
)

// Defaults of a function (API_CreateFunction).
const (
	defaultMemory  = 128
	defaultTimeout = 3
	defaultStorage = 512
	maxTimeout     = 900
	maxStorage     = 10240
)

// codeQuota is what all packages of an account and region may take: 75 GB.
const codeQuota = 75 << 30

// CreateFunction makes a function. It is Active at once: there is nothing to wait for.
func (s *Service) CreateFunction(ctx context.Context, in *lambda.CreateFunctionInput) (*lambda.CreateFunctionOutput, error) {
	f, err := s.draft(ctx, in)
	if err != nil {
		return nil, err
	}
	if f.Layers, err = s.attach(ctx, in.Layers); err != nil {
		return nil, err
	}
	c := in.Code
	d, archive, err := s.receive(ctx, f, f.Name, source{zip: c.ZipFile, bucket: c.S3Bucket, key: c.S3Key, version: c.S3ObjectVersion, mode: c.S3ObjectStorageMode})
	if err != nil {
		return nil, err
	}
	if err := s.absent(ctx, f.reference()); err != nil {
		return nil, err
	}
	if err := s.checkRole(ctx, f); err != nil {
		return nil, err
	}
	var variables map[string]string
	if in.Environment != nil {
		variables = in.Environment.Variables
	}
	if err := s.sealEnvironment(ctx, f, variables); err != nil {
		return nil, err
	}
	if f.Code, err = s.packages.keep(ctx, *d.code, archive); err != nil {
		return nil, err
	}
	f.change()
	if err := s.insert(ctx, f, d, in.Publish); err != nil {
		s.packages.drop(ctx, f.Code)
		return nil, err
	}
	described, err := s.describe(ctx, f, f.reference())
	if err != nil {
		return nil, err
	}
	out := lambda.CreateFunctionOutput(configurationFields(described))
	return &out, nil
}

// draft makes the record of what a request asks for, but for its code and variables.
func (s *Service) draft(ctx context.Context, in *lambda.CreateFunctionInput) (*Function, error) {
	ref, err := refer(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if ref.Qualifier != "" {
		return nil, invalid("A qualifier cannot be given for a function that is created: %s", ref.Qualifier)
	}
	if err := ref.check(ctx); err != nil {
		return nil, err
	}
	if err := unsupportedInCreate(in); err != nil {
		return nil, err
	}
	f := &Function{Account: ref.Account, Region: ref.Region, Name: ref.Name, Tags: in.Tags, Signing: aws.ToString(in.CodeSigningConfigArn)}
	f.Configuration = Configuration{
		Version: latest, Description: aws.ToString(in.Description),
		Role: *in.Role, Runtime: in.Runtime, Handler: aws.ToString(in.Handler), KMSKey: aws.ToString(in.KMSKeyArn),
		Memory: orDefault(in.MemorySize, defaultMemory), Timeout: orDefault(in.Timeout, defaultTimeout), Storage: defaultStorage,
		Isolation: isolation(in.TenancyConfig),
	}
	if in.EphemeralStorage != nil {
		f.Storage = orDefault(in.EphemeralStorage.Size, defaultStorage)
	}
	if err := f.Logging.change(in.LoggingConfig); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := s.mayDeploy(ctx, f, runtimes.MayCreate); err != nil {
		return nil, err
	}
	return f, s.check(f)
}

func orDefault(n *int32, otherwise int32) int32 {
	if n == nil {
		return otherwise
	}
	return *n
}

// check refuses values that the API's model lets pass.
func (s *Service) check(f *Function) error {
	switch {
	case f.Runtime == "":
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case f.Handler == "":
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case f.Timeout > maxTimeout:
		return invalid("1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to %d",
			f.Timeout, maxTimeout)
	case f.Storage < defaultStorage || f.Storage > maxStorage:
		return invalid("'EphemeralStorage' Size must be between %d and %d MB", defaultStorage, maxStorage)
	}
	if _, err := s.catalog.Find(string(f.Runtime)); err != nil {
		return invalid("%s", err.Error())
	}
	return nil
}

// absent refuses a name that is taken, before the costly part of a creation.
func (s *Service) absent(ctx context.Context, ref reference) error {
	return s.deps.DB.View(ctx, func(tx *store.Tx) error { return s.absentIn(tx, ref) })
}

func (s *Service) absentIn(tx *store.Tx, ref reference) error {
	taken, err := s.functions.Has(tx, ref.Account, ref.Region, ref.Name)
	if err == nil && taken {
		err = conflict("Function already exist: %s", ref.Name)
	}
	return err
}

// insert stores a new function, and makes f the version that is published of it if one is asked for.
func (s *Service) insert(ctx context.Context, f *Function, d *deployment, publish bool) error {
	made := *f
	err := s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.absentIn(tx, f.reference()); err != nil {
			return err
		}
		if err := s.attached(ctx, tx, f.Layers); err != nil {
			return err
		}
		if err := s.stands(tx, d, f); err != nil {
			return err
		}
		before, _, err := s.retired.Get(tx, f.Account, f.Region, f.Name)
		if err != nil {
			return err
		}
		err = s.count(tx, f, func(a *Account) error {
			a.Functions++
			return a.grow(f.Code.Size)
		})
		if err != nil {
			return err
		}
		head := *f
		head.Published = before.Published
		if made = head; publish {
			if made.Configuration, err = s.publish(tx, &head, nil); err != nil {
				return err
			}
		}
		return s.save(tx, head)
	})
	*f = made
	return err
}

// grow counts a package.
func (a *Account) grow(size int64) error {
	if a.CodeSize += size; a.CodeSize > codeQuota {
		return &types.CodeStorageExceededException{Type: aws.String(user), Message: aws.String("Code storage limit exceeded.")}
	}
	return nil
}

// checkRole refuses a role that is not of the function's account, does not exist, or does not trust Lambda.
func (s *Service) checkRole(ctx context.Context, f *Function) error {
	if part := strings.Split(f.Role, ":"); len(part) < 5 || part[4] != f.Account {
		return denied("Cross-account pass role is not allowed.")
	}
	if _, err := s.assume(ctx, f); err != nil {
		if _, _, known := codeOf(err); !known {
			return err
		}
		return invalid("%s", cannotAssume)
	}
	return nil
}
