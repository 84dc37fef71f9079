package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"redoubt/internal/store"
)

// AssociateKmsKey implements the operation of CloudWatch Logs. Events from now on are encrypted with the key.
func (s *Service) AssociateKmsKey(ctx context.Context, in *cloudwatchlogs.AssociateKmsKeyInput) (*cloudwatchlogs.AssociateKmsKeyOutput, error) {
	r, err := encryptable(ctx, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	var was found
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		was, err = s.group(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	dk, err := s.newDataKey(ctx, &was, *in.KmsKeyId)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.AssociateKmsKeyOutput{}, s.change(ctx, r, func(tx *store.Tx, g *found) error {
		if g.ID != was.ID { // deleted and made again in between
			return noGroup()
		}
		g.KMSKey, g.DataKey, g.KeyMade = was.KMSKey, was.DataKey, was.KeyMade
		return s.putDataKey(tx, g, dk)
	})
}

// DisassociateKmsKey implements the operation of CloudWatch Logs. What is encrypted stays so.
func (s *Service) DisassociateKmsKey(ctx context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput) (*cloudwatchlogs.DisassociateKmsKeyOutput, error) {
	r, err := encryptable(ctx, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DisassociateKmsKeyOutput{}, s.change(ctx, r, func(_ *store.Tx, g *found) error {
		g.KMSKey, g.DataKey, g.KeyMade = "", "", 0
		return nil
	})
}

// encryptable reads which group to encrypt. Query results, which AWS takes too, do not exist yet.
func encryptable(ctx context.Context, name, identifier *string) (reference, error) {
	if identifier != nil && strings.HasSuffix(*identifier, ":query-result:*") {
		return reference{}, invalid("Encrypting query results is not supported by Redoubt yet.")
	}
	if (name == nil) == (identifier == nil) {
		return reference{}, invalid("You must specify either logGroupName or resourceIdentifier, but not both.")
	}
	if identifier != nil {
		if err := validIdentifier(ctx, *identifier); err != nil {
			return reference{}, err
		}
	}
	return either(ctx, name, identifier), nil
}
