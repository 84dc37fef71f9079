package secretsmanager

import (
	"encoding/base64"
	"slices"
)

// perPage is how many items a page has at most (ListSecrets, MaxResults).
const perPage = 100

// paged cuts a page out of a list, after the item that the token of the page before names.
func paged[T any](all []T, token *string, most *int32, id func(T) string) (page []T, next *string, err error) {
	if token != nil {
		last, err := base64.RawURLEncoding.Strict().DecodeString(*token)
		if err != nil {
			return nil, nil, badToken()
		}
		at := slices.IndexFunc(all, func(v T) bool { return id(v) == string(last) })
		if at < 0 {
			return nil, nil, badToken()
		}
		all = all[at+1:]
	}
	n := perPage
	if most != nil {
		n = int(*most)
	}
	if len(all) <= n {
		return all, nil, nil
	}
	return all[:n], ptr(base64.RawURLEncoding.EncodeToString([]byte(id(all[n-1])))), nil
}
