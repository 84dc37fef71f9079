package s3

import (
	"context"
	"sync"

	"redoubt/internal/blob"
	"redoubt/internal/store"
	"redoubt/internal/work"
)

// removed is the topic of large pieces, and of the parts of uploads, that nothing refers to any more. They go once that is
// durable, so that a crash cannot bring back a record without its bytes.
const removed = "s3-removed"

// release gives up the bytes of a version that goes with the transaction.
func (s *Service) release(tx *store.Tx, b *bucket, o *Object) error {
	if o.Marker || o.Piece.ID == "" {
		return nil
	}
	return s.releasePiece(tx, b, o.Piece)
}

func (s *Service) releasePiece(tx *store.Tx, b *bucket, p Piece) error {
	if p.Small {
		return s.small.Delete(tx, b.Account, b.Region, p.ID)
	}
	return tx.Send(removed, p.ID, []byte(removeLarge))
}

// What a message asks to remove.
const removeLarge = "large"

// readers are those who read large objects now. What they read is removed when the last of them has done.
type readers struct {
	mu    sync.Mutex
	count map[string]int
	late  map[string][]blob.ID
}

func (r *readers) enter(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count, r.late = map[string]int{}, map[string][]blob.ID{}
	}
	r.count[id]++
}

// leave returns what the last reader leaves to remove.
func (r *readers) leave(id string) (late []blob.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[id]--; r.count[id] > 0 {
		return nil
	}
	late = r.late[id]
	delete(r.count, id)
	delete(r.late, id)
	return late
}

// busy leaves blobs to the last reader, if there is one.
func (r *readers) busy(id string, blobs ...blob.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[id] == 0 {
		return false
	}
	r.late[id] = append(r.late[id], blobs...)
	return true
}

// removePieces removes what was released, until ctx ends.
func (s *Service) removePieces(ctx context.Context) error {
	d := &work.Drainer{DB: s.db, Topic: removed, Workers: 2, Deliver: func(ctx context.Context, m store.Message) error {
		return s.removeLarge(ctx, m.Key, []Piece{{ID: m.Key}})
	}}
	return d.Run(ctx)
}

// removeLarge removes pieces of an object or upload, whose readers know it by its id.
func (s *Service) removeLarge(ctx context.Context, id string, pieces []Piece) error {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for _, p := range pieces {
			if err := s.large.Delete(tx, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
	for _, p := range pieces {
		if err != nil {
			return err
		}
		if !s.readers.busy(id, blob.ID(p.ID)) {
			err = s.blobs.Delete(ctx, blob.ID(p.ID))
		}
	}
	return err
}
