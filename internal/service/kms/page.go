package kms

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/store"
)

// A page is what a list operation was asked for. Its marker is the last key of the page before, without what all keys of
// the list begin with.
type page struct {
	after []string
	limit int
}

func newPage(marker *string, limit *int32, usual, most int32) (page, error) {
	p := page{limit: int(min(usual, most))}
	if limit != nil {
		p.limit = int(min(*limit, most))
	}
	if marker == nil {
		return p, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(*marker)
	if err != nil || len(text) == 0 {
		return p, badMarker()
	}
	p.after = strings.Split(string(text), "\x00")
	return p, nil
}

// marker returns the marker for what comes after a key.
func marker(key ...string) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(strings.Join(key, "\x00"))))
}

// scan gives add the records of one page, and returns the marker of the next, if there is one.
func scan[T any](tx *store.Tx, t *store.Table[T], p page, prefix []string, add func(store.Record[T]) error) (next *string, err error) {
	r := store.Range{Prefix: prefix}
	if p.after != nil {
		r.After = append(prefix[:len(prefix):len(prefix)], p.after...)
	}
	var last []string
	n := 0
	for rec, err := range t.Scan(tx, r) {
		if err != nil {
			return nil, err
		}
		if n++; n > p.limit {
			return marker(last...), nil
		}
		if err := add(rec); err != nil {
			return nil, err
		}
		last = rec.Key[len(prefix):]
	}
	return nil, nil
}

// cut takes a page out of a list that is no table, in its order.
func cut[T any](p page, all []T, id func(T) string) (part []T, next *string, err error) {
	from := 0
	if p.after != nil {
		at := slices.IndexFunc(all, func(v T) bool { return id(v) == p.after[0] })
		if at < 0 {
			return nil, nil, badMarker()
		}
		from = at + 1
	}
	part = all[from:]
	if len(part) > p.limit {
		part = part[:p.limit]
		next = marker(id(part[len(part)-1]))
	}
	return part, next, nil
}

func badMarker() error {
	return &types.InvalidMarkerException{Message: aws.String("Could not deserialize marker.")}
}
