package ssm

import (
	"context"
	"regexp"
	"strings"

	"redoubt/internal/api"
	"redoubt/internal/arn"
)

// A place is where a parameter is. Its path has no slash at the beginning: "/a" and "a" have one ARN, and are one parameter.
type place struct{ account, region, path string }

func (p place) key() []string { return []string{p.account, p.region, p.path} }

func (p place) arn() string {
	return "arn:aws:ssm:" + p.region + ":" + p.account + ":parameter/" + p.path
}

// here is a path in the account and the region of a call.
func here(ctx context.Context, path string) place {
	c := api.CallerOf(ctx)
	return place{c.Account, c.Region, strings.TrimPrefix(path, "/")}
}

// A reference is what a name in a request means: a parameter, and a version of it.
type reference struct {
	place
	selector string // a version's number or label; "" is the latest
}

// parse reads a name, or an ARN, with or without a selector. What is no name has a place too, for those who ask what they may.
func parse(ctx context.Context, text string) (reference, error) {
	text = strings.TrimSpace(text)
	r := reference{place: here(ctx, text)}
	if strings.HasPrefix(text, "arn:") {
		a, err := arn.Parse(text)
		rest, ok := strings.CutPrefix(a.Resource, "parameter/")
		if err != nil || a.Partition != "aws" || a.Service != name || a.Account == "" || !ok {
			return r, badName()
		}
		r.place, text = place{a.Account, a.Region, rest}, rest
		if strings.Contains(rest, "/") {
			text = "/" + rest
		}
	}
	text, r.selector, _ = strings.Cut(text, ":")
	r.path = strings.TrimPrefix(text, "/")
	if isSecret(r.path) { // the names of secrets have a form of their own
		return r, nil
	}
	return r, checkForm(text)
}

// parseName reads a name where nothing else will do.
func parseName(ctx context.Context, text string) (place, error) {
	text = strings.TrimSpace(text)
	return here(ctx, text), checkForm(text)
}

const (
	maxLevels = 15
	maxName   = 1011 // of a parameter's ARN
)

// nameForm is a name: a path of sub-paths, or one of them.
var nameForm = regexp.MustCompile(`^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)

// checkForm refuses what no parameter can be called.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
func checkForm(text string) error {
	switch {
	case !nameForm.MatchString(text):
		return badName()
	case !strings.HasPrefix(text, "/") && strings.Contains(text, "/"):
		return invalid("Parameter name must be a fully qualified name.")
	}
	return nil
}

// checkNew refuses names that no parameter may have.
func checkNew(text string, at place) error {
	lower := strings.ToLower(at.path)
	switch levels := strings.Count(at.path, "/") + 1; {
	case strings.HasPrefix(lower, "aws") && levels > 1:
		return api.Errorf("AccessDeniedException", "No access to reserved parameter name: %s.", at.path)
	case strings.HasPrefix(lower, "ssm") && levels > 1:
		return badName()
	case strings.HasPrefix(lower, "aws"), strings.HasPrefix(lower, "ssm"):
		return invalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`)
	case levels > maxLevels:
		return tooDeep()
	case len(at.arn())-len(at.path)+len(text) > maxName:
		return invalid("Parameter name must not be longer than %d characters, those of its ARN included.", maxName)
	}
	return nil
}
