package policy

import (
	"fmt"
	"slices"
	"strings"
)

// legacy is what IAM says of values that its older parser cannot read: wrong dates, effects in the wrong case,
// ARNs with too few fields.
const legacy = "The policy failed legacy parsing"

// validate checks the contents of a document in the order in which IAM does, so that of several mistakes the same
// one is reported.
func (raw *rawDocument) validate(kind Kind) error {
	var message string
	switch kind {
	case Trust:
		message = raw.checkTrust()
	case Resource, Endpoint, ResourceControl:
		message = raw.checkResource(kind)
	default:
		message = raw.checkIdentity(kind)
	}
	if message != "" {
		return &Malformed{message}
	}
	return nil
}

// firstOf is the first message that is not empty.
func firstOf(messages ...string) string {
	for _, m := range messages {
		if m != "" {
			return m
		}
	}
	return ""
}

// checkIdentity validates policies attached to principals: identity policies, boundaries, session policies and
// service control policies.
func (raw *rawDocument) checkIdentity(kind Kind) string {
	for _, s := range raw.statements {
		if s.principal != nil || s.notPrincipal != nil {
			return "Policy document should not specify a principal."
		}
		if !strings.EqualFold(s.effect, "Allow") && !strings.EqualFold(s.effect, "Deny") {
			return "Syntax errors in policy."
		}
	}
	var wrong string // about a resource; IAM reports it after what is missing
	for _, s := range raw.statements {
		if s.effect != "Allow" && s.effect != "Deny" || !s.conditionsParse(raw.version) {
			return legacy
		}
		for _, r := range s.resource.list {
			if wrong != "" {
				break
			}
			if legacyResource(r, kind, raw.version == current) {
				return legacy
			}
			wrong = checkResourceARN(r)
		}
	}
	return firstOf(raw.checkSids(), raw.checkPresence(), wrong, raw.checkActions())
}

// checkSids wants identifiers of letters and digits, each once.
func (raw *rawDocument) checkSids() string {
	seen := map[string]bool{}
	for _, s := range raw.statements {
		if s.sid == "" {
			continue
		}
		if seen[s.sid] {
			return "Statement IDs (SID) in a single policy must be unique."
		}
		seen[s.sid] = true
		if strings.ContainsFunc(s.sid, func(r rune) bool { return !isWord(r) }) {
			return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
		}
	}
	return ""
}

func isWord(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

// checkPresence wants actions in every statement, then resources in every statement.
func (raw *rawDocument) checkPresence() string {
	for _, s := range raw.statements {
		if len(s.action.list) == 0 {
			return "Policy statement must contain actions."
		}
	}
	for _, s := range raw.statements {
		if len(s.resource.list) == 0 {
			return "Policy statement must contain resources."
		}
	}
	return ""
}

func (raw *rawDocument) checkActions() string {
	for _, s := range raw.statements {
		for _, a := range s.action.list {
			if message := checkAction(a); message != "" {
				return message
			}
		}
	}
	return ""
}

// checkAction wants "*" or a service prefix, one colon and a name. Wildcards may stand in the name only.
func checkAction(action string) string {
	if action == "*" {
		return ""
	}
	vendor, name, found := strings.Cut(action, ":")
	switch {
	case !found:
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	case strings.Contains(name, ":"):
		return "Actions/Condition can contain only one colon."
	case vendor == "" || strings.ContainsFunc(vendor, func(r rune) bool { return !isWord(r) && r != '-' && r != '.' }):
		return fmt.Sprintf("Vendor %s is not valid", vendor)
	}
	return ""
}

// conditionsParse tells whether the values of typed operators are of their type.
func (s *rawStatement) conditionsParse(version string) bool {
	return !slices.ContainsFunc(s.conditions, func(c rawCondition) bool {
		_, ok := c.compile(version == current)
		return !ok
	})
}
