package iam

import (
	"encoding/json"
	"fmt"
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
	if _, err := policy.Parse(text, policy.Trust); err != nil {
		return asMalformed(err)
	}
	if size(text) > maxTrust {
		return limit("Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	bound := map[string]string{}
	for _, principal := range principals(text) {
		id, err := s.principalID(tx, principal)
		if err != nil {
			return err
		}
		if id != "" {
			bound[principal] = id
		}
	}
	r.Trust, r.Bound = text, bound
	return nil
}

// principalID finds what an "AWS" principal names: the unique id of a user or role, "" for other principals that exist.
func (s *Service) principalID(tx *store.Tx, principal string) (string, error) {
	id, ok, err := s.uniqueID(tx, principal)
	if err == nil && !ok {
		err = malformed("Invalid principal in policy: \"AWS\":\"%s\"", principal)
	}
	return id, err
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
	var gone map[string]string
	for arn, id := range r.Bound {
		now, _, err := s.uniqueID(tx, arn)
		if err != nil {
			return "", err
		}
		if now == id {
			continue
		}
		if gone == nil {
			gone = map[string]string{}
		}
		gone[arn] = id
	}
	if gone == nil {
		return r.Trust, nil
	}
	return replacePrincipals(r.Trust, gone)
}

// statementPrincipals are the "AWS" principals of a statement, one or several.
type statementPrincipals struct {
	Principal, NotPrincipal json.RawMessage
}

// principals lists the "AWS" principals of a document that has been parsed.
func principals(text string) []string {
	var found []string
	var d struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &d) != nil {
		return nil
	}
	for _, raw := range oneOrMore(d.Statement) {
		var st statementPrincipals
		if json.Unmarshal(raw, &st) != nil {
			continue
		}
		for _, p := range []json.RawMessage{st.Principal, st.NotPrincipal} {
			var byKind struct{ AWS json.RawMessage }
			if json.Unmarshal(p, &byKind) != nil {
				continue // "*"
			}
			for _, one := range oneOrMore(byKind.AWS) {
				var s string
				if json.Unmarshal(one, &s) == nil {
					found = append(found, s)
				}
			}
		}
	}
	return found
}

func oneOrMore(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if len(raw) == 0 {
		return nil
	}
	return []json.RawMessage{raw}
}

// replacePrincipals writes a document again with other names for some of its principals.
func replacePrincipals(text string, by map[string]string) (string, error) {
	var d map[string]any
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return "", fmt.Errorf("reading a trust policy: %w", err)
	}
	for _, statement := range asList(d["Statement"]) {
		st, _ := statement.(map[string]any)
		for _, element := range []string{"Principal", "NotPrincipal"} {
			p, _ := st[element].(map[string]any)
			if p == nil || p["AWS"] == nil {
				continue
			}
			names := asList(p["AWS"])
			for i, name := range names {
				if id := by[fmt.Sprint(name)]; id != "" {
					names[i] = id
				}
			}
			p["AWS"] = names
		}
	}
	b, err := json.Marshal(d)
	return string(b), err
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
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
