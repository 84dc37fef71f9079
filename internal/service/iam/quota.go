package iam

import (
	"redoubt/internal/store"
)

// Counts is how many entities an account has.
type Counts struct {
	Users, Groups, Roles, Policies, InstanceProfiles, Providers int
}

// A quota is a limit on one of the counts of an account, in AWS's words and with its default.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
type quota struct {
	name  string
	max   int
	count func(*Counts) *int
}

var (
	usersQuota     = quota{"UsersPerAccount", 5000, func(c *Counts) *int { return &c.Users }}
	groupsQuota    = quota{"GroupsPerAccount", 300, func(c *Counts) *int { return &c.Groups }}
	rolesQuota     = quota{"RolesPerAccount", 1000, func(c *Counts) *int { return &c.Roles }}
	policiesQuota  = quota{"PoliciesPerAccount", 1500, func(c *Counts) *int { return &c.Policies }}
	profilesQuota  = quota{"InstanceProfilesPerAccount", 1000, func(c *Counts) *int { return &c.InstanceProfiles }}
	providersQuota = quota{"OpenIdConnectProvidersPerAccount", 100, func(c *Counts) *int { return &c.Providers }}
)

// count notes that an account has more or fewer of something, unless that would be too many.
func (s *Service) count(tx *store.Tx, account string, q quota, by int) error {
	c, _, err := s.counts.Get(tx, account, "")
	if err != nil {
		return err
	}
	n := q.count(&c)
	if *n += by; *n > q.max && by > 0 {
		return limit("Cannot exceed quota for %s: %d", q.name, q.max)
	}
	return s.counts.Put(tx, c, account, "")
}
