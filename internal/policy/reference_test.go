package policy_test

import (
	"encoding/base64"
	"math/big"
	"net"
	"strings"
	"time"

	"redoubt/internal/policy"
)

// This file is a second evaluator. It is slow and obvious: it reads decoded JSON at every decision, matches wildcards
// by recursion, and shares no code with the package. The differential test holds the two against each other.

// refSet is the policies that apply, as decoded JSON.
type refSet struct {
	identity, session               []any
	resource, boundary, endpoint    any
	serviceControl, resourceControl [][]any
	mustDelegate                    bool
}

type refRequest struct {
	who                     policy.Principal
	action, resource, owner string
	keys                    map[string][]string
}

// refDecide gives "allowed", "implicitDeny" or "explicitDeny", and how many statements deny.
func refDecide(r refRequest, set refSet) (effect string, denials int) {
	organisation := !strings.Contains(r.who.Role, "role/aws-service-role/")
	inAccount := r.who.ARN != ""
	count := func(doc any) {
		for _, s := range refStatements(doc) {
			if s["Effect"] == "Deny" && refNames(s, r.who, set.boundary != nil) != "" && refApplies(doc, s, r) {
				denials++
			}
		}
	}
	if organisation && inAccount {
		for _, level := range set.serviceControl {
			for _, doc := range level {
				count(doc)
			}
		}
	}
	if organisation {
		for _, level := range set.resourceControl {
			for _, doc := range level {
				count(doc)
			}
		}
	}
	for _, doc := range append(append([]any{set.resource, set.boundary, set.endpoint}, set.identity...), set.session...) {
		count(doc)
	}
	if denials > 0 {
		return "explicitDeny", denials
	}
	if refAllows(r, set, organisation, inAccount) {
		return "allowed", 0
	}
	return "implicitDeny", 0
}

func refAllows(r refRequest, set refSet, organisation, inAccount bool) bool {
	if organisation && inAccount {
		for _, level := range set.serviceControl {
			if !refAnyAllows(level, r) {
				return false
			}
		}
	}
	if set.endpoint != nil && refGrant(set.endpoint, r) == "" {
		return false
	}
	grant := refGrant(set.resource, r)
	if !inAccount {
		return grant != ""
	}
	limits := (set.boundary == nil || refAnyAllows([]any{set.boundary}, r)) &&
		(len(set.session) == 0 && !strings.Contains(r.who.ARN, ":federated-user/") || refAnyAllows(set.session, r))
	identity := r.who.Root || refAnyAllows(set.identity, r)
	if r.owner != "" && r.owner != r.who.Account {
		return grant != "" && identity && limits
	}
	switch grant {
	case "self":
		return true
	case "behind":
		return limits
	case "account":
		return identity && limits
	}
	return identity && limits && !set.mustDelegate
}

func refAnyAllows(docs []any, r refRequest) bool {
	for _, doc := range docs {
		for _, s := range refStatements(doc) {
			if s["Effect"] == "Allow" && refApplies(doc, s, r) {
				return true
			}
		}
	}
	return false
}

// refGrant is the strongest way in which the allows of a policy with principals name the caller.
func refGrant(doc any, r refRequest) string {
	found := map[string]bool{}
	for _, s := range refStatements(doc) {
		if s["Effect"] == "Allow" && refApplies(doc, s, r) {
			found[refNames(s, r.who, false)] = true
		}
	}
	for _, way := range []string{"self", "behind", "account"} {
		if found[way] {
			return way
		}
	}
	return ""
}

func refStatements(doc any) (list []map[string]any) {
	if doc == nil {
		return nil
	}
	for _, s := range refList(doc.(map[string]any)["Statement"]) {
		list = append(list, s.(map[string]any))
	}
	return list
}

func refList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// refNames is how a statement names the caller: "self", "behind", "account", or "" when it does not.
func refNames(s map[string]any, who policy.Principal, bounded bool) string {
	if p, ok := s["Principal"]; ok {
		ways := refWays(p, who)
		for _, way := range []string{"self", "behind", "account"} {
			if ways[way] {
				return way
			}
		}
		return ""
	}
	p, ok := s["NotPrincipal"]
	if !ok {
		return "self"
	}
	if bounded {
		return "self"
	}
	ways := refWays(p, who)
	if ways["everyone"] {
		return ""
	}
	account := ways["account"] || who.ARN == ""
	name := ways["self"] || ways["behind"] || who.Root && ways["account"]
	if account && name {
		return ""
	}
	return "self"
}

func refWays(p any, who policy.Principal) map[string]bool {
	ways := map[string]bool{}
	if p == "*" {
		ways["self"], ways["everyone"] = true, true
		return ways
	}
	for kind, values := range p.(map[string]any) {
		for _, v := range refList(values) {
			value := v.(string)
			switch {
			case kind == "AWS" && value == "*":
				ways["self"], ways["everyone"] = true, true
			case kind == "Service":
				ways["self"] = ways["self"] || value == who.Service
			case kind == "Federated":
				ways["self"] = ways["self"] || value == who.Federated
			case who.ARN == "": // nothing of an account names services and strangers
			case kind == "CanonicalUser":
				ways["account"] = ways["account"] || value == who.Canonical
			case value == who.Account || strings.HasSuffix(value, ":iam::"+who.Account+":root"):
				ways["account"] = true
			case value == who.Role || value == who.User || (who.Role != "" || who.User != "") && value == who.ID:
				ways["behind"] = true
			case value == who.ARN || value == who.ID:
				ways["self"] = true
			}
		}
	}
	return ways
}

func refApplies(doc any, s map[string]any, r refRequest) bool {
	variables := doc.(map[string]any)["Version"] == "2012-10-17"
	if list, ok := s["Action"]; ok && !refAnyAction(list, r.action) {
		return false
	}
	if list, ok := s["NotAction"]; ok && refAnyAction(list, r.action) {
		return false
	}
	if list, ok := s["Resource"]; ok && !refAnyResource(list, r, variables, s) {
		return false
	}
	if list, ok := s["NotResource"]; ok && refAnyResource(list, r, variables, s) {
		return false
	}
	conditions, _ := s["Condition"].(map[string]any)
	for operator, block := range conditions {
		for key, values := range block.(map[string]any) {
			if !refCondition(operator, key, values, r, variables) {
				return false
			}
		}
	}
	return true
}

func refAnyAction(list any, action string) bool {
	for _, a := range refList(list) {
		if refGlob(refRunes(strings.ToLower(a.(string))), []rune(strings.ToLower(action))) {
			return true
		}
	}
	return false
}

func refAnyResource(list any, r refRequest, variables bool, s map[string]any) bool {
	_, attached := s["Principal"]
	_, not := s["NotPrincipal"]
	for _, v := range refList(list) {
		text := v.(string)
		for !attached && !not && strings.HasPrefix(text, "arn:") && len(strings.Split(text, ":")) < 6 {
			text += ":*"
		}
		if tokens, ok := refTokens(text, r, variables, true); ok && refGlob(refBound(tokens), []rune(r.resource)) {
			return true
		}
	}
	return false
}

// refToken is a character of a pattern. A wildcard with stay set matches no colon.
type refToken struct {
	r        rune
	any, one bool
	stay     bool
}

// refRunes is a pattern in which only * and ? are special.
func refRunes(text string) (tokens []refToken) {
	for _, r := range text {
		tokens = append(tokens, refToken{r: r, any: r == '*', one: r == '?'})
	}
	return tokens
}

// refTokens replaces the policy variables of a text. It fails if one has no value.
func refTokens(text string, r refRequest, variables, wild bool) (tokens []refToken, ok bool) {
	for text != "" {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !variables || !found || !closed {
			before, text = text, ""
		} else {
			text = after
		}
		for _, t := range refRunes(before) {
			tokens = append(tokens, refToken{r: t.r, any: t.any && wild, one: t.one && wild})
		}
		if variables && found && closed {
			value, ok := refVariable(name, r)
			if !ok {
				return nil, false
			}
			for _, c := range value {
				tokens = append(tokens, refToken{r: c})
			}
		}
	}
	return tokens, true
}

func refVariable(name string, r refRequest) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	key, fallback, hasFallback := strings.Cut(name, ", '")
	if values := r.keys[strings.ToLower(key)]; len(values) == 1 {
		return values[0], true
	}
	return strings.TrimSuffix(fallback, "'"), hasFallback
}

// refBound keeps the wildcards of an ARN's first five fields in their field, but for an asterisk at its end.
func refBound(tokens []refToken) []refToken {
	colons := 0
	for i, t := range tokens {
		if t.r == ':' {
			colons++
		}
		ends := i+1 == len(tokens) || tokens[i+1].r == ':'
		tokens[i].stay = colons < 5 && (t.one || t.any && !ends)
	}
	return tokens
}

func refGlob(p []refToken, s []rune) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	if p[0].any && refGlob(p[1:], s) {
		return true
	}
	if len(s) == 0 || p[0].stay && s[0] == ':' {
		return false
	}
	if p[0].any {
		return refGlob(p, s[1:])
	}
	return (p[0].one || p[0].r == s[0]) && refGlob(p[1:], s[1:])
}

func refCondition(operator, key string, list any, r refRequest, variables bool) bool {
	values := r.keys[strings.ToLower(key)]
	set, base := "", operator
	if before, after, found := strings.Cut(operator, ":"); found {
		set, base = before, after
	}
	if base == "Null" {
		for _, v := range refList(list) {
			if strings.EqualFold(refScalar(v), "true") == (len(values) == 0) {
				return true
			}
		}
		return false
	}
	if strings.HasSuffix(base, "IfExists") {
		if len(values) == 0 {
			return true
		}
		base = strings.TrimSuffix(base, "IfExists")
	}
	negated := strings.Contains(base, "Not")
	base = strings.Replace(base, "Not", "", 1)
	passing, failing := 0, 0
	for _, v := range values {
		matched := false
		for _, w := range refList(list) {
			matched = matched || refCompare(base, v, refScalar(w), r, variables)
		}
		if matched != negated {
			passing++
		} else {
			failing++
		}
	}
	switch set {
	case "ForAllValues":
		return failing == 0 || len(values) == 1 && values[0] == ""
	case "ForAnyValue":
		return passing > 0
	}
	if negated {
		return failing == 0
	}
	return passing > 0
}

// refScalar is the text of a value of the policy.
func refScalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return v.(interface{ String() string }).String()
}

func refCompare(base, value, want string, r refRequest, variables bool) bool {
	switch {
	case base == "StringEquals" || base == "StringEqualsIgnoreCase" || base == "Bool":
		tokens, ok := refTokens(want, r, variables, false)
		if !ok {
			return false
		}
		text := ""
		for _, t := range tokens {
			text += string(t.r)
		}
		return text == value || base != "StringEquals" && strings.EqualFold(text, value)
	case base == "StringLike":
		tokens, ok := refTokens(want, r, variables, true)
		return ok && refGlob(tokens, []rune(value))
	case base == "ArnLike" || base == "ArnEquals":
		return refARN(value, want, r, variables)
	case base == "BinaryEquals":
		a, wrong1 := base64.StdEncoding.DecodeString(value)
		b, wrong2 := base64.StdEncoding.DecodeString(want)
		return wrong1 == nil && wrong2 == nil && string(a) == string(b)
	case base == "IpAddress":
		return refIP(value, want)
	case strings.HasPrefix(base, "Numeric"):
		a, ok1 := new(big.Rat).SetString(value)
		b, ok2 := new(big.Rat).SetString(want)
		return ok1 && ok2 && refOrder(strings.TrimPrefix(base, "Numeric"), a.Cmp(b))
	}
	a, ok1 := refTime(value)
	b, ok2 := refTime(want)
	return ok1 && ok2 && refOrder(strings.TrimPrefix(base, "Date"), a.Compare(b))
}

func refOrder(relation string, c int) bool {
	switch relation {
	case "Equals":
		return c == 0
	case "LessThan":
		return c < 0
	case "LessThanEquals":
		return c <= 0
	case "GreaterThan":
		return c > 0
	}
	return c >= 0
}

func refTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	seconds, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(seconds.Int64(), 0), true
}

func refIP(value, want string) bool {
	ip := net.ParseIP(value)
	if _, block, err := net.ParseCIDR(want); err == nil {
		return ip != nil && block.Contains(ip)
	}
	return ip != nil && ip.Equal(net.ParseIP(want))
}

func refARN(value, want string, r refRequest, variables bool) bool {
	have := strings.SplitN(value, ":", 6)
	if have[0] != "arn" || len(have) < 6 {
		return false
	}
	const guard = "\x00" // in place of the colons in names of variables
	guarded := want
	if variables {
		guarded = strings.ReplaceAll(want, "${aws:", "${aws"+guard)
	}
	fields := strings.SplitN(guarded, ":", 6)
	for i := range fields {
		fields[i] = strings.ReplaceAll(fields[i], guard, ":")
	}
	if len(fields) < 6 {
		tokens, ok := refTokens(want, r, variables, true)
		return ok && refGlob(refBound(tokens), []rune(value))
	}
	for i, field := range fields {
		tokens, ok := refTokens(field, r, variables, true)
		if !ok || !refGlob(tokens, []rune(have[i])) {
			return false
		}
	}
	return true
}
