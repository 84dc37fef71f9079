package iam

import (
	"context"
	"errors"
	"strings"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// maxTrust is the quota of a trust policy, in characters that are not white space.
const maxTrust = 2048

// setTrust gives a role its trust policy. Users and roles in it are bound to their unique ids, so that one that is
// deleted and made again is not trusted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (s *Service) setTrust(tx *store.Tx, r *Role, text string) error {
	d, err := policy.Parse(text, policy.Trust)
	if err != nil {
		return asMalformed(err)
	}
	if size(text) > maxTrust {
		return limit("Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	bound, err := d.Bind(s.finder(tx))
	var none *policy.Unbound
	if errors.As(err, &none) {
		return malformed("Invalid principal in policy: \"AWS\":\"%s\"", none.Principal)
	}
	if err != nil {
		return err
	}
	r.Trust, r.Bound = text, bound
	return nil
}

// UniqueID tells what an "AWS" principal names: the unique id of a user or role, "" for other principals that exist.
func (s *Service) UniqueID(ctx context.Context, principal string) (id string, ok bool, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		id, ok, err = s.uniqueID(tx, principal)
		return err
	})
	return id, ok, err
}

func (s *Service) finder(tx *store.Tx) policy.Finder {
	return func(principal string) (string, bool, error) { return s.uniqueID(tx, principal) }
}

func (s *Service) uniqueID(tx *store.Tx, principal string) (id string, ok bool, err error) {
	if principal == "*" {
		return "", true, nil
	}
	account, noun := owner(principal)
	switch noun {
	case "user":
		return idOf(tx, s.users, account, principal)
	case "role":
		return idOf(tx, s.roles, account, principal)
	case "root":
		ok, err = s.accounts.Has(tx, account, "")
		return "", ok, err
	}
	if len(principal) == 12 && strings.Trim(principal, "0123456789") == "" {
		ok, err = s.accounts.Has(tx, principal, "")
		return "", ok, err
	}
	return s.sessionPrincipal(tx, principal)
}

// sessionPrincipal looks at arn:aws:sts::1:assumed-role/R/s, which needs the role, and at federated users.
func (s *Service) sessionPrincipal(tx *store.Tx, principal string) (id string, ok bool, err error) {
	rest, isSession := strings.CutPrefix(principal, "arn:aws:sts::")
	account, rest, _ := strings.Cut(rest, ":")
	noun, rest, _ := strings.Cut(rest, "/")
	name, session, _ := strings.Cut(rest, "/")
	switch {
	case !isSession || name == "":
		return "", false, nil
	case noun == "assumed-role" && session != "":
		_, ok, err = s.roles.find(tx, account, name)
		return "", ok, err
	case noun == "federated-user":
		ok, err = s.accounts.Has(tx, account, "")
		return "", ok, err
	}
	return "", false, nil
}

func idOf[T any](tx *store.Tx, k kind[T], account, arn string) (id string, ok bool, err error) {
	name, _ := nameIn(arn, account, k.noun)
	v, ok, err := k.find(tx, account, name)
	if err != nil || !ok || k.arn(account, &v) != arn {
		return "", false, err
	}
	return k.entity(&v).ID, true, nil
}

// trust is the trust policy of a role as it is now: whoever has gone since it was set is shown, and matched, by the
// unique id that nobody will ever have again.
func (s *Service) trust(tx *store.Tx, r *Role) (string, error) {
	return policy.Bindings(r.Bound).Show(r.Trust, s.finder(tx))
}

// size counts the characters of a document as the quotas do, without white space.
func size(text string) int {
	n := 0
	for _, r := range text {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			n++
		}
	}
	return n
}
