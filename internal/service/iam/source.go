package iam

import (
	"path"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// source is a user, group or role with all policies that count for it, as simulations use it.
type source struct {
	entity   *Entity
	noun     string
	policies []sourcePolicy
	boundary *sourcePolicy
}

// sourcePolicy is a policy in a simulation.
type sourcePolicy struct {
	name    string // ARN of a managed policy, name of an inline one
	text    string
	inline  bool
	of, who string // the kind and the name of the entity that has it
}

// source finds the policies of an entity, and of the groups of a user.
func (s *Service) source(tx *store.Tx, account, arn string) (*source, error) {
	_, noun := owner(arn)
	name, _ := nameIn(arn, account, noun)
	x := &source{noun: noun}
	var groups []string
	var err error
	switch noun {
	case "user":
		var u User
		u, err = s.users.load(tx, account, name)
		x.entity, groups = &u.Entity, u.Groups
	case "group":
		var g Group
		g, err = s.groups.load(tx, account, name)
		x.entity = &g.Entity
	case "role":
		var r Role
		r, err = s.roles.load(tx, account, name)
		x.entity = &r.Entity
	default:
		err = invalid("Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
	}
	if err != nil {
		return nil, err
	}
	return x, s.fill(tx, account, x, groups)
}

func (s *Service) fill(tx *store.Tx, account string, x *source, groups []string) error {
	if err := s.addPolicies(tx, account, x, x.entity, x.noun); err != nil {
		return err
	}
	for _, name := range groups {
		g, err := s.groups.load(tx, account, name)
		if err != nil {
			return err
		}
		if err := s.addPolicies(tx, account, x, &g.Entity, "group"); err != nil {
			return err
		}
	}
	return s.addBoundary(tx, account, x)
}

func (s *Service) addPolicies(tx *store.Tx, account string, x *source, e *Entity, noun string) error {
	for _, arn := range e.Attached {
		p, err := s.policy(tx, account, arn)
		if err != nil {
			return err
		}
		x.policies = append(x.policies, sourcePolicy{name: arn, text: p.document(), of: noun, who: e.Name})
	}
	for _, p := range e.Inline {
		x.policies = append(x.policies, sourcePolicy{name: p.Name, text: p.Document, inline: true, of: noun, who: e.Name})
	}
	return nil
}

func (s *Service) addBoundary(tx *store.Tx, account string, x *source) error {
	if x.entity.Boundary == "" {
		return nil
	}
	p, err := s.policy(tx, account, x.entity.Boundary)
	if err != nil {
		return err
	}
	x.boundary = &sourcePolicy{name: x.entity.Boundary, text: p.document(), of: x.noun, who: x.entity.Name}
	return nil
}

// excluded reports whether one of the identifiers means the policy.
func (p *sourcePolicy) excluded(ids []types.PolicyIdentifier, boundary bool) bool {
	for _, id := range ids {
		switch id := id.(type) {
		case *types.PolicyIdentifierMemberPolicyArn:
			if !p.inline && p.name == id.Value {
				return true
			}
		case *types.PolicyIdentifierMemberPolicyType:
			if p.isOf(id.Value, boundary) {
				return true
			}
		case *types.PolicyIdentifierMemberInlinePolicyIdentifier:
			same, _ := path.Match(*id.Value.AttachmentName, p.who)
			if p.inline && same && p.name == *id.Value.PolicyName && p.of == string(id.Value.AttachmentType) {
				return true
			}
		}
	}
	return false
}

func (p *sourcePolicy) isOf(t types.PolicyIdentifierPolicyType, boundary bool) bool {
	switch t {
	case types.PolicyIdentifierPolicyTypePermissionBoundary:
		return boundary
	case types.PolicyIdentifierPolicyTypeInline:
		return p.inline
	}
	account, _ := owner(p.name)
	ofAWS := !p.inline && account == awsAccount
	return !boundary && (t == types.PolicyIdentifierPolicyTypeAwsManaged && ofAWS ||
		t == types.PolicyIdentifierPolicyTypeUserManaged && !ofAWS && !p.inline)
}
