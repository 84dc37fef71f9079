package secretsmanager

import (
	"context"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Redoubt serves one region. What would make replicas is refused, and what is about them finds none.

// ReplicateSecretToRegions refuses to.
func (s *Service) ReplicateSecretToRegions(ctx context.Context, in *sdk.ReplicateSecretToRegionsInput) (*sdk.ReplicateSecretToRegionsOutput, error) {
	if _, err := s.read(ctx, *in.SecretId); err != nil {
		return nil, err
	}
	return nil, checkRegions(in.AddReplicaRegions)
}

// RemoveRegionsFromReplication finds no replica to remove.
func (s *Service) RemoveRegionsFromReplication(ctx context.Context, in *sdk.RemoveRegionsFromReplicationInput) (*sdk.RemoveRegionsFromReplicationOutput, error) {
	if _, err := s.read(ctx, *in.SecretId); err != nil {
		return nil, err
	}
	return nil, badParameter("The secret isn't replicated to: %s.", strings.Join(in.RemoveReplicaRegions, ", "))
}

// StopReplicationToReplica is for replicas only.
func (s *Service) StopReplicationToReplica(ctx context.Context, in *sdk.StopReplicationToReplicaInput) (*sdk.StopReplicationToReplicaOutput, error) {
	if _, err := s.read(ctx, *in.SecretId); err != nil {
		return nil, err
	}
	return nil, badRequest("You can't perform this operation on the secret because it isn't a replica.")
}
