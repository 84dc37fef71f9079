package signer

import (
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/store"
)

// perPage is how many items a page has at most (ListSigningJobs, maxResults).
const perPage = 25

func badToken() error { return invalid("Invalid nextToken") }

// after is the name at which the page before ended.
func after(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	name, err := base64.RawURLEncoding.Strict().DecodeString(*token)
	if err != nil || len(name) == 0 {
		return "", badToken()
	}
	return string(name), nil
}

// scan gives add the records under the account and region of at, from the one after at.Name on, until add has taken a page;
// add tells whether it took one. It returns the token of the next page, if there is one.
func scan[T any](tx *store.Tx, t *store.Table[T], at place, limit *int32, add func(place, T) (bool, error)) (*string, error) {
	most := perPage
	if limit != nil {
		most = min(most, int(*limit))
	}
	r := store.Range{Prefix: []string{at.Account, at.Region}}
	if at.Name != "" {
		r.After = at.key()
	}
	taken, last := 0, ""
	for rec, err := range t.Scan(tx, r) {
		if err != nil {
			return nil, err
		}
		if taken == most {
			return aws.String(base64.RawURLEncoding.EncodeToString([]byte(last))), nil
		}
		last = rec.Key[2]
		took, err := add(place{at.Account, at.Region, last}, rec.Value)
		if err != nil {
			return nil, err
		}
		if took {
			taken++
		}
	}
	return nil, nil
}
