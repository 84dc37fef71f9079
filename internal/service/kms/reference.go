package kms

import (
	"context"
	"strings"

	"redoubt/internal/api"
	"redoubt/internal/arn"
)

// A reference is a parsed KeyId: a place, or an alias that points to one.
type reference struct {
	place
	alias string // "alias/x"
}

const aliasPrefix = "alias/"

// parseReference reads a KeyId: a key id, a key ARN, an alias name or an alias ARN. What is without an account belongs to
// the caller's.
func parseReference(ctx context.Context, keyID string) (reference, error) {
	c := api.CallerOf(ctx)
	r := reference{place: place{account: c.Account, region: c.Region}}
	resource := keyID
	if strings.HasPrefix(keyID, "arn:") {
		a, err := arn.Parse(keyID)
		if err != nil || a.Service != name || a.Partition != "aws" {
			return r, notFound("Invalid arn %s", keyID)
		}
		if a.Region != c.Region {
			return r, notFound("Invalid arn %s", a.Region)
		}
		if len(a.Account) != 12 || strings.Trim(a.Account, "0123456789") != "" {
			return r, notFound("Invalid arn %s", keyID)
		}
		r.account, resource = a.Account, a.Resource
		if id, ok := strings.CutPrefix(resource, "key/"); ok {
			resource = id
		} else if !strings.HasPrefix(resource, aliasPrefix) {
			return r, notFound("Invalid arn %s", keyID)
		}
	}
	switch {
	case strings.HasPrefix(resource, aliasPrefix):
		r.alias = resource
	case isKeyID(resource):
		r.id = resource
	default:
		return r, notFound("Invalid keyId '%s'", keyID)
	}
	return r, nil
}

// parseKeyReference reads a KeyId of operations that take no alias.
func parseKeyReference(ctx context.Context, keyID string) (reference, error) {
	r, err := parseReference(ctx, keyID)
	if err == nil && r.alias != "" {
		err = invalidARN("Key Aliases are not supported for this operation.")
	}
	return r, err
}

// isKeyID reports whether id has the form of a key id: a UUID, or that of a multi-Region key.
func isKeyID(id string) bool {
	if digits, ok := strings.CutPrefix(id, "mrk-"); ok {
		return len(digits) == 32 && isHex(digits)
	}
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !isHex(id[i:i+1]) {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
