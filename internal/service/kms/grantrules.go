package kms

import (
	"context"
	"errors"
	"strings"

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

// bindPrincipals refuses what is no principal or does not exist, and binds the grant to the users and roles it names.
func (s *Service) bindPrincipals(ctx context.Context, g *Grant) error {
	var err error
	if g.GranteeID, err = s.bind(ctx, g.Grantee); err != nil {
		return err
	}
	if g.RetiringID, err = s.bind(ctx, g.Retiring); err != nil {
		return err
	}
	_, err = g.compile(append(g.statements(), g.retirement()...))
	var m *policy.Malformed
	if errors.As(err, &m) {
		return invalidARN("%s", m.Message)
	}
	return err
}

// bind finds the unique id of a user or role; it is "" for other principals, and for none.
func (s *Service) bind(ctx context.Context, arn string) (id string, err error) {
	if arn == "" {
		return "", nil
	}
	no := invalidARN("ARN does not refer to a valid principal: %s", arn)
	if !strings.HasPrefix(arn, "arn:aws:iam::") && !strings.HasPrefix(arn, "arn:aws:sts::") {
		return "", no
	}
	probe := Grant{Issuer: "000000000000", Retiring: arn}
	if _, err := probe.compile(probe.retirement()); err != nil {
		return "", no
	}
	id, ok, err := s.api.Finder(ctx)(arn)
	if err == nil && !ok {
		err = no
	}
	return id, err
}
