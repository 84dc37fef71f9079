package iam

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"redoubt/internal/api"
)

// Operations is what IAM can do.
func (s *Service) Operations() []api.Operation {
	user, group, role := api.On(s.user), api.On(s.groups.resource), api.On(s.roles.resource)
	boundUser, boundRole := api.On(s.users.bounded), api.On(s.roles.bounded)
	policy, keyOwner := api.On(s.policyResource), api.On(s.keyOwner)
	policyARN := fromInput("iam:policyarn", "PolicyArn")
	boundary := fromInput("iam:permissionsboundary", "PermissionsBoundary")
	newUser := made("user", "AWS::IAM::User", func(in *iam.CreateUserInput) (*string, *string) { return in.Path, in.UserName })
	newRole := made("role", "AWS::IAM::Role", func(in *iam.CreateRoleInput) (*string, *string) { return in.Path, in.RoleName })
	newGroup := made("group", "AWS::IAM::Group", func(in *iam.CreateGroupInput) (*string, *string) { return in.Path, in.GroupName })
	newPolicy := made("policy", "AWS::IAM::Policy", func(in *iam.CreatePolicyInput) (*string, *string) { return in.Path, in.PolicyName })
	profile, provider, device := api.On(s.profileResource), api.On(s.providerResource), api.On(s.deviceResource)
	source, task := api.On(s.policySource), api.On(s.taskRole)
	newProfile := made("instance-profile", "AWS::IAM::InstanceProfile", func(in *iam.CreateInstanceProfileInput) (*string, *string) { return in.Path, in.InstanceProfileName })
	newDevice := made("mfa", "AWS::IAM::VirtualMFADevice", func(in *iam.CreateVirtualMFADeviceInput) (*string, *string) { return in.Path, in.VirtualMFADeviceName })
	newProvider := made("oidc-provider", "AWS::IAM::OIDCProvider", func(in *iam.CreateOpenIDConnectProviderInput) (*string, *string) {
		return nil, aws.String(issuerOf(*in.Url))
	})
	return []api.Operation{
		api.Op(s.AddClientIDToOpenIDConnectProvider, provider("OpenIDConnectProviderArn")),
		api.Op(s.AddRoleToInstanceProfile, profile("InstanceProfileName"), role("RoleName").For("iam:PassRole").To("ec2.amazonaws.com")),
		api.Op(s.AddUserToGroup, group("GroupName")),
		api.Op(s.AttachGroupPolicy, group("GroupName").With(policyARN)),
		api.Op(s.AttachRolePolicy, boundRole("RoleName").With(policyARN)),
		api.Op(s.AttachUserPolicy, boundUser("UserName").With(policyARN)),
		api.Op(s.CreateAccessKey, user("UserName")),
		api.Op(s.CreateAccountAlias, api.Anything),
		api.Op(s.CreateGroup, newGroup),
		api.Op(s.CreateInstanceProfile, newProfile, newProfile.For("iam:TagInstanceProfile").When(tagged)),
		api.Op(s.CreateOpenIDConnectProvider, newProvider, newProvider.For("iam:TagOpenIDConnectProvider").When(tagged)),
		api.Op(s.CreatePolicy, newPolicy, newPolicy.For("iam:TagPolicy").When(tagged)),
		api.Op(s.CreatePolicyVersion, policy("PolicyArn")),
		api.Op(s.CreateRole, newRole.With(boundary), newRole.For("iam:TagRole").When(tagged)),
		api.Op(s.CreateServiceLinkedRole, api.Of(linkedResource).With(fromInput("iam:awsservicename", "AWSServiceName"))),
		api.Op(s.CreateUser, newUser.With(boundary), newUser.For("iam:TagUser").When(tagged)),
		api.Op(s.CreateVirtualMFADevice, newDevice, newDevice.For("iam:TagMFADevice").When(tagged)),
		api.Op(s.DeactivateMFADevice, user("UserName")),
		api.Op(s.DeleteAccessKey, user("UserName")),
		api.Op(s.DeleteAccountAlias, api.Anything),
		api.Op(s.DeleteAccountPasswordPolicy, api.Anything),
		api.Op(s.DeleteGroup, group("GroupName")),
		api.Op(s.DeleteGroupPolicy, group("GroupName")),
		api.Op(s.DeleteInstanceProfile, profile("InstanceProfileName")),
		api.Op(s.DeleteLoginProfile, user("UserName")),
		api.Op(s.DeleteOpenIDConnectProvider, provider("OpenIDConnectProviderArn")),
		api.Op(s.DeletePolicy, policy("PolicyArn")),
		api.Op(s.DeletePolicyVersion, policy("PolicyArn")),
		api.Op(s.DeleteRole, role("RoleName")),
		api.Op(s.DeleteRolePermissionsBoundary, boundRole("RoleName")),
		api.Op(s.DeleteRolePolicy, boundRole("RoleName")),
		api.Op(s.DeleteServiceLinkedRole, role("RoleName")),
		api.Op(s.DeleteUser, user("UserName")),
		api.Op(s.DeleteUserPermissionsBoundary, boundUser("UserName")),
		api.Op(s.DeleteUserPolicy, boundUser("UserName")),
		api.Op(s.DeleteVirtualMFADevice, device("SerialNumber")),
		api.Op(s.DetachGroupPolicy, group("GroupName").With(policyARN)),
		api.Op(s.DetachRolePolicy, boundRole("RoleName").With(policyARN)),
		api.Op(s.DetachUserPolicy, boundUser("UserName").With(policyARN)),
		api.Op(s.EnableMFADevice, user("UserName")),
		api.Op(s.GenerateCredentialReport, api.Anything),
		api.Op(s.GetAccessKeyLastUsed, keyOwner("AccessKeyId")),
		api.Op(s.GetAccountAuthorizationDetails, api.Anything),
		api.Op(s.GetAccountPasswordPolicy, api.Anything),
		api.Op(s.GetAccountSummary, api.Anything),
		api.Op(s.GetContextKeysForCustomPolicy, api.Anything),
		api.Op(s.GetContextKeysForPrincipalPolicy, source("PolicySourceArn")),
		api.Op(s.GetCredentialReport, api.Anything),
		api.Op(s.GetGroup, group("GroupName")),
		api.Op(s.GetGroupPolicy, group("GroupName")),
		api.Op(s.GetInstanceProfile, profile("InstanceProfileName")),
		api.Op(s.GetLoginProfile, user("UserName")),
		api.Op(s.GetMFADevice, user("UserName")),
		api.Op(s.GetOpenIDConnectProvider, provider("OpenIDConnectProviderArn")),
		api.Op(s.GetPolicy, policy("PolicyArn")),
		api.Op(s.GetPolicyVersion, policy("PolicyArn")),
		api.Op(s.GetRole, role("RoleName")),
		api.Op(s.GetRolePolicy, role("RoleName")),
		api.Op(s.GetServiceLinkedRoleDeletionStatus, task("DeletionTaskId")),
		api.Op(s.GetUser, user("UserName")),
		api.Op(s.GetUserPolicy, user("UserName")),
		api.Op(s.ListAccessKeys, user("UserName")),
		api.Op(s.ListAccountAliases, api.Anything),
		api.Op(s.ListAttachedGroupPolicies, group("GroupName")),
		api.Op(s.ListAttachedRolePolicies, role("RoleName")),
		api.Op(s.ListAttachedUserPolicies, user("UserName")),
		api.Op(s.ListEntitiesForPolicy, policy("PolicyArn")),
		api.Op(s.ListGroupPolicies, group("GroupName")),
		api.Op(s.ListGroups, below("group", func(in *iam.ListGroupsInput) *string { return in.PathPrefix })),
		api.Op(s.ListGroupsForUser, user("UserName")),
		api.Op(s.ListInstanceProfileTags, profile("InstanceProfileName")),
		api.Op(s.ListInstanceProfiles, below("instance-profile", func(in *iam.ListInstanceProfilesInput) *string { return in.PathPrefix })),
		api.Op(s.ListInstanceProfilesForRole, role("RoleName")),
		api.Op(s.ListMFADeviceTags, device("SerialNumber")),
		api.Op(s.ListMFADevices, user("UserName")),
		api.Op(s.ListOpenIDConnectProviderTags, provider("OpenIDConnectProviderArn")),
		api.Op(s.ListOpenIDConnectProviders, api.Anything),
		api.Op(s.ListPolicies, api.Anything),
		api.Op(s.ListPolicyTags, policy("PolicyArn")),
		api.Op(s.ListPolicyVersions, policy("PolicyArn")),
		api.Op(s.ListRolePolicies, role("RoleName")),
		api.Op(s.ListRoleTags, role("RoleName")),
		api.Op(s.ListRoles, below("role", func(in *iam.ListRolesInput) *string { return in.PathPrefix })),
		api.Op(s.ListSAMLProviders, api.Anything),
		api.Op(s.ListSSHPublicKeys, user("UserName")),
		api.Op(s.ListServerCertificates, below("server-certificate", func(in *iam.ListServerCertificatesInput) *string { return in.PathPrefix })),
		api.Op(s.ListServiceSpecificCredentials, user("UserName")),
		api.Op(s.ListSigningCertificates, user("UserName")),
		api.Op(s.ListUserPolicies, user("UserName")),
		api.Op(s.ListUserTags, user("UserName")),
		api.Op(s.ListUsers, below("user", func(in *iam.ListUsersInput) *string { return in.PathPrefix })),
		api.Op(s.ListVirtualMFADevices, api.Anything),
		api.Op(s.PutGroupPolicy, group("GroupName")),
		api.Op(s.PutRolePermissionsBoundary, role("RoleName").With(boundary)),
		api.Op(s.PutRolePolicy, boundRole("RoleName")),
		api.Op(s.PutUserPermissionsBoundary, user("UserName").With(boundary)),
		api.Op(s.PutUserPolicy, boundUser("UserName")),
		api.Op(s.RemoveClientIDFromOpenIDConnectProvider, provider("OpenIDConnectProviderArn")),
		api.Op(s.RemoveRoleFromInstanceProfile, profile("InstanceProfileName")),
		api.Op(s.RemoveUserFromGroup, group("GroupName")),
		api.Op(s.ResyncMFADevice, user("UserName")),
		api.Op(s.SetDefaultPolicyVersion, policy("PolicyArn")),
		api.Op(s.SimulateCustomPolicy, api.Anything),
		api.Op(s.SimulatePrincipalPolicy, source("PolicySourceArn")),
		api.Op(s.TagInstanceProfile, profile("InstanceProfileName")),
		api.Op(s.TagMFADevice, device("SerialNumber")),
		api.Op(s.TagOpenIDConnectProvider, provider("OpenIDConnectProviderArn")),
		api.Op(s.TagPolicy, policy("PolicyArn")),
		api.Op(s.TagRole, role("RoleName")),
		api.Op(s.TagUser, user("UserName")),
		api.Op(s.UntagInstanceProfile, profile("InstanceProfileName")),
		api.Op(s.UntagMFADevice, device("SerialNumber")),
		api.Op(s.UntagOpenIDConnectProvider, provider("OpenIDConnectProviderArn")),
		api.Op(s.UntagPolicy, policy("PolicyArn")),
		api.Op(s.UntagRole, role("RoleName")),
		api.Op(s.UntagUser, user("UserName")),
		api.Op(s.UpdateAccessKey, user("UserName")),
		api.Op(s.UpdateAccountPasswordPolicy, api.Anything),
		api.Op(s.UpdateAssumeRolePolicy, role("RoleName")),
		api.Op(s.UpdateGroup, group("GroupName"), api.Of(s.renamedGroup)),
		api.Op(s.UpdateOpenIDConnectProviderThumbprint, provider("OpenIDConnectProviderArn")),
		api.Op(s.UpdateRole, role("RoleName")),
		api.Op(s.UpdateRoleDescription, role("RoleName")),
		api.Op(s.UpdateUser, user("UserName"), api.Of(s.renamedUser)),
	}
}

// tagged reports whether an input sets tags, which needs the permission to tag.
func tagged(in any) bool {
	switch in := in.(type) {
	case *iam.CreateUserInput:
		return len(in.Tags) > 0
	case *iam.CreateRoleInput:
		return len(in.Tags) > 0
	case *iam.CreatePolicyInput:
		return len(in.Tags) > 0
	case *iam.CreateInstanceProfileInput:
		return len(in.Tags) > 0
	case *iam.CreateOpenIDConnectProviderInput:
		return len(in.Tags) > 0
	case *iam.CreateVirtualMFADeviceInput:
		return len(in.Tags) > 0
	}
	return false
}
