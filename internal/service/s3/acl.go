package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// checkACL takes what gives nobody anything beyond the bucket's owner: permission is a matter of policies here. With the
// owner enforced, as is the default, S3 refuses all else itself.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func checkACL(canned string, ownership types.ObjectOwnership, grants ...*string) error {
	enforced := ownership == types.ObjectOwnershipBucketOwnerEnforced
	for _, g := range grants {
		if g != nil && enforced {
			return refuse("AccessControlListNotSupported")
		} else if g != nil {
			return absent("A grant in a header")
		}
	}
	switch {
	case canned == "" || canned == "bucket-owner-full-control":
		return nil
	case canned == "private" && !enforced:
		return nil
	case enforced:
		return refuse("AccessControlListNotSupported")
	}
	return absent("The ACL " + canned)
}

// ownerOnly is the ACL of everything: its owner may do all.
func ownerOnly(account string) (*types.Owner, []types.Grant) {
	id := canonicalID(account)
	return &types.Owner{ID: &id}, []types.Grant{{
		Grantee: &types.Grantee{ID: &id, Type: types.TypeCanonicalUser}, Permission: types.PermissionFullControl,
	}}
}

// mustBeOwnerOnly takes a written ACL that is what it was.
func mustBeOwnerOnly(b *bucket, acl *types.AccessControlPolicy) error {
	if acl == nil {
		return nil
	}
	if b.Ownership == types.ObjectOwnershipBucketOwnerEnforced {
		return refuse("AccessControlListNotSupported")
	}
	id := canonicalID(b.Account)
	for _, g := range acl.Grants {
		if g.Grantee == nil || aws.ToString(g.Grantee.ID) != id {
			return absent("A grant to anyone but the bucket's owner")
		}
	}
	return nil
}

// GetBucketAcl shows that a bucket is its owner's.
func (s *Service) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput) (*s3.GetBucketAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	owner, grants := ownerOnly(b.Account)
	return &s3.GetBucketAclOutput{Owner: owner, Grants: grants}, nil
}

// PutBucketAcl takes the ACLs that say what is so anyway.
func (s *Service) PutBucketAcl(ctx context.Context, in *s3.PutBucketAclInput) (*s3.PutBucketAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := checkACL(string(in.ACL), b.Ownership, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWrite, in.GrantWriteACP); err != nil {
		return nil, err
	}
	return &s3.PutBucketAclOutput{}, mustBeOwnerOnly(b, in.AccessControlPolicy)
}

// GetObjectAcl shows that an object is the owner's of its bucket.
func (s *Service) GetObjectAcl(ctx context.Context, in *s3.GetObjectAclInput) (*s3.GetObjectAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if _, err := s.read(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId)); err != nil {
		return nil, err
	}
	owner, grants := ownerOnly(b.Account)
	return &s3.GetObjectAclOutput{Owner: owner, Grants: grants}, nil
}

// PutObjectAcl takes the ACLs that say what is so anyway.
func (s *Service) PutObjectAcl(ctx context.Context, in *s3.PutObjectAclInput) (*s3.PutObjectAclOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if _, err := s.read(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId)); err != nil {
		return nil, err
	}
	if err := checkACL(string(in.ACL), b.Ownership, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWrite, in.GrantWriteACP); err != nil {
		return nil, err
	}
	return &s3.PutObjectAclOutput{}, mustBeOwnerOnly(b, in.AccessControlPolicy)
}
