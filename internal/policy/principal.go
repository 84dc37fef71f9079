package policy

import (
	"fmt"
	"slices"
	"strings"
)

// principalKind is a kind of entry in a Principal element.
type principalKind uint8

const (
	everyone      principalKind = iota
	account                     // an account ID or the ARN of its root
	entity                      // the ARN of a user, role, role session or federated user
	uniqueID                    // the ID that IAM shows for a deleted, and stores for an existing, user or role
	service                     // a service principal
	federated                   // an identity provider
	canonicalUser               // an account by its canonical ID
)

// principal is one entry of a Principal element.
type principal struct {
	kind  principalKind
	value string
}

// grade says how directly a Principal element names a caller. What an allow is worth depends on it: see Evaluate.
type grade uint8

const (
	unnamed  grade = iota
	delegate       // the caller's account is named: the account may pass the permission on
	behind         // the role behind the session, or the user behind the federated user, is named
	direct         // the caller itself, or everyone, is named
)

// of is the grade at which an entry names a caller.
func (p principal) of(who *Principal) grade {
	switch p.kind {
	case everyone:
		return direct
	case account:
		return gradeIf(who.ARN != "" && who.Account == p.value, delegate)
	case canonicalUser:
		return gradeIf(who.ARN != "" && who.Canonical == p.value, delegate)
	case service:
		return gradeIf(who.Service == p.value, direct)
	case federated:
		return gradeIf(who.Federated == p.value, direct)
	case uniqueID:
		if who.Role != "" || who.User != "" {
			return gradeIf(who.ID == p.value, behind)
		}
		return gradeIf(who.ID == p.value, direct)
	}
	if p.value == who.Role || p.value == who.User {
		return behind
	}
	return gradeIf(p.value == who.ARN, direct)
}

func gradeIf(named bool, g grade) grade {
	if named {
		return g
	}
	return unnamed
}

// gradeOf is the best grade at which a Principal element names a caller.
func gradeOf(list []principal, who *Principal) grade {
	best := unnamed
	for _, p := range list {
		best = max(best, p.of(who))
	}
	return best
}

// exempt tells whether a NotPrincipal element spares a caller. IAM looks at the account first and at the user, role
// or session then, so both must be listed; a caller with a permissions boundary is never spared.
// (IAM user guide, "AWS JSON policy elements: NotPrincipal".)
func exempt(list []principal, who *Principal, bounded bool) bool {
	if bounded {
		return false
	}
	byAccount, byName := who.ARN == "", false
	for _, p := range list {
		switch g := p.of(who); {
		case p.kind == everyone:
			return true
		case g == delegate:
			byAccount = true
			byName = byName || who.Root
		case g > delegate:
			byName = true
		}
	}
	return byAccount && byName
}

// principalTypes are the members that a Principal object may have.
var principalTypes = []string{"AWS", "Service", "Federated", "CanonicalUser"}

// checkPrincipal validates the Principal or NotPrincipal of a statement.
func (s *rawStatement) checkPrincipal() string {
	n := s.principal
	if n == nil {
		n = s.notPrincipal
	}
	switch {
	case n == nil:
		return "Missing required field Principal"
	case n.kind == '"' && n.text == "*":
		return ""
	case n.kind != '{':
		return "Invalid principal in policy"
	case len(n.names) == 0:
		return "Missing required field Principal cannot be empty!"
	}
	for i, name := range n.names {
		values, ok := stringsOf(n.values[i], false)
		if !ok || !slices.Contains(principalTypes, name) {
			return fmt.Sprintf("Invalid principal in policy: %q", name)
		}
		for _, v := range values {
			if _, ok := parsePrincipal(name, v); !ok {
				return fmt.Sprintf("Invalid principal in policy: %q:%q", strings.ToUpper(name), v)
			}
		}
	}
	return ""
}

// principalsOf is the entries of a valid Principal element.
func principalsOf(n *node) (list []principal) {
	if n == nil || n.kind != '{' {
		return []principal{{kind: everyone}}
	}
	for i, name := range n.names {
		values, _ := stringsOf(n.values[i], false)
		for _, v := range values {
			p, _ := parsePrincipal(name, v)
			list = append(list, p)
		}
	}
	return list
}

func parsePrincipal(kind, value string) (principal, bool) {
	switch kind {
	case "AWS":
		return parseAWSPrincipal(value)
	case "Service":
		return principal{service, value}, strings.Contains(value, ".") && !hasWildcard(value)
	case "CanonicalUser":
		return principal{canonicalUser, value}, value != "" && !hasWildcard(value)
	}
	return principal{federated, value}, value != "" && !hasWildcard(value)
}

func parseAWSPrincipal(value string) (principal, bool) {
	if value == "*" {
		return principal{kind: everyone}, true
	}
	if isAccount(value) {
		return principal{account, value}, true
	}
	fields := strings.SplitN(value, ":", 6)
	if len(fields) != 6 {
		return principal{uniqueID, value}, len(value) >= 16 && strings.HasPrefix(value, "A") && !strings.ContainsFunc(value, func(r rune) bool { return !isWord(r) })
	}
	if fields[0] != "arn" || fields[3] != "" || !isAccount(fields[4]) || hasWildcard(value) {
		return principal{}, false
	}
	if fields[2] == "iam" && fields[5] == "root" {
		return principal{account, fields[4]}, true
	}
	prefixes := []string{"user/", "role/"}
	if fields[2] == "sts" {
		prefixes = []string{"assumed-role/", "federated-user/"}
	}
	named := (fields[2] == "iam" || fields[2] == "sts") && startsWithAny(fields[5], prefixes)
	return principal{entity, value}, named
}

func isAccount(s string) bool {
	return len(s) == 12 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
