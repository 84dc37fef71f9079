package app

import (
	"context"
	"maps"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/blob"
)

// young is how long an object may exist before the record that refers to it.
const young = time.Hour

// sweepBlobs removes the large objects that a crash left without a record, or a deletion could not remove.
func (a *App) sweepBlobs(ctx context.Context) error {
	stale := time.Now().Add(-young)
	kept := map[blob.ID]bool{}
	for _, s := range a.registry.Services() {
		k, ok := s.Service.(api.BlobKeeper)
		if !ok {
			continue
		}
		of, err := k.Keeps(ctx)
		if err != nil {
			return err
		}
		maps.Copy(kept, of)
	}
	removed, err := a.blobs.Sweep(ctx, stale, func(id blob.ID) (bool, error) { return kept[id], nil })
	if removed > 0 {
		a.Config.Log.InfoContext(ctx, "removed objects that nothing refers to", "count", removed)
	}
	return err
}
