package secretsmanager

import (
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"redoubt/internal/api"
)

// Operations implements api.Service.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
func (s *Service) Operations() []api.Operation {
	of := api.On(s.secret)
	secret := of("SecretId").With(requestFacts)
	newborn := api.Of(s.newborn).With(requestFacts)
	return []api.Operation{
		api.Op(s.BatchGetSecretValue, api.Anything,
			api.Anything.For("secretsmanager:ListSecrets").When(filters)), // each secret is asked for by a call of its own
		api.Op(s.CancelRotateSecret, secret),
		api.Op(s.CreateSecret, newborn, newborn.For("secretsmanager:TagResource").When(bringsTags)),
		api.Op(s.DeleteResourcePolicy, secret),
		api.Op(s.DeleteSecret, secret),
		api.Op(s.DescribeSecret, secret),
		api.Op(s.GetRandomPassword, api.Anything),
		api.Op(s.GetResourcePolicy, secret),
		api.Op(s.GetSecretValue, secret),
		api.Op(s.ListSecretVersionIds, secret),
		api.Op(s.ListSecrets, api.Anything),
		api.Op(s.PutResourcePolicy, secret),
		api.Op(s.PutSecretValue, secret),
		api.Op(s.RemoveRegionsFromReplication, secret),
		api.Op(s.ReplicateSecretToRegions, secret),
		api.Op(s.RestoreSecret, secret),
		api.Op(s.RotateSecret, secret, api.Of(s.rotates).For("lambda:InvokeFunction").Used()),
		api.Op(s.StopReplicationToReplica, secret),
		api.Op(s.TagResource, secret),
		api.Op(s.UntagResource, secret),
		api.Op(s.UpdateSecret, secret),
		api.Op(s.UpdateSecretVersionStage, secret),
		api.Op(s.ValidateResourcePolicy, api.Of(s.validates).With(requestFacts)).Reads(),
	}
}

func filters(in any) bool { return len(in.(*sdk.BatchGetSecretValueInput).Filters) > 0 }

func bringsTags(in any) bool { return len(in.(*sdk.CreateSecretInput).Tags) > 0 }
