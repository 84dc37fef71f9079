package api

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"redoubt/internal/policy"
)

// facts are the condition keys of one decision: those of every call (aws:...), of the resource, and of the need.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
type facts struct {
	caller   *Caller
	identity *Identity
	resource *Resource
	in       any
	extra    []policy.MapKeys

	organization func() string // the caller's
}

// Lookup finds a condition key by its name in lower case.
func (f *facts) Lookup(name string) ([]string, bool) {
	for _, m := range f.extra {
		if v, ok := m[name]; ok {
			return v, true
		}
	}
	if v, ok := f.resource.Keys[name]; ok {
		return v, true
	}
	if f.resource.More != nil {
		if v, ok := f.resource.More.Lookup(name); ok {
			return v, true
		}
	}
	if prefix, rest, ok := strings.Cut(name, "/"); ok {
		return f.tag(prefix, rest)
	}
	if name == "lambda:sourcefunctionarn" {
		return f.caller.sourceFunction()
	}
	key, ok := strings.CutPrefix(name, "aws:")
	if !ok {
		return nil, false
	}
	if value, ok := callerFacts[key]; ok {
		return value(f.caller)
	}
	switch key {
	case "tagkeys":
		keys := tagKeys(f.in)
		return keys, len(keys) > 0
	case "principalorgid":
		if f.organization == nil {
			return nil, false
		}
		return text(f.organization())
	case "resourceaccount":
		return text(f.resource.Account)
	}
	return nil, false
}

// tag answers aws:ResourceTag/k, aws:RequestTag/k, aws:PrincipalTag/k, and the services' own spellings of the first two.
// The key of a tag is compared without regard to case, as AWS does in condition keys.
func (f *facts) tag(prefix, key string) ([]string, bool) {
	switch prefix[strings.IndexByte(prefix, ':')+1:] {
	case "resourcetag":
		return lookupFold(f.resource.Tags, key)
	case "requesttag":
		return lookupFold(requestTags(f.in), key)
	case "principaltag":
		if s := f.caller.Session; s != nil { // session tags override those of the role
			if v, ok := lookupFold(s.Tags, key); ok {
				return v, true
			}
		}
		return lookupFold(f.identity.Tags, key)
	}
	return nil, false
}

// lookupFold finds nothing where tags differ in the case of their keys alone: a policy speaks of one tag, and who may choose
// tags must not choose which one it is.
func lookupFold(tags map[string]string, key string) (found []string, ok bool) {
	for k, v := range tags {
		if strings.EqualFold(k, key) {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		return nil, false
	}
	return found, true
}

// callerFacts are the global keys that depend on the caller and its request alone.
var callerFacts = map[string]func(*Caller) ([]string, bool){
	"sourceip":         func(c *Caller) ([]string, bool) { return c.outside(c.Request.SourceIP) },
	"securetransport":  func(c *Caller) ([]string, bool) { return boolean(c.Request.Secure) },
	"useragent":        func(c *Caller) ([]string, bool) { return text(c.Request.UserAgent) },
	"referer":          func(c *Caller) ([]string, bool) { return text(c.Request.Referer) },
	"sourcevpc":        func(c *Caller) ([]string, bool) { return c.outside(c.Request.VPC) },
	"sourcevpce":       func(c *Caller) ([]string, bool) { return c.outside(c.Request.VPCE) },
	"currenttime":      func(c *Caller) ([]string, bool) { return text(c.now().UTC().Format(time.RFC3339)) },
	"epochtime":        func(c *Caller) ([]string, bool) { return text(strconv.FormatInt(c.now().Unix(), 10)) },
	"requestedregion":  func(c *Caller) ([]string, bool) { return text(c.Region) },
	"principalarn":     func(c *Caller) ([]string, bool) { return text(c.principalARN()) },
	"principalaccount": func(c *Caller) ([]string, bool) { return text(c.Principal.Account) },
	"principaltype":    func(c *Caller) ([]string, bool) { return text(principalTypes[c.Kind]) },
	"userid":           func(c *Caller) ([]string, bool) { return text(c.ID) },
	"username": func(c *Caller) ([]string, bool) {
		if c.Kind != IAMUser {
			return nil, false
		}
		return text(c.Name)
	},
	"principalisawsservice": func(c *Caller) ([]string, bool) { return boolean(c.Kind == AWSService) },
	"principalservicename":  func(c *Caller) ([]string, bool) { return text(c.Principal.Service) },
	"sourcearn":             func(c *Caller) ([]string, bool) { return text(c.Source) },
	"sourceaccount":         func(c *Caller) ([]string, bool) { return text(accountOf(c.Source)) },
	"viaawsservice":         func(c *Caller) ([]string, bool) { return boolean(len(c.Via) > 0) },
	"calledvia":             func(c *Caller) ([]string, bool) { return c.Via, len(c.Via) > 0 },
	"calledviafirst": func(c *Caller) ([]string, bool) {
		if len(c.Via) == 0 {
			return nil, false
		}
		return c.Via[:1], true
	},
	"calledvialast": func(c *Caller) ([]string, bool) {
		if len(c.Via) == 0 {
			return nil, false
		}
		return c.Via[len(c.Via)-1:], true
	},
	"multifactorauthpresent": func(c *Caller) ([]string, bool) {
		if c.Session == nil { // long-term keys do not have the key at all
			return nil, false
		}
		return boolean(c.hasMFA())
	},
	"multifactorauthage": func(c *Caller) ([]string, bool) {
		if !c.hasMFA() {
			return nil, false
		}
		return text(strconv.FormatInt(int64(c.now().Sub(c.Session.MFA).Seconds()), 10))
	},
	"tokenissuetime": func(c *Caller) ([]string, bool) {
		if c.Session == nil {
			return nil, false
		}
		return text(c.Session.Issued.UTC().Format(time.RFC3339))
	},
	"sourceidentity": func(c *Caller) ([]string, bool) {
		if c.Session == nil {
			return nil, false
		}
		return text(c.Session.Identity)
	},
	"federatedprovider": func(c *Caller) ([]string, bool) {
		if c.Session == nil {
			return nil, false
		}
		return text(c.Session.Federated)
	},
}

// hasMFA reports whether policies see the code that was given for the caller's session. A code given to AssumeRole decides
// about assuming the role, and is not seen afterwards.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
func (c *Caller) hasMFA() bool {
	return c.Session != nil && c.Kind != AssumedRole && !c.Session.MFA.IsZero()
}

// principalTypes are the values of aws:PrincipalType.
var principalTypes = map[Kind]string{
	Root: "Account", IAMUser: "User", AssumedRole: "AssumedRole", FederatedUser: "FederatedUser", Unknown: "Anonymous",
}

// principalARN is aws:PrincipalArn: the ARN of the role, not of the session, for roles.
func (c *Caller) principalARN() string {
	if c.Principal.Role != "" {
		return c.Principal.Role
	}
	return c.Principal.ARN
}

// sourceFunction is lambda:SourceFunctionArn: the function for which Lambda assumed the role of the caller's session.
// https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
func (c *Caller) sourceFunction() ([]string, bool) {
	if c.Session == nil || part(c.Session.Source, 2) != "lambda" {
		return nil, false
	}
	return text(c.Session.Source)
}

// outside is for keys that tell where a request came from, which calls that a service makes do not have.
func (c *Caller) outside(v string) ([]string, bool) {
	if len(c.Via) > 0 || c.Kind == AWSService {
		return nil, false
	}
	return text(v)
}

func (c *Caller) now() time.Time {
	if c.Request.Time.IsZero() {
		return time.Now()
	}
	return c.Request.Time
}

func text(s string) ([]string, bool) {
	if s == "" {
		return nil, false
	}
	return []string{s}, true
}

func boolean(b bool) ([]string, bool) {
	if b {
		return []string{"true"}, true
	}
	return []string{"false"}, true
}

// requestTags finds the tags that an input sets: a map, or a list of Key and Value, in a field called Tags.
func requestTags(in any) map[string]string {
	v := tagsField(in, "Tags")
	switch {
	case !v.IsValid():
		return nil
	case v.Type() == reflect.TypeFor[map[string]string]():
		return v.Interface().(map[string]string)
	case v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Struct:
		return nil
	}
	tags := make(map[string]string, v.Len())
	for i := range v.Len() {
		k, val := tagPart(v.Index(i), "Key", "TagKey"), tagPart(v.Index(i), "Value", "TagValue")
		tags[k] = val
	}
	return tags
}

// tagKeys finds the keys of the tags that an input sets or removes.
func tagKeys(in any) []string {
	var keys []string
	for k := range requestTags(in) {
		keys = append(keys, k)
	}
	for _, field := range []string{"TagKeys", "TagKeyList"} {
		if v := tagsField(in, field); v.IsValid() && v.Type() == reflect.TypeFor[[]string]() {
			keys = append(keys, v.Interface().([]string)...)
		}
	}
	return keys
}

func tagsField(in any, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(in))
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

func tagPart(tag reflect.Value, names ...string) string {
	for _, n := range names {
		if f := reflect.Indirect(tag.FieldByName(n)); f.IsValid() && f.Kind() == reflect.String {
			return f.String()
		}
	}
	return ""
}
