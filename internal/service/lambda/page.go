package lambda

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/store"
)

// maxPage is how many functions a page has at most (API_ListFunctions: MaxItems).
const maxPage = 50

func limitOf(n *int32) int {
	if n == nil {
		return maxPage
	}
	return min(int(*n), maxPage)
}

// page reads up to limit functions after the named one, and the marker of the page behind it.
func (s *Service) page(ctx context.Context, account, region, after string, limit int) (found []Function, next *string, err error) {
	r := store.Range{Prefix: []string{account, region}}
	if after != "" {
		r.After = []string{account, region, after}
	}
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.functions.Scan(tx, r) {
			if err != nil {
				return err
			}
			if len(found) == limit {
				next = aws.String(marker(found[limit-1].Name))
				return nil
			}
			found = append(found, rec.Value)
		}
		return nil
	})
	return found, next, err
}

// versionsPage reads up to limit versions of all functions after the given one, "name:version".
func (s *Service) versionsPage(ctx context.Context, account, region, after string, limit int) (found []Function, next *string, err error) {
	name, version, _ := strings.Cut(after, ":")
	r := store.Range{Prefix: []string{account, region}}
	if name != "" {
		r.From = []string{account, region, name}
	}
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.functions.Scan(tx, r) {
			if err != nil {
				return err
			}
			behind := ""
			if rec.Value.Name == name {
				behind = version
			}
			if len(found) == limit {
				next = aws.String(marker(found[limit-1].Name + ":" + found[limit-1].Version))
				return nil
			}
			page, more, err := s.withVersions(tx, rec.Value, behind, limit-len(found))
			if err != nil {
				return err
			}
			if found = append(found, page...); more {
				last := found[len(found)-1]
				next = aws.String(marker(last.Name + ":" + last.Version))
				return nil
			}
		}
		return nil
	})
	return found, next, err
}

// summaries describes what is listed: without what a list of Lambda leaves out (API_ListFunctions).
func (s *Service) summaries(ctx context.Context, page []Function, qualified bool) ([]types.FunctionConfiguration, error) {
	list := make([]types.FunctionConfiguration, 0, len(page))
	for i := range page {
		ref := page[i].reference()
		if qualified {
			ref = page[i].version()
		}
		d, err := s.describe(ctx, &page[i], ref)
		if err != nil {
			return nil, err
		}
		d.State, d.LastUpdateStatus, d.RuntimeVersionConfig = "", "", nil
		list = append(list, *d)
	}
	return list, nil
}

// markerPrefix tells a marker from other base64.
const markerPrefix = "after:"

func marker(name string) string {
	return base64.StdEncoding.EncodeToString([]byte(markerPrefix + name))
}

// listed reads which function a list is about, and where its page begins.
func (s *Service) listed(ctx context.Context, name, from *string) (ref reference, after string, err error) {
	if ref, err = s.whole(ctx, name); err == nil {
		after, err = readMarker(from)
	}
	return ref, after, err
}

func readMarker(m *string) (string, error) {
	if aws.ToString(m) == "" {
		return "", nil
	}
	text, err := base64.StdEncoding.DecodeString(*m)
	name, ok := strings.CutPrefix(string(text), markerPrefix)
	if err != nil || !ok {
		return "", invalid("Invalid marker")
	}
	return name, nil
}
