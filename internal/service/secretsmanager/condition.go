package secretsmanager

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/api"
	"redoubt/internal/arn"
	"redoubt/internal/policy"
)

// The condition keys of Secrets Manager:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html#awssecretsmanager-policy-keys

// A fact is a condition key of a request.
type facts policy.MapKeys

func (f facts) text(name string, value *string) facts {
	if value != nil && *value != "" {
		f["secretsmanager:"+name] = []string{*value}
	}
	return f
}

func (f facts) number(name string, value *int64) facts {
	if value != nil {
		f["secretsmanager:"+name] = []string{strconv.FormatInt(*value, 10)}
	}
	return f
}

func (f facts) flag(name string, value *bool) facts {
	if value != nil {
		f["secretsmanager:"+name] = []string{strconv.FormatBool(*value)}
	}
	return f
}

// key adds the KMS key that a request names. An alias has no key ARN until it is used.
func (f facts) key(ctx context.Context, id *string) facts {
	f.text("kmskeyid", id)
	key := aws.ToString(id)
	if a, err := arn.Parse(key); err == nil {
		if strings.HasPrefix(a.Resource, "key/") {
			f.text("kmskeyarn", id)
		}
		return f
	}
	if key != "" && !strings.HasPrefix(key, "alias/") {
		c := api.CallerOf(ctx)
		f.text("kmskeyarn", ptr("arn:aws:kms:"+c.Region+":"+c.Account+":key/"+key))
	}
	return f
}

func (f facts) regions(list []types.ReplicaRegionType) facts {
	for _, r := range list {
		f["secretsmanager:addreplicaregions"] = append(f["secretsmanager:addreplicaregions"], aws.ToString(r.Region))
	}
	return f
}

// requestFacts are the condition keys that a request brings.
func requestFacts(ctx context.Context, in any) policy.MapKeys {
	f := facts{}
	switch in := in.(type) {
	case *sdk.CreateSecretInput:
		f.text("name", in.Name).text("description", in.Description).key(ctx, in.KmsKeyId).regions(in.AddReplicaRegions)
		f.flag("forceoverwritereplicasecret", &in.ForceOverwriteReplicaSecret)
	case *sdk.UpdateSecretInput:
		f.text("secretid", in.SecretId).text("description", in.Description).key(ctx, in.KmsKeyId)
	case *sdk.GetSecretValueInput:
		f.text("secretid", in.SecretId).text("versionid", in.VersionId).text("versionstage", in.VersionStage)
		if in.VersionId == nil && in.VersionStage == nil {
			f.text("versionstage", ptr(current))
		}
	case *sdk.UpdateSecretVersionStageInput:
		f.text("secretid", in.SecretId).text("versionstage", in.VersionStage)
	case *sdk.DeleteSecretInput:
		f.text("secretid", in.SecretId).number("recoverywindowindays", in.RecoveryWindowInDays)
		f.flag("forcedeletewithoutrecovery", in.ForceDeleteWithoutRecovery)
	case *sdk.PutResourcePolicyInput:
		f.text("secretid", in.SecretId).flag("blockpublicpolicy", in.BlockPublicPolicy)
	case *sdk.RotateSecretInput:
		rotationFacts(f, in)
	case *sdk.ReplicateSecretToRegionsInput:
		f.text("secretid", in.SecretId).regions(in.AddReplicaRegions).flag("forceoverwritereplicasecret", &in.ForceOverwriteReplicaSecret)
	default:
		f.text("secretid", secretID(in))
	}
	return policy.MapKeys(f)
}

func rotationFacts(f facts, in *sdk.RotateSecretInput) {
	f.text("secretid", in.SecretId).text("rotationlambdaarn", in.RotationLambdaARN).flag("rotateimmediately", in.RotateImmediately)
	f.flag("modifyrotationrules", ptr(in.RotationRules != nil))
	if in.RotationRules != nil {
		f.number("automaticallyrotateafterdays", in.RotationRules.AutomaticallyAfterDays)
	}
}

// secretID is the SecretId of the requests that bring no other key.
func secretID(in any) *string {
	switch in := in.(type) {
	case *sdk.CancelRotateSecretInput:
		return in.SecretId
	case *sdk.DeleteResourcePolicyInput:
		return in.SecretId
	case *sdk.DescribeSecretInput:
		return in.SecretId
	case *sdk.GetResourcePolicyInput:
		return in.SecretId
	case *sdk.ListSecretVersionIdsInput:
		return in.SecretId
	case *sdk.PutSecretValueInput:
		return in.SecretId
	case *sdk.RemoveRegionsFromReplicationInput:
		return in.SecretId
	case *sdk.RestoreSecretInput:
		return in.SecretId
	case *sdk.StopReplicationToReplicaInput:
		return in.SecretId
	case *sdk.TagResourceInput:
		return in.SecretId
	case *sdk.UntagResourceInput:
		return in.SecretId
	case *sdk.ValidateResourcePolicyInput:
		return in.SecretId
	}
	return nil
}
