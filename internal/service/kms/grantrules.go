package kms

import (
	"context"
	"errors"
	"strings"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// check applies the rules of API_CreateGrant.
func (g *Grant) check() error {
	switch {
	case (g.Grantee == "") == (g.GranteeService == ""):
		return invalid("Either GranteePrincipal or GranteeServicePrincipal must be specified, but not both.")
	case g.Retiring != "" && g.RetiringService != "":
		return invalid("Either RetiringPrincipal or RetiringServicePrincipal can be specified, but not both.")
	case g.GranteeService != "" && (g.SourceARN == "" || g.retiring() == ""):
		return invalid("A grant to a service must have a SourceArn constraint and a retiring principal.")
	case len(g.Operations) == 0:
		return invalid("At least one operation must be specified.")
	case len(g.Equals) > 0 && len(g.Subset) > 0:
		return invalid("EncryptionContextEquals and EncryptionContextSubset cannot both be specified.")
	}
	for _, context := range []map[string]string{g.Equals, g.Subset} {
		if err := checkConstraint(context); err != nil {
			return err
		}
	}
	return nil
}

// A constraint has at most 8 pairs of at most 384 characters.
func checkConstraint(context map[string]string) error {
	if len(context) > 8 {
		return invalid("A grant constraint cannot have more than 8 encryption context pairs.")
	}
	for k, v := range context {
		if len(k)+len(v) > 384 {
			return invalid("An encryption context pair in a grant constraint cannot exceed 384 characters.")
		}
	}
	return nil
}

// checkPrincipals refuses what is no principal. Roles must exist, as far as they are asked for here.
func (s *Service) checkPrincipals(ctx context.Context, g *Grant) error {
	for _, p := range []string{g.Grantee, g.Retiring} {
		if p == "" {
			continue
		}
		if err := s.checkPrincipal(ctx, p); err != nil {
			return err
		}
	}
	_, err := g.compile(append(g.statements(), g.retirement()...))
	var m *policy.Malformed
	if errors.As(err, &m) {
		return invalidARN("%s", m.Message)
	}
	return err
}

func (s *Service) checkPrincipal(ctx context.Context, arn string) error {
	no := invalidARN("ARN does not refer to a valid principal: %s", arn)
	if !strings.HasPrefix(arn, "arn:aws:iam::") && !strings.HasPrefix(arn, "arn:aws:sts::") {
		return no
	}
	probe := Grant{Issuer: "000000000000", Retiring: arn}
	if _, err := probe.compile(probe.retirement()); err != nil {
		return no
	}
	if strings.Contains(arn, ":role/") {
		if _, err := s.api.Directory().Role(ctx, arn); errors.Is(err, api.ErrUnknown) {
			return no
		} else if err != nil {
			return err
		}
	}
	return nil
}
