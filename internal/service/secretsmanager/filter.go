package secretsmanager

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func checkFilters(filters []types.Filter) error {
	for _, f := range filters {
		if f.Key == "" || len(f.Values) == 0 {
			return badParameter("A filter must have a key and values.")
		}
		if !slices.Contains(f.Key.Values(), f.Key) {
			return badParameter("Invalid filter key: %s.", string(f.Key))
		}
	}
	return nil
}

// matches reports whether a secret passes all filters (https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html).
func (x *Secret) matches(filters []types.Filter) bool {
	return !slices.ContainsFunc(filters, func(f types.Filter) bool { return !x.passes(f) })
}

// passes reports whether one of a filter's values is met, and none of those that begin with an exclamation mark.
func (x *Secret) passes(f types.Filter) bool {
	wanted, found := false, false
	for _, v := range f.Values {
		if no, negated := strings.CutPrefix(v, "!"); negated {
			if x.has(f.Key, no) {
				return false
			}
			continue
		}
		wanted = true
		found = found || x.has(f.Key, v)
	}
	return found || !wanted
}

func (x *Secret) has(key types.FilterNameStringType, v string) bool {
	switch key {
	case types.FilterNameStringTypeName:
		return strings.HasPrefix(x.Name, v)
	case types.FilterNameStringTypeDescription:
		return hasPrefixFold(x.Description, v)
	case types.FilterNameStringTypePrimaryRegion:
		return strings.HasPrefix(x.Region, v)
	case types.FilterNameStringTypeTagKey:
		return x.hasTag(func(k, _ string) bool { return strings.HasPrefix(k, v) })
	case types.FilterNameStringTypeTagValue:
		return x.hasTag(func(_, text string) bool { return strings.HasPrefix(text, v) })
	case types.FilterNameStringTypeAll:
		return x.hasWords(v)
	}
	return false // no secret is owned by a service
}

func (x *Secret) hasTag(which func(k, v string) bool) bool {
	for k, v := range x.Tags {
		if which(k, v) {
			return true
		}
	}
	return false
}

// hasWords looks for each word of a text in all that a secret says of itself, whatever their case.
func (x *Secret) hasWords(text string) bool {
	all := []string{x.Name, x.Description, x.Region}
	for k, v := range x.Tags {
		all = append(all, k, v)
	}
	said := strings.ToLower(strings.Join(all, "\n"))
	for _, word := range strings.Fields(strings.ToLower(text)) {
		if !strings.Contains(said, word) {
			return false
		}
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
