package organizations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// DescribeOrganization describes the organization of the caller's account.
func (s *Service) DescribeOrganization(ctx context.Context, _ *organizations.DescribeOrganizationInput) (*organizations.DescribeOrganizationOutput, error) {
	member, err := s.isMember(ctx)
	if err != nil {
		return nil, err
	}
	if !member && api.CallerOf(ctx).Account != s.management {
		return nil, notInUse()
	}
	id := s.id()
	return &organizations.DescribeOrganizationOutput{Organization: &types.Organization{
		Id: &id, Arn: aws.String("arn:aws:organizations::" + s.management + ":organization/" + id),
		FeatureSet: types.OrganizationFeatureSetConsolidatedBilling, MasterAccountId: &s.management,
		MasterAccountArn: aws.String(s.accountARN(s.management)), MasterAccountEmail: aws.String("management@localhost.localdomain"),
	}}, nil
}

// isMember tells whether the caller's account was made by the organization.
func (s *Service) isMember(ctx context.Context) (bool, error) {
	return s.has(ctx, api.CallerOf(ctx).Account)
}

func (s *Service) has(ctx context.Context, account string) (member bool, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		member, err = s.accounts.Has(tx, s.management, account)
		return err
	})
	return member, err
}

// OrganizationOf implements api.Organizer.
func (s *Service) OrganizationOf(ctx context.Context, account string) (string, error) {
	if account == s.management {
		return s.id(), nil
	}
	member, err := s.has(ctx, account)
	if err != nil || !member {
		return "", err
	}
	return s.id(), nil
}

func notInUse() error {
	return &types.AWSOrganizationsNotInUseException{Message: aws.String("Your account is not a member of an organization.")}
}

// id is the organization's: always the same for its managing account.
func (s *Service) id() string {
	sum := sha256.Sum256([]byte("organization " + s.management))
	return "o-" + hex.EncodeToString(sum[:5])
}

func (s *Service) accountARN(number string) string {
	return "arn:aws:organizations::" + s.management + ":account/" + s.id() + "/" + number
}

// account resolves an account of the organization.
func (s *Service) account(_ context.Context, number string) (api.Resource, error) {
	return api.Resource{ARN: s.accountARN(number), Type: "AWS::Organizations::Account"}, nil
}
