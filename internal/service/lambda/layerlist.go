package lambda

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A layerFilter chooses layer versions by what they are said to be compatible with. A version that says nothing of it is
// not chosen.
type layerFilter struct {
	runtime      types.Runtime
	architecture types.Architecture
}

func (f layerFilter) matches(v *LayerVersion) bool {
	return (f.runtime == "" || slices.Contains(v.Runtimes, f.runtime)) &&
		(f.architecture == "" || slices.Contains(v.Architectures, f.architecture))
}

// item describes a version in a list.
func (v *LayerVersion) item() *types.LayerVersionsListItem {
	o := v.output()
	return &types.LayerVersionsListItem{
		LayerVersionArn: o.LayerVersionArn, Version: o.Version, Description: o.Description, CreatedDate: o.CreatedDate,
		CompatibleRuntimes: o.CompatibleRuntimes, CompatibleArchitectures: o.CompatibleArchitectures, LicenseInfo: o.LicenseInfo,
	}
}

// ListLayers lists the layers of the caller's account, each with its newest version that the filter lets pass.
func (s *Service) ListLayers(ctx context.Context, in *lambda.ListLayersInput) (*lambda.ListLayersOutput, error) {
	c := api.CallerOf(ctx)
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	r := store.Range{Prefix: []string{c.Account, c.Region}}
	if after != "" {
		r.After = []string{c.Account, c.Region, after}
	}
	out := &lambda.ListLayersOutput{Layers: []types.LayersListItem{}}
	filter, limit := layerFilter{in.CompatibleRuntime, in.CompatibleArchitecture}, limitOf(in.MaxItems)
	return out, s.deps.DB.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.layers.Scan(tx, r) {
			if err != nil {
				return err
			}
			ref := layerReference{Account: c.Account, Region: c.Region, Name: rec.Key[2]}
			newest, _, err := s.layerPage(tx, ref, filter, "", 1)
			if err != nil {
				return err
			}
			if len(newest) == 0 {
				continue
			}
			if len(out.Layers) == limit {
				out.NextMarker = aws.String(marker(*out.Layers[limit-1].LayerName))
				return nil
			}
			out.Layers = append(out.Layers, types.LayersListItem{
				LayerName: aws.String(ref.Name), LayerArn: aws.String(ref.base()), LatestMatchingVersion: newest[0].item(),
			})
		}
		return nil
	})
}

// ListLayerVersions lists the versions of a layer, the newest first. A layer that nobody has published has none.
func (s *Service) ListLayerVersions(ctx context.Context, in *lambda.ListLayerVersionsInput) (*lambda.ListLayerVersionsOutput, error) {
	ref := referLayer(ctx, in.LayerName, 0)
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	var page []LayerVersion
	var more bool
	err = s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		page, more, err = s.layerPage(tx, ref, layerFilter{in.CompatibleRuntime, in.CompatibleArchitecture}, after, limitOf(in.MaxItems))
		return err
	})
	out := &lambda.ListLayerVersionsOutput{LayerVersions: []types.LayerVersionsListItem{}}
	for i := range page {
		out.LayerVersions = append(out.LayerVersions, *page[i].item())
	}
	if more {
		out.NextMarker = aws.String(marker(strconv.FormatInt(page[len(page)-1].Number, 10)))
	}
	return out, err
}

// layerPage reads up to limit versions before the one of the given number, and tells whether there are more.
func (s *Service) layerPage(tx *store.Tx, ref layerReference, filter layerFilter, after string, limit int) (page []LayerVersion, more bool, err error) {
	r := store.Range{Prefix: ref.layerKey(), Reverse: true}
	if after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return nil, false, invalid("Invalid marker")
		}
		ref.Number = n
		r.After = ref.versionKey()
	}
	for rec, err := range s.layerVersions.Scan(tx, r) {
		switch {
		case err != nil:
			return nil, false, err
		case !filter.matches(&rec.Value):
			continue
		case len(page) == limit:
			return page, true, nil
		}
		page = append(page, rec.Value)
	}
	return page, false, nil
}
