package iam

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// linkedPath is below which service-linked roles live: roles that belong to a service.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
const linkedPath = "/aws-service-role/"

// Deletion is what became of the wish to delete a service-linked role.
type Deletion struct{ Role string }

// linkedRole is what a service calls its role.
type linkedRole struct {
	name   string
	suffix bool // whether there may be several, told apart by a suffix
}

func linkedRoles() map[string]linkedRole {
	return map[string]linkedRole{
		"autoscaling.amazonaws.com":                    {"AWSServiceRoleForAutoScaling", true},
		"cloudtrail.amazonaws.com":                     {"AWSServiceRoleForCloudTrail", false},
		"config.amazonaws.com":                         {"AWSServiceRoleForConfig", false},
		"delivery.logs.amazonaws.com":                  {"AWSServiceRoleForLogDelivery", false},
		"events.amazonaws.com":                         {"AWSServiceRoleForCloudWatchEvents", false},
		"guardduty.amazonaws.com":                      {"AWSServiceRoleForAmazonGuardDuty", false},
		"lambda.amazonaws.com":                         {"AWSServiceRoleForLambda", false},
		"lambda.application-autoscaling.amazonaws.com": {"AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency", false},
		"ops.apigateway.amazonaws.com":                 {"AWSServiceRoleForAPIGateway", false},
		"organizations.amazonaws.com":                  {"AWSServiceRoleForOrganizations", false},
		"rds.amazonaws.com":                            {"AWSServiceRoleForRDS", false},
		"replicator.lambda.amazonaws.com":              {"AWSServiceRoleForLambdaReplicator", false},
		"wafv2.amazonaws.com":                          {"AWSServiceRoleForWAFV2Logging", false},
	}
}

// CreateServiceLinkedRole makes the role of a service.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	service := *in.AWSServiceName
	known, ok := linkedRoles()[service]
	if !ok {
		return nil, invalid("Service %s has no service-linked role that is supported by Redoubt yet.", service)
	}
	if in.CustomSuffix != nil && !known.suffix {
		return nil, invalid("Custom suffix is not allowed for %s", service)
	}
	name, path := linkedName(in), linkedPath+service+"/"
	r := Role{Entity: newEntity("AROA", &name, &path), Description: aws.ToString(in.Description), MaxSession: defaultSession}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`
	err := s.update(ctx, func(tx *store.Tx) error {
		taken, err := s.roles.table.Has(tx, account(ctx), "", strings.ToLower(name))
		if err != nil {
			return err
		}
		if taken {
			return invalid("Service role name %s has been taken in this account, please try a different suffix.", name)
		}
		if err := s.setTrust(tx, &r, trust); err != nil {
			return err
		}
		return s.addRole(tx, account(ctx), &r)
	})
	if err != nil {
		return nil, err
	}
	shown := r.brief(account(ctx), trust)
	return &iam.CreateServiceLinkedRoleOutput{Role: &shown}, nil
}

func linkedName(in *iam.CreateServiceLinkedRoleInput) string {
	name := linkedRoles()[*in.AWSServiceName].name
	if in.CustomSuffix != nil {
		name += "_" + *in.CustomSuffix
	}
	return name
}

// linkedResource is the role that a CreateServiceLinkedRole makes.
func linkedResource(ctx context.Context, in *iam.CreateServiceLinkedRoleInput) (api.Resource, error) {
	return api.Resource{
		ARN: arnOf(account(ctx), "role", linkedPath+*in.AWSServiceName+"/", linkedName(in)), Type: "AWS::IAM::Role",
	}, nil
}

// DeleteServiceLinkedRole deletes the role of a service, at once.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, in *iam.DeleteServiceLinkedRoleInput) (*iam.DeleteServiceLinkedRoleOutput, error) {
	var task string
	err := s.update(ctx, func(tx *store.Tx) error {
		r, err := s.roles.load(tx, account(ctx), *in.RoleName)
		if err != nil {
			return err
		}
		if r.mutable() == nil {
			return invalid("Role %s is not a service-linked role.", r.Name)
		}
		if err := s.count(tx, account(ctx), rolesQuota, -1); err != nil {
			return err
		}
		if err := s.roles.discard(tx, account(ctx), &r); err != nil {
			return err
		}
		task = "task" + r.Path + r.Name + "/" + newTask()
		return s.deletions.Put(tx, Deletion{r.Name}, account(ctx), "", task)
	})
	if err != nil {
		return nil, err
	}
	return &iam.DeleteServiceLinkedRoleOutput{DeletionTaskId: &task}, nil
}

func newTask() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// GetServiceLinkedRoleDeletionStatus tells what became of a deletion.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, in *iam.GetServiceLinkedRoleDeletionStatusInput) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	known, err := read(ctx, s, func(tx *store.Tx) (bool, error) { return s.deletions.Has(tx, account(ctx), "", *in.DeletionTaskId) })
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, noSuch("Deletion Task ID %s cannot be found.", *in.DeletionTaskId)
	}
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}, nil
}

// taskRole finds the role that a deletion task is about.
func (s *Service) taskRole(ctx context.Context, task string) (api.Resource, error) {
	parts := strings.Split(task, "/")
	name := task
	if len(parts) > 2 {
		name = parts[len(parts)-2]
	}
	r, err := s.roles.resource(ctx, name)
	if len(parts) == 5 { // the role is gone, its name is in the task
		r.ARN = arnOf(account(ctx), "role", "/"+parts[1]+"/"+parts[2]+"/", parts[3])
	}
	return r, err
}
