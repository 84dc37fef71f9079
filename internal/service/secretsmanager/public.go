package secretsmanager

import (
	"encoding/json"
	"slices"
	"strings"
)

// isPublic reports whether a valid policy lets everybody in: whether a statement allows a principal that is a wildcard,
// without a condition that fixes who it is or where it comes from
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html).
func isPublic(text string) bool {
	var doc struct{ Statement oneOrMore[statement] }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return true
	}
	return slices.ContainsFunc(doc.Statement, statement.public)
}

// oneOrMore is what may be written as a list, or without one.
type oneOrMore[T any] []T

func (l *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*[]T)(l)) == nil {
		return nil
	}
	*l = make(oneOrMore[T], 1)
	return json.Unmarshal(b, &(*l)[0])
}

type statement struct {
	Effect    string
	Principal json.RawMessage
	Condition map[string]map[string]oneOrMore[string]
}

func (s statement) public() bool {
	return s.Effect == "Allow" && s.everybody() && !s.fixed()
}

func (s statement) everybody() bool {
	var by map[string]oneOrMore[string]
	if json.Unmarshal(s.Principal, &by) != nil {
		return true // "*"
	}
	return slices.Contains(by["AWS"], "*")
}

// fixing are the condition keys whose fixed values make a statement less than public.
var fixing = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn",
	"aws:sourceip", "aws:sourceorgid", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:vpcsourceip",
}

// bounding are the operators that let in only what they name; negations, Null and IfExists leave the rest of the world in.
var bounding = []string{"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}

func (s statement) fixed() bool {
	for operator, keys := range s.Condition {
		operator = strings.TrimPrefix(strings.ToLower(operator), "foranyvalue:")
		if !slices.Contains(bounding, operator) {
			continue
		}
		for key, values := range keys {
			if key = strings.ToLower(key); slices.Contains(fixing, key) && len(values) > 0 && !slices.ContainsFunc(values, vague(key)) {
				return true
			}
		}
	}
	return false
}

// vague tells of a value whether it leaves open who it means: by a wildcard where the account would be, by a variable that the
// caller chooses, or by being most of the internet.
func vague(key string) func(string) bool {
	return func(v string) bool {
		switch {
		case v == "" || strings.Contains(v, "${") || strings.HasSuffix(v, "/0"):
			return true
		case key == "aws:sourcearn" || key == "aws:principalarn":
			fields := strings.SplitN(v, ":", 6)
			return len(fields) < 6 || strings.ContainsAny(fields[4], "*?") || fields[4] == "" && strings.ContainsAny(fields[5], "*?")
		}
		return strings.ContainsAny(v, "*?")
	}
}
