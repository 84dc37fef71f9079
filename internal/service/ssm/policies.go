package ssm

import (
	"bytes"
	"encoding/json"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// An InlinePolicy is what is to happen to a parameter by itself. Of AWS's three kinds there is one, Expiration: the others send
// events, which nothing here would take.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
type InlinePolicy struct{ Type, Text string }

const maxPolicies = 10

// parsePolicies reads the policies of a request, and when they let the parameter expire. Empty ones remove those that are there.
func parsePolicies(text *string) (list []InlinePolicy, expires time.Time, err error) {
	if text == nil {
		return nil, time.Time{}, nil
	}
	var all []json.RawMessage
	if json.Unmarshal([]byte(*text), &all) != nil {
		return nil, expires, badPolicy("The policies are not a JSON array of objects.")
	}
	for _, raw := range all {
		var p struct {
			Type, Version string
			Attributes    map[string]string
		}
		if json.Unmarshal(raw, &p) != nil {
			return nil, expires, badPolicy("A policy attribute or its value is invalid.")
		}
		if p.Type == "" && p.Version == "" && p.Attributes == nil {
			continue // [{}] is how policies are removed
		}
		when, err := expiration(p.Type, p.Version, p.Attributes)
		if err != nil {
			return nil, expires, err
		}
		if !expires.IsZero() {
			return nil, expires, &types.IncompatiblePolicyException{Message: aws.String("There is a conflict in the policies specified for this " +
				"parameter. You can't, for example, specify two Expiration policies for a parameter. Review your policies, and try again.")}
		}
		expires = when
		list = append(list, InlinePolicy{p.Type, compact(raw)})
	}
	return list, expires, checkNumber(all)
}

func checkNumber(all []json.RawMessage) error {
	if len(all) <= maxPolicies {
		return nil
	}
	return &types.PoliciesLimitExceededException{
		Message: text("You specified more than the maximum number of allowed policies for the parameter. The maximum is %d.", maxPolicies)}
}

func expiration(kind, version string, attributes map[string]string) (time.Time, error) {
	switch kind {
	case "Expiration":
	case "ExpirationNotification", "NoChangeNotification":
		return time.Time{}, &types.InvalidPolicyTypeException{
			Message: text("The policy type %s is not supported by Redoubt, which has no EventBridge to notify.", kind)}
	default:
		return time.Time{}, &types.InvalidPolicyTypeException{Message: aws.String("The policy type isn't supported. Parameter Store supports the " +
			"following policy types: Expiration, ExpirationNotification, and NoChangeNotification.")}
	}
	if version != "1.0" || len(attributes) != 1 {
		return time.Time{}, badPolicy("A policy attribute or its value is invalid.")
	}
	when, ok := parseTime(attributes["Timestamp"])
	if !ok {
		return time.Time{}, badPolicy("The Timestamp of the Expiration policy is invalid.")
	}
	if !when.After(time.Now()) {
		return time.Time{}, badPolicy("The Timestamp of the Expiration policy must be in the future.")
	}
	return when.UTC(), nil
}

func badPolicy(message string) error {
	return &types.InvalidPolicyAttributeException{Message: &message}
}

// offsetSeconds is the end of a time in the form ISO_OFFSET_DATE_TIME that Go has no layout for: +10:30:00.
var offsetSeconds = regexp.MustCompile(`([+-]\d\d:\d\d):00$`)

// parseTime reads ISO_INSTANT and ISO_OFFSET_DATE_TIME.
func parseTime(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, offsetSeconds.ReplaceAllString(text, "$1"))
	return t, err == nil
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// hasPolicies reports whether a request, whose policies were read before, brings any.
func hasPolicies(text *string) bool {
	list, _, _ := parsePolicies(text)
	return len(list) > 0
}

// policies are a version's as the API shows them. None is carried out before its time, and then there is no parameter any more.
func (v *Version) policies() []types.ParameterInlinePolicy {
	list := []types.ParameterInlinePolicy{}
	for _, p := range v.Policies {
		list = append(list, types.ParameterInlinePolicy{PolicyType: &p.Type, PolicyText: &p.Text, PolicyStatus: aws.String("Pending")})
	}
	return list
}
