package ssm

import (
	"context"
	"encoding/base64"

	"redoubt/internal/store"
)

// after is the last path of the page before.
func after(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	last, err := base64.RawURLEncoding.Strict().DecodeString(*token)
	if err != nil || len(last) == 0 {
		return "", badToken()
	}
	return string(last), nil
}

func next(last string) *string {
	token := base64.RawURLEncoding.EncodeToString([]byte(last))
	return &token
}

// A search goes through the parameters of a call's account and region in the order of their paths.
type search struct {
	under string // what paths begin with
	token *string
	most  int
	// take tells whether a parameter belongs on the page.
	take func(tx *store.Tx, p *Parameter) (bool, error)
}

// page goes on after the page before, until it has taken as many as a page has, and returns the token of the next page.
func (s *Service) page(ctx context.Context, f search) (token *string, err error) {
	last, err := after(f.token)
	if err != nil {
		return nil, err
	}
	at := here(ctx, last)
	r := store.Range{Prefix: []string{at.account, at.region}, StartsWith: f.under}
	if last != "" {
		r.After = at.key()
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		taken := 0
		for rec, err := range s.parameters.Scan(tx, r) {
			if err != nil {
				return err
			}
			if taken == f.most {
				token = next(last)
				return nil
			}
			last = rec.Value.Path
			if rec.Value.expired() {
				continue
			}
			ok, err := f.take(tx, &rec.Value)
			if err != nil {
				return err
			}
			if ok {
				taken++
			}
		}
		return nil
	})
	return token, err
}

// most is how many items a page has.
func most(asked *int32, otherwise int) int {
	if asked == nil {
		return otherwise
	}
	return int(*asked)
}
