package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// GetAccountSummary counts what the account has, and tells its quotas.
func (s *Service) GetAccountSummary(ctx context.Context, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	sum := map[types.SummaryKeyType]int{
		types.SummaryKeyTypeUsersQuota: usersQuota.max, types.SummaryKeyTypeGroupsQuota: groupsQuota.max,
		"RolesQuota": rolesQuota.max, types.SummaryKeyTypePoliciesQuota: policiesQuota.max,
		"InstanceProfilesQuota": profilesQuota.max, "ServerCertificates": 0, "ServerCertificatesQuota": 20,
		types.SummaryKeyTypeUserPolicySizeQuota: s.users.inline, types.SummaryKeyTypeGroupPolicySizeQuota: s.groups.inline,
		"RolePolicySizeQuota": s.roles.inline, "AssumeRolePolicySizeQuota": maxTrust, types.SummaryKeyTypePolicySizeQuota: maxPolicy,
		types.SummaryKeyTypeGroupsPerUserQuota: maxGroupsPerUser, types.SummaryKeyTypeAccessKeysPerUserQuota: maxKeys,
		types.SummaryKeyTypeSigningCertificatesPerUserQuota: 2, types.SummaryKeyTypeVersionsPerPolicyQuota: maxVersions,
		types.SummaryKeyTypeAttachedPoliciesPerGroupQuota: maxAttached, types.SummaryKeyTypeAttachedPoliciesPerRoleQuota: maxAttached,
		types.SummaryKeyTypeAttachedPoliciesPerUserQuota: maxAttached, types.SummaryKeyTypePolicyVersionsInUseQuota: 10000,
		types.SummaryKeyTypeGlobalEndpointTokenVersion: 2, "AccountPasswordPresent": 0,
		types.SummaryKeyTypeAccountSigningCertificatesPresent: 0,
	}
	err := s.view(ctx, func(tx *store.Tx) error { return s.summarise(tx, account(ctx), sum) })
	if err != nil {
		return nil, err
	}
	out := &iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{}}
	for k, n := range sum {
		out.SummaryMap[string(k)] = int32(n)
	}
	return out, nil
}

func (s *Service) summarise(tx *store.Tx, account string, sum map[types.SummaryKeyType]int) error {
	c, _, err := s.counts.Get(tx, account, "")
	if err != nil {
		return err
	}
	a, _, err := s.accounts.Get(tx, account, "")
	if err != nil {
		return err
	}
	sum[types.SummaryKeyTypeUsers], sum[types.SummaryKeyTypeGroups], sum["Roles"] = c.Users, c.Groups, c.Roles
	sum[types.SummaryKeyTypePolicies], sum["InstanceProfiles"], sum["Providers"] = c.Policies, c.InstanceProfiles, c.Providers
	sum[types.SummaryKeyTypeAccountAccessKeysPresent] = min(1, len(a.Keys))
	sum[types.SummaryKeyTypeAccountMFAEnabled] = min(1, len(a.MFA))
	sum[types.SummaryKeyTypeMFADevices], sum[types.SummaryKeyTypeMFADevicesInUse] = 0, 0
	for rec, err := range s.devices.Scan(tx, store.Range{Prefix: []string{account, ""}}) {
		if err != nil {
			return err
		}
		sum[types.SummaryKeyTypeMFADevices]++
		if !rec.Value.Enabled.IsZero() {
			sum[types.SummaryKeyTypeMFADevicesInUse]++
		}
	}
	used, err := s.usageOf(tx, account)
	sum[types.SummaryKeyTypePolicyVersionsInUse] = len(used)
	return err
}
