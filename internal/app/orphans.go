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
	var owners []api.BlobOwner
	for _, s := range a.registry.Services() {
		if o, ok := s.Service.(api.BlobOwner); ok {
			owners = append(owners, o)
		}
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
	removed, err := a.blobs.Sweep(ctx, stale, func(id blob.ID) (bool, error) {
		if kept[id] {
			return true, nil
		}
		for _, o := range owners {
			if owned, err := o.Owns(ctx, id); owned || err != nil {
				return owned, err
			}
		}
		return false, nil
	})
	if removed > 0 {
		a.Config.Log.InfoContext(ctx, "removed objects that nothing refers to", "count", removed)
	}
	return err
}
