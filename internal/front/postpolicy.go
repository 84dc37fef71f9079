package front

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"redoubt/internal/wire"
)

// limits are how large a file may be.
type limits struct{ least, most int64 }

// checkPostPolicy holds a form to the policy that was signed for it: every field must be as the policy says, and none may
// be that it does not mention.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
func checkPostPolicy(f *form, bucket string, now time.Time) (limits, error) {
	p, err := parsePostPolicy(f.fields["policy"])
	if err != nil {
		return limits{}, err
	}
	if !now.Before(p.expiration) {
		return limits{}, postDenied("Policy expired.")
	}
	l := limits{most: maxStreamed}
	mentioned := map[string]bool{}
	for _, c := range p.conditions {
		if c.operator == "content-length-range" {
			l = limits{c.least, min(c.most, maxStreamed)}
			continue
		}
		mentioned[c.field] = true
		value := f.fields[c.field]
		if c.field == "bucket" {
			value = bucket
		}
		if c.operator == "eq" && value != c.value || c.operator == "starts-with" && !startsWith(c.field, value, c.value) {
			return l, postDenied("Policy Condition failed: " + c.text)
		}
	}
	for name := range f.fields {
		switch {
		case name == "policy" || name == "x-amz-signature" || name == "x-amz-security-token" && mentioned[name], strings.HasPrefix(name, "x-ignore-"), mentioned[name]:
		default:
			return l, postDenied("Extra input fields: " + name)
		}
	}
	if f.fields["key"] == "" {
		return l, wire.Errorf("InvalidArgument", http.StatusBadRequest, "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.")
	}
	if !mentioned["bucket"] {
		return l, postDenied("Policy Condition failed: the policy must name the bucket")
	}
	return l, nil
}

// startsWith compares; the values of Content-Type may be a list, each of which must begin so.
func startsWith(field, value, prefix string) bool {
	if field != "content-type" {
		return strings.HasPrefix(value, prefix)
	}
	for v := range strings.SplitSeq(value, ",") {
		if !strings.HasPrefix(v, prefix) {
			return false
		}
	}
	return true
}

func postDenied(why string) error {
	return wire.Errorf("AccessDenied", http.StatusForbidden, "Invalid according to Policy: %s", why)
}

func badPostPolicy(why string) error {
	return wire.Errorf("InvalidPolicyDocument", http.StatusBadRequest, "Invalid Policy: %s", why)
}

// A postPolicy is what a form was signed for.
type postPolicy struct {
	expiration time.Time
	conditions []postCondition
}

type postCondition struct {
	operator, field, value string
	least, most            int64
	text                   string // as it is written
}

func parsePostPolicy(encoded string) (*postPolicy, error) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, badPostPolicy("Invalid Base64.")
	}
	var doc struct {
		Expiration string            `json:"expiration"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, badPostPolicy("Invalid JSON.")
	}
	p := &postPolicy{}
	if p.expiration, err = time.Parse(time.RFC3339, doc.Expiration); err != nil {
		return nil, badPostPolicy("Invalid 'expiration' value: '" + doc.Expiration + "'")
	}
	if doc.Conditions == nil {
		return nil, badPostPolicy("Policy missing conditions.")
	}
	for _, raw := range doc.Conditions {
		if err := p.add(raw); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// add reads one condition: {"field": "value"}, or ["operator", "$field", "value"].
func (p *postPolicy) add(raw json.RawMessage) error {
	var object map[string]string
	if json.Unmarshal(raw, &object) == nil {
		for k, v := range object {
			p.conditions = append(p.conditions, postCondition{operator: "eq", field: strings.ToLower(k), value: v, text: fmt.Sprintf("[%q, %q, %q]", "eq", "$"+k, v)})
		}
		return nil
	}
	var list []any
	if json.Unmarshal(raw, &list) != nil || len(list) != 3 {
		return badPostPolicy("Invalid Condition: " + string(raw))
	}
	operator, _ := list[0].(string)
	c := postCondition{operator: strings.ToLower(operator), text: string(raw)}
	if c.operator == "content-length-range" {
		least, ok1 := list[1].(float64)
		most, ok2 := list[2].(float64)
		if c.least, c.most = int64(least), int64(most); !ok1 || !ok2 || least < 0 || most < least || most > 1<<53 {
			return badPostPolicy("Invalid Condition: " + string(raw))
		}
		p.conditions = append(p.conditions, c)
		return nil
	}
	field, ok1 := list[1].(string)
	value, ok2 := list[2].(string)
	name, dollar := strings.CutPrefix(field, "$")
	if !ok1 || !ok2 || !dollar || c.operator != "eq" && c.operator != "starts-with" {
		return badPostPolicy("Invalid Condition: " + string(raw))
	}
	c.field, c.value = strings.ToLower(name), value
	p.conditions = append(p.conditions, c)
	return nil
}
