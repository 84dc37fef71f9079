package ssm

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/api"
)

// A filter lets parameters through that have one of its values.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
type filter struct {
	key, option string
	values      []string
}

type filters []filter

const (
	equals     = "Equals"
	beginsWith = "BeginsWith"
	contains   = "Contains"
	recursive  = "Recursive"
	oneLevel   = "OneLevel"
)

// byPath and describing are the keys that the two operations with filters take.
var (
	byPath     = []string{"Type", "KeyId", "Label"}
	describing = []string{"Path", "Name", "Type", "KeyId", "Tier", "DataType"}
)

// parseFilters reads filters of keys that an operation takes. Only DescribeParameters takes tags.
func parseFilters(list []types.ParameterStringFilter, keys []string) (all filters, err error) {
	tags := slices.Contains(keys, "Path")
	for _, in := range list {
		f := filter{*in.Key, aws.ToString(in.Option), in.Values}
		if f.option == "" {
			if f.option = equals; f.key == "Path" {
				f.option = oneLevel
			}
		}
		isTag := tags && strings.HasPrefix(f.key, "tag:")
		switch {
		case !isTag && !slices.Contains(keys, f.key):
			return nil, badKey("The following filter key is not valid: %s. Valid filter keys include: [%s].", f.key, strings.Join(keys, ", "))
		case len(f.values) == 0:
			return nil, &types.InvalidFilterValue{Message: text("The following filter values are missing : null for filter key %s.", f.key)}
		case slices.ContainsFunc(all, func(g filter) bool { return g.key == f.key }):
			return nil, badKey("The following filter is duplicated in the request: %s. A request can contain only one occurrence of a specific filter.", f.key)
		}
		if err := f.check(); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// badKey is an error that AWS sends with a message, though its model has none.
func badKey(format string, args ...any) error { return api.Errorf("InvalidFilterKey", format, args...) }

// check refuses options and values that the filter's key has not.
func (f *filter) check() error {
	options := []string{beginsWith, equals}
	var values []string
	switch f.key {
	case "Path":
		options = []string{recursive, oneLevel}
	case "Name":
		options = []string{beginsWith, equals, contains}
	case "Label":
		options = []string{equals}
	case "Tier":
		values = []string{"Standard", "Advanced", "Intelligent-Tiering"}
	case "Type":
		values = []string{"String", "StringList", "SecureString"}
	}
	if !slices.Contains(options, f.option) {
		return &types.InvalidFilterOption{
			Message: text("The following filter option is not valid: %s. Valid options include: [%s].", f.option, strings.Join(options, ", "))}
	}
	for _, v := range f.values {
		if values != nil && f.option == equals && !slices.Contains(values, v) {
			return &types.InvalidFilterOption{
				Message: text("The following filter value is not valid: %s. Valid values include: [%s].", v, strings.Join(values, ", "))}
		}
		if f.key == "Path" {
			if err := checkPathFilter(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkPathFilter(path string) error {
	lower := strings.ToLower(path)
	if strings.HasPrefix(lower, "/aws") || strings.HasPrefix(lower, "/ssm") {
		return invalid(`Filters for common parameters can't be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, ` +
			`please specify within a global namespace.`)
	}
	_, err := under(path)
	return err
}

// label are the labels that a filter asks for; nil if none does.
func (l filters) label() []string {
	for _, f := range l {
		if f.key == "Label" {
			return f.values
		}
	}
	return nil
}

// match reports whether a version of a parameter passes all filters.
func (l filters) match(p *Parameter, v *Version) bool {
	for _, f := range l {
		if f.key != "Label" && !f.match(p, v) {
			return false
		}
	}
	return true
}

func (f *filter) match(p *Parameter, v *Version) bool {
	var have string
	switch f.key {
	case "Name":
		return f.matchName(p)
	case "Path":
		return slices.ContainsFunc(f.values, func(path string) bool { return p.in(path, f.option == recursive) })
	case "Type":
		have = string(v.Type)
	case "KeyId":
		have = v.Key
	case "Tier":
		have = string(v.Tier)
	case "DataType":
		have = v.DataType
	default:
		var ok bool
		if have, ok = p.Tags[strings.TrimPrefix(f.key, "tag:")]; !ok {
			return false
		}
	}
	return f.compare(have, f.values)
}

// matchName compares names without the slash that they may begin with.
func (f *filter) matchName(p *Parameter) bool {
	if f.option == contains {
		return slices.ContainsFunc(f.values, func(v string) bool { return strings.Contains("/"+p.Path, v) })
	}
	return slices.ContainsFunc(f.values, func(v string) bool { return f.compare(p.Path, []string{strings.TrimPrefix(v, "/")}) })
}

func (f *filter) compare(have string, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return have == v || f.option == beginsWith && strings.HasPrefix(have, v)
	})
}

// in reports whether the parameter is in a path, at its level or deeper.
func (p *Parameter) in(path string, deep bool) bool {
	prefix, err := under(path)
	rest, ok := strings.CutPrefix(p.Path, prefix)
	return err == nil && ok && (deep || !strings.Contains(rest, "/"))
}
