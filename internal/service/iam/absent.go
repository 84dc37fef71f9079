package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Credentials and providers that Redoubt does not offer. Nobody can make any, so that audits and tools that clean up
// find none.

// GetLoginProfile finds no password: people use access keys.
func (s *Service) GetLoginProfile(ctx context.Context, in *iam.GetLoginProfileInput) (*iam.GetLoginProfileOutput, error) {
	name, err := s.userOrSelf(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return nil, s.noLogin(ctx, name)
}

// DeleteLoginProfile finds no password to delete.
func (s *Service) DeleteLoginProfile(ctx context.Context, in *iam.DeleteLoginProfileInput) (*iam.DeleteLoginProfileOutput, error) {
	name, err := s.userOrSelf(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return nil, s.noLogin(ctx, name)
}

func (s *Service) noLogin(ctx context.Context, name string) error {
	if _, err := s.users.get(ctx, name); err != nil {
		return err
	}
	return noSuch("Login Profile for User %s cannot be found.", name)
}

// ListSSHPublicKeys lists none.
func (s *Service) ListSSHPublicKeys(ctx context.Context, in *iam.ListSSHPublicKeysInput) (*iam.ListSSHPublicKeysOutput, error) {
	return &iam.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}}, s.known(ctx, in.UserName)
}

// ListServiceSpecificCredentials lists none.
func (s *Service) ListServiceSpecificCredentials(ctx context.Context, in *iam.ListServiceSpecificCredentialsInput) (*iam.ListServiceSpecificCredentialsOutput, error) {
	return &iam.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []types.ServiceSpecificCredentialMetadata{}}, s.known(ctx, in.UserName)
}

// ListSigningCertificates lists none.
func (s *Service) ListSigningCertificates(ctx context.Context, in *iam.ListSigningCertificatesInput) (*iam.ListSigningCertificatesOutput, error) {
	return &iam.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}}, s.known(ctx, in.UserName)
}

// known refuses users that do not exist.
func (s *Service) known(ctx context.Context, name *string) error {
	if name == nil {
		return nil
	}
	_, err := s.users.get(ctx, *name)
	return err
}

// ListSAMLProviders lists none.
func (s *Service) ListSAMLProviders(context.Context, *iam.ListSAMLProvidersInput) (*iam.ListSAMLProvidersOutput, error) {
	return &iam.ListSAMLProvidersOutput{SAMLProviderList: []types.SAMLProviderListEntry{}}, nil
}

// ListServerCertificates lists none.
func (s *Service) ListServerCertificates(context.Context, *iam.ListServerCertificatesInput) (*iam.ListServerCertificatesOutput, error) {
	return &iam.ListServerCertificatesOutput{ServerCertificateMetadataList: []types.ServerCertificateMetadata{}}, nil
}
