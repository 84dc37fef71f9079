package logs

import (
	"context"
	"encoding/json"
	"fmt"

	"redoubt/internal/store"
)

// deletions is the topic of data whose group or stream was deleted.
const deletions = "logs.deletions"

// removalBatch bounds a transaction, which others wait for.
const removalBatch = 200

// A removal is data to remove: that of a stream, or of a group if Stream is "".
type removal struct{ Account, Region, Group, Stream string }

func sendRemoval(tx *store.Tx, r removal) error {
	payload, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("sending a removal: %w", err)
	}
	return tx.Send(deletions, r.Group, payload)
}

// remove removes data in batches. It may be stopped at any time and begun again.
func (s *Service) remove(ctx context.Context, m store.Message) error {
	var r removal
	if err := json.Unmarshal(m.Payload, &r); err != nil {
		return fmt.Errorf("reading a removal: %w", err)
	}
	of := []string{r.Account, r.Region, r.Group}
	var err error
	if r.Stream != "" {
		err = clearTable(ctx, s.db, s.chunks, append(of, r.Stream))
	} else {
		err = s.removeGroup(ctx, of)
	}
	if err != nil {
		return fmt.Errorf("removing the data of group %s: %w", r.Group, err)
	}
	return nil
}

func (s *Service) removeGroup(ctx context.Context, of []string) error {
	if err := clearTable(ctx, s.db, s.chunks, of); err != nil {
		return err
	}
	if err := clearTable(ctx, s.db, s.streams, of); err != nil {
		return err
	}
	if err := clearTable(ctx, s.db, s.dataKeys, of); err != nil {
		return err
	}
	return clearTable(ctx, s.db, s.usage, of)
}

// clearTable removes all records whose keys begin like this.
func clearTable[T any](ctx context.Context, db *store.DB, t *store.Table[T], prefix []string) error {
	for {
		removed := 0
		err := db.Update(ctx, func(tx *store.Tx) error {
			for rec, err := range t.Scan(tx, store.Range{Prefix: prefix}) {
				if err != nil {
					return err
				}
				if removed == removalBatch {
					break
				}
				removed++
				if err := t.Delete(tx, rec.Key...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || removed < removalBatch {
			return err
		}
	}
}
