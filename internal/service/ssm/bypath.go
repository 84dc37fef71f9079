package ssm

import (
	"context"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// pathForm is a path: all of a hierarchy, or what is under a sub-path.
var pathForm = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)*/?$`)

// under is what the paths of parameters begin with that are in a path.
func under(path string) (string, error) {
	if path == "" || !pathForm.MatchString(path) {
		return "", badPath()
	}
	if path = strings.Trim(path, "/"); path != "" {
		path += "/"
	}
	return path, nil
}

// GetParametersByPath reads the parameters in a path, at one level or at all.
func (s *Service) GetParametersByPath(ctx context.Context, in *sdk.GetParametersByPathInput) (*sdk.GetParametersByPathOutput, error) {
	prefix, err := under(strings.TrimSpace(*in.Path))
	if err != nil {
		return nil, err
	}
	filters, err := parseFilters(in.ParameterFilters, byPath)
	if err != nil {
		return nil, err
	}
	label := filters.label()
	type found struct {
		p        Parameter
		v        Version
		selector string
	}
	var all []found
	out := &sdk.GetParametersByPathOutput{Parameters: []types.Parameter{}}
	out.NextToken, err = s.page(ctx, search{under: prefix, token: in.NextToken, most: most(in.MaxResults, 10), take: func(tx *store.Tx, p *Parameter) (bool, error) {
		if !aws.ToBool(in.Recursive) && strings.Contains(p.Path[len(prefix):], "/") {
			return false, nil
		}
		x := found{p: *p, v: p.Latest}
		if label != nil {
			if x.selector = p.labelled(label); x.selector == "" {
				return false, nil
			}
			var err error
			if x.v, err = s.pick(tx, p, x.selector); err != nil {
				return false, err
			}
		}
		if !filters.match(p, &x.v) {
			return false, nil
		}
		all = append(all, x)
		return true, nil
	}})
	for _, x := range all {
		if err != nil {
			return nil, err
		}
		var value string
		value, err = s.value(ctx, x.p.place(), &x.v, in.WithDecryption)
		out.Parameters = append(out.Parameters, x.p.shown(&x.v, value, x.selector))
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// labelled is the first of the labels that a version of the parameter has, or "".
func (p *Parameter) labelled(labels []string) string {
	for _, label := range labels {
		if _, ok := p.Labels[label]; ok {
			return label
		}
	}
	return ""
}
