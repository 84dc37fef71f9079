package iam

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/store"
)

// A page is where a list goes on, and how much of it is wanted.
type page struct {
	after string
	limit int
}

// pageOf reads Marker and MaxItems. Lists have 100 items unless told otherwise.
func pageOf(marker *string, max *int32) (page, error) {
	p := page{limit: 100}
	if max != nil {
		p.limit = int(*max)
	}
	if marker == nil {
		return p, nil
	}
	after, err := base64.RawURLEncoding.DecodeString(*marker)
	if err != nil || len(after) == 0 {
		return p, validation("Invalid Marker.")
	}
	p.after = string(after)
	return p, nil
}

func markerAfter(key string) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(key)))
}

// scanPage reads a page of the records below a prefix whose keys have one component more.
func scanPage[T any](tx *store.Tx, t *store.Table[T], p page, keep func(*T) bool, prefix ...string) (found []T, next *string, err error) {
	r := store.Range{Prefix: prefix}
	if p.after != "" {
		r.After = append(slices.Clone(prefix), p.after)
	}
	last := ""
	for rec, err := range t.Scan(tx, r) {
		if err != nil {
			return nil, nil, err
		}
		if !keep(&rec.Value) {
			continue
		}
		if len(found) == p.limit {
			return found, markerAfter(last), nil
		}
		found, last = append(found, rec.Value), rec.Key[len(rec.Key)-1]
	}
	return found, nil, nil
}

// cut is a page of a list in memory. Names must be unique within the list.
func cut[T any](p page, all []T, name func(T) string) (found []T, next *string) {
	all = slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(name(a), name(b)) })
	from, _ := slices.BinarySearchFunc(all, p.after, func(v T, after string) int {
		if name(v) <= after && after != "" {
			return -1
		}
		return 1
	})
	all = all[from:]
	if len(all) <= p.limit {
		return all, nil
	}
	return all[:p.limit], markerAfter(name(all[p.limit-1]))
}

func itself(s string) string { return s }

func anyOf[T any](*T) bool { return true }
