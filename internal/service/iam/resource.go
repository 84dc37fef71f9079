package iam

import (
	"context"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// resource finds an entity for a decision. What does not exist has the path "/".
func (k kind[T]) resource(ctx context.Context, name string) (api.Resource, error) {
	r, _, err := k.look(ctx, name)
	return r, err
}

// bounded is resource for actions that know the condition key iam:PermissionsBoundary: the boundary that the entity has.
func (k kind[T]) bounded(ctx context.Context, name string) (api.Resource, error) {
	r, e, err := k.look(ctx, name)
	if err == nil && e.Boundary != "" {
		r.Keys = policy.MapKeys{"iam:permissionsboundary": {e.Boundary}}
	}
	return r, err
}

func (k kind[T]) look(ctx context.Context, name string) (r api.Resource, e Entity, err error) {
	r = api.Resource{ARN: arnOf(account(ctx), k.noun, "/", name), Type: "AWS::IAM::" + k.title}
	err = k.s.view(ctx, func(tx *store.Tx) error {
		v, ok, err := k.find(tx, account(ctx), name)
		if ok {
			e = *k.entity(&v)
			r.ARN, r.Tags = k.arn(account(ctx), &v), e.Tags
		}
		return err
	})
	return r, e, err
}

// user finds a user; without a name the caller is meant.
func (s *Service) user(ctx context.Context, name string) (api.Resource, error) {
	c := api.CallerOf(ctx)
	switch {
	case name != "":
	case c.Kind == api.Root:
		return api.Resource{ARN: rootARN(c.Account), Type: "AWS::IAM::User"}, nil
	case c.Kind == api.IAMUser:
		name = c.Name
	}
	return s.users.resource(ctx, name)
}

// policyResource finds a managed policy by ARN. Those of AWS count as the caller's own.
func (s *Service) policyResource(ctx context.Context, arn string) (api.Resource, error) {
	r := api.Resource{ARN: arn, Type: "AWS::IAM::Policy"}
	if owner, _ := owner(arn); owner == awsAccount || owner == "" {
		r.Account = account(ctx)
	}
	err := s.view(ctx, func(tx *store.Tx) error {
		p, ok, err := s.findPolicy(tx, account(ctx), arn)
		if ok {
			r.Tags = p.Tags
		}
		return err
	})
	return r, err
}

// keyOwner finds the user whose access key has an id.
func (s *Service) keyOwner(ctx context.Context, id string) (api.Resource, error) {
	k, err := read(ctx, s, func(tx *store.Tx) (AccessKey, error) {
		k, _, err := s.keys.Get(tx, account(ctx), "", id)
		return k, err
	})
	if err != nil {
		return api.Resource{}, err
	}
	if k.User == "" {
		return api.Resource{ARN: arnOf(account(ctx), "user", "/", ""), Type: "AWS::IAM::User"}, nil
	}
	return s.users.resource(ctx, k.User)
}

// below is the need of a list: everything of a kind below a path.
func below[In any](noun string, prefix func(*In) *string) api.Need {
	return api.Of(func(ctx context.Context, in *In) (api.Resource, error) {
		return api.Resource{ARN: arnOf(account(ctx), noun, pathOr(prefix(in)), "")}, nil
	})
}

// made is the need of what makes something: the name that it will have.
func made[In any](noun, kind string, name func(*In) (path, name *string)) api.Need {
	return api.Of(func(ctx context.Context, in *In) (api.Resource, error) {
		path, name := name(in)
		return api.Resource{ARN: arnOf(account(ctx), noun, pathOr(path), aws.ToString(name)), Type: kind}, nil
	})
}

// renamedUser is the name that an UpdateUser gives: its caller must be allowed to change both.
func (s *Service) renamedUser(ctx context.Context, in *iam.UpdateUserInput) (api.Resource, error) {
	r, err := s.users.resource(ctx, *in.UserName)
	r.ARN = renamed(r.ARN, in.NewPath, in.NewUserName)
	return r, err
}

func (s *Service) renamedGroup(ctx context.Context, in *iam.UpdateGroupInput) (api.Resource, error) {
	r, err := s.groups.resource(ctx, *in.GroupName)
	r.ARN = renamed(r.ARN, in.NewPath, in.NewGroupName)
	return r, err
}

func renamed(arn string, path, name *string) string {
	i, j := strings.IndexByte(arn, '/'), strings.LastIndexByte(arn, '/')+1
	newPath, newName := arn[i:j], arn[j:]
	if path != nil {
		newPath = *path
	}
	if name != nil {
		newName = *name
	}
	return arn[:i] + newPath + newName
}

// fromInput is a condition key whose value is a field of the input.
func fromInput(key, field string) api.KeysOf {
	return func(_ context.Context, in any) policy.MapKeys {
		v := reflect.Indirect(reflect.Indirect(reflect.ValueOf(in)).FieldByName(field))
		if !v.IsValid() || v.Kind() != reflect.String || v.String() == "" {
			return nil
		}
		return policy.MapKeys{key: {v.String()}}
	}
}

// providerResource finds an OIDC provider by ARN.
func (s *Service) providerResource(ctx context.Context, arn string) (api.Resource, error) {
	r := api.Resource{ARN: arn, Type: "AWS::IAM::OIDCProvider"}
	err := s.view(ctx, func(tx *store.Tx) error {
		p, ok, err := s.findProvider(tx, account(ctx), arn)
		if ok {
			r.Tags = p.Tags
		}
		return err
	})
	return r, err
}

// deviceResource finds an MFA device by serial number.
func (s *Service) deviceResource(ctx context.Context, serial string) (api.Resource, error) {
	r := api.Resource{ARN: serial, Type: "AWS::IAM::VirtualMFADevice"}
	err := s.view(ctx, func(tx *store.Tx) error {
		d, ok, err := s.devices.Get(tx, account(ctx), "", serial)
		if ok {
			r.Tags = d.Tags
		}
		return err
	})
	return r, err
}
