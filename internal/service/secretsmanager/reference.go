package secretsmanager

import (
	"context"
	"crypto/rand"
	"regexp"
	"strings"

	"redoubt/internal/api"
	"redoubt/internal/arn"
)

// A reference is what a SecretId means: a name, or an ARN, complete or without its random end.
type reference struct {
	place
	suffix string // "" if it does not say
}

// nameForm is what names are made of (API_CreateSecret, Name).
var nameForm = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)

// suffixForm is the end of a complete ARN. A partial one that ends like this is taken for complete, as on AWS:
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
var suffixForm = regexp.MustCompile(`^(.+)-([A-Za-z0-9]{6})$`)

func badName() error {
	return api.Errorf("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
}

func parseReference(ctx context.Context, id string) (reference, error) {
	c := api.CallerOf(ctx)
	if !strings.HasPrefix(id, "arn:") {
		if !nameForm.MatchString(id) {
			return reference{}, badName()
		}
		return reference{place: place{c.Account, c.Region, id}}, nil
	}
	a, err := arn.Parse(id)
	rest, ok := strings.CutPrefix(a.Resource, "secret:")
	if err != nil || a.Service != name || a.Account == "" || !ok || !nameForm.MatchString(rest) {
		return reference{}, badName()
	}
	if a.Region != c.Region {
		return reference{}, noSecret()
	}
	r := reference{place: place{a.Account, a.Region, rest}}
	if m := suffixForm.FindStringSubmatch(rest); m != nil {
		r.name, r.suffix = m[1], m[2]
	}
	return r, nil
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newSuffix is the random end of an ARN: six letters and digits, so that who was allowed to use a secret is not allowed to use
// a later one of its name.
func newSuffix() string { return draw(alphabet, 6) }

// draw returns n characters of a set of at most 256, each as likely as any other.
func draw(set string, n int) string {
	b := make([]byte, n)
	bound := byte(256 / len(set) * len(set) % 256) // 0 stands for 256
	var random [64]byte
	at := len(random)
	for i := 0; i < n; {
		if at == len(random) {
			rand.Read(random[:])
			at = 0
		}
		r := random[at]
		at++
		if bound != 0 && r >= bound {
			continue
		}
		b[i] = set[int(r)%len(set)]
		i++
	}
	return string(b)
}
