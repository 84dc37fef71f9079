package lambda

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/service/lambda/runtimes"
	"redoubt/internal/store"
)

// A Pin keeps a version of a function with one version of its runtime.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
//
// A host has one version of each. So a pin does not choose: it sees to it that nothing else runs the function.
type Pin struct {
	On  types.UpdateRuntimeOn // "" is Auto, and no pin
	ARN string                // of the runtime version, but for Auto
}

func runtimeARN(region string, r *runtimes.Runtime) string {
	return "arn:aws:lambda:" + region + "::runtime:" + r.Hash()
}

// follows is the mode with its default.
func (p Pin) follows() types.UpdateRuntimeOn {
	if p.On == "" {
		return types.UpdateRuntimeOnAuto
	}
	return p.On
}

// holds refuses to run a function with another version of its runtime than it is kept with.
func (p Pin) holds(now string) error {
	if p.ARN == "" || p.ARN == now {
		return nil
	}
	return &types.InvalidRuntimeException{Type: aws.String(user), Message: aws.String(fmt.Sprintf("The runtime version %s is not on this host any more, which has %s. "+
		"Update the function, or change its runtime management configuration to 'Auto'.", p.ARN, now))}
}

// renew takes the host's version of the runtime, where an update of the function is what that waits for.
func (s *Service) renew(f *Function) error {
	if f.Pin.On != types.UpdateRuntimeOnFunctionUpdate {
		return nil
	}
	r, err := s.catalog.Find(string(f.Runtime))
	if err != nil {
		return invalid("%s", err.Error())
	}
	f.Pin.ARN = runtimeARN(f.Region, r)
	return nil
}

// changeRuntime takes over another runtime.
func (f *Function) changeRuntime(to types.Runtime) error {
	if to == "" || to == f.Runtime {
		return nil
	}
	if f.Pin.On == types.UpdateRuntimeOnManual {
		return invalid("Cannot change runtime identifier when runtime management configuration is set to 'Manual'. " +
			"Change the runtime management configuration to 'Auto' or 'FunctionUpdate', then retry.")
	}
	f.Runtime = to
	return nil
}

// runtimeVersion tells with which version of its runtime a function runs.
func (s *Service) runtimeVersion(f *Function) *types.RuntimeVersionConfig {
	if f.Pin.ARN != "" {
		return &types.RuntimeVersionConfig{RuntimeVersionArn: aws.String(f.Pin.ARN)}
	}
	r, err := s.catalog.Find(string(f.Runtime))
	if err != nil {
		return &types.RuntimeVersionConfig{Error: &types.RuntimeVersionError{ErrorCode: aws.String("InvalidRuntime"), Message: aws.String(err.Error())}}
	}
	return &types.RuntimeVersionConfig{RuntimeVersionArn: aws.String(runtimeARN(f.Region, r))}
}

// PutRuntimeManagementConfig says when a version of a function may get another version of its runtime.
func (s *Service) PutRuntimeManagementConfig(ctx context.Context, in *lambda.PutRuntimeManagementConfigInput) (*lambda.PutRuntimeManagementConfigOutput, error) {
	ref, err := versioned(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if asked := in.RuntimeVersionArn != nil; asked != (in.UpdateRuntimeOn == types.UpdateRuntimeOnManual) {
		return nil, invalid("RuntimeVersionArn must be specified if, and only if, UpdateRuntimeOn is 'Manual'.")
	}
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		f, err := s.load(tx, ref)
		if err != nil {
			return err
		}
		if f.Pin, err = s.pin(&f, in); err != nil {
			return err
		}
		return s.savePin(tx, ref, f.Pin)
	})
	return &lambda.PutRuntimeManagementConfigOutput{
		FunctionArn: aws.String(ref.String()), UpdateRuntimeOn: in.UpdateRuntimeOn, RuntimeVersionArn: in.RuntimeVersionArn,
	}, err
}

// pin is what a request asks for, if the host has that.
func (s *Service) pin(f *Function, in *lambda.PutRuntimeManagementConfigInput) (Pin, error) {
	if in.UpdateRuntimeOn == types.UpdateRuntimeOnAuto {
		return Pin{}, nil
	}
	r, err := s.catalog.Find(string(f.Runtime))
	if err != nil {
		return Pin{}, invalid("%s", err.Error())
	}
	now := runtimeARN(f.Region, r)
	if asked := aws.ToString(in.RuntimeVersionArn); asked != "" && asked != now {
		return Pin{}, invalid("The runtime version %s is not on this host. Its %s is %s.", asked, f.Runtime, now)
	}
	return Pin{On: in.UpdateRuntimeOn, ARN: now}, nil
}

// savePin stores the pin of $LATEST or of a version.
func (s *Service) savePin(tx *store.Tx, ref reference, p Pin) error {
	if ref.Qualifier == "" || ref.Qualifier == latest {
		f, err := s.head(tx, ref)
		if err != nil {
			return err
		}
		f.Pin = p
		f.touch()
		return s.save(tx, f)
	}
	v, _, err := s.versions.Get(tx, versionKey(ref, ref.Qualifier)...)
	if err != nil {
		return err
	}
	v.Pin = p
	return s.versions.Put(tx, v, v.place(ref)...)
}

// GetRuntimeManagementConfig tells when a version of a function may get another version of its runtime.
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, in *lambda.GetRuntimeManagementConfigInput) (*lambda.GetRuntimeManagementConfigOutput, error) {
	ref, err := versioned(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var f Function
	err = s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		f, err = s.load(tx, ref)
		return err
	})
	out := &lambda.GetRuntimeManagementConfigOutput{FunctionArn: aws.String(ref.String()), UpdateRuntimeOn: f.Pin.follows()}
	if f.Pin.On == types.UpdateRuntimeOnManual {
		out.RuntimeVersionArn = aws.String(f.Pin.ARN)
	}
	return out, err
}

// versioned reads a reference to $LATEST or to a version, not to an alias.
func versioned(ctx context.Context, name, qualifier *string) (reference, error) {
	ref, err := refer(ctx, name, qualifier)
	if err == nil && ref.aliased() {
		err = invalid("Runtime management is configured for $LATEST or a published version, not for an alias: %s", ref)
	}
	if err == nil {
		err = ref.check(ctx)
	}
	return ref, err
}
