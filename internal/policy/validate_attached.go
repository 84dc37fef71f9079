package policy

import "strings"

// checkTrust validates a role's trust policy: who may assume the role, by which STS actions, and nothing about
// resources.
func (raw *rawDocument) checkTrust() string {
	seen := map[string]bool{}
	for _, s := range raw.statements {
		if message := s.checkTrust(raw.version); message != "" {
			return message
		}
		if s.sid != "" && seen[s.sid] {
			return "The Statement Ids in the policy are not unique"
		}
		seen[s.sid] = true
	}
	return ""
}

func (s *rawStatement) checkTrust(version string) string {
	return firstOf(s.checkEffect(), s.checkTrustPrincipal(), s.checkTrustActions(), s.checkTrustResource(), s.checkConditions(version))
}

func (s *rawStatement) checkEffect() string {
	switch s.effect {
	case "Allow", "Deny":
		return ""
	case "":
		return "Missing required field Effect"
	}
	return "Invalid effect: " + s.effect
}

func (s *rawStatement) checkTrustPrincipal() string {
	switch {
	case s.notPrincipal != nil && s.effect == "Allow":
		return "Allow with NotPrincipal is not allowed."
	case s.notPrincipal != nil:
		return "AssumeRole policy must not contain NotPrincipal field."
	case s.principal != nil && s.principal.kind == '"' && s.principal.text != "*":
		return "Principal must be a JSON object."
	}
	return firstOf(s.checkPrincipal(), s.checkCognito())
}

// checkCognito wants a condition on trust in Cognito, which would otherwise let in every identity pool there is.
func (s *rawStatement) checkCognito() string {
	const cognito = "cognito-identity.amazonaws.com"
	for _, p := range principalsOf(s.principal) {
		if p.kind == federated && p.value == cognito && s.effect == "Allow" && len(s.conditions) == 0 {
			return "A condition block must be present for the Cognito provider"
		}
	}
	return ""
}

// trustActions begin the actions that a trust policy may name.
var trustActions = []string{"sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}

func (s *rawStatement) checkTrustActions() string {
	if len(s.action.list) == 0 {
		return "Missing required field Action"
	}
	for _, a := range s.action.list {
		if !startsWithAny(strings.ToLower(a), trustActions) {
			return "AssumeRole policy may only specify STS AssumeRole actions."
		}
	}
	return ""
}

func startsWithAny(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func (s *rawStatement) checkTrustResource() string {
	switch {
	case s.resource.present && s.resource.not:
		return "AssumeRole policy must not contain resources."
	case s.resource.present:
		return "Has prohibited field Resource"
	}
	return ""
}

func (s *rawStatement) checkConditions(version string) string {
	if !s.conditionsParse(version) {
		return legacy
	}
	return ""
}

// checkResource validates policies that name their principals: resource policies, endpoint policies and resource
// control policies. What a Resource may be is the service's own matter.
func (raw *rawDocument) checkResource(kind Kind) string {
	seen := map[string]bool{}
	for _, s := range raw.statements {
		if message := s.checkAttached(kind, raw.version); message != "" {
			return message
		}
		if s.sid != "" && seen[s.sid] {
			return "Statement IDs (SID) in a single policy must be unique."
		}
		seen[s.sid] = true
	}
	return raw.checkActions()
}

func (s *rawStatement) checkAttached(kind Kind, version string) string {
	switch {
	case s.notPrincipal != nil && s.effect == "Allow":
		return "Allow with NotPrincipal is not allowed."
	// A resource control policy speaks of everyone (Organizations user guide, "RCP syntax").
	case kind == ResourceControl && (s.principal == nil || s.principal.kind != '"' || s.principal.text != "*"):
		return "The provided policy document does not meet the requirements of the specified policy type."
	case s.checkEffect() != "":
		return s.checkEffect()
	case len(s.action.list) == 0:
		return "Missing required field Action"
	case len(s.resource.list) == 0:
		return "Missing required field Resource"
	}
	return firstOf(s.checkPrincipal(), s.checkConditions(version))
}
