package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"redoubt/internal/blob"
	"redoubt/internal/store"
	"redoubt/internal/work"
)

// removed is the topic of bytes that nothing refers to any more. They go once that is durable, so that a crash cannot bring
// back a record without its bytes.
const removed = "s3-removed"

// A removal is a message of that topic.
type removal struct {
	Kind            string
	Account, Region string
	ID              string // of a piece, or of an upload
}

// What a removal is of.
const (
	ofPiece    = "piece"    // a large one
	ofParts    = "parts"    // an upload that was given up
	ofManifest = "manifest" // an object that was made of parts
)

// release gives up the bytes of a version that goes with the transaction.
func (s *Service) release(tx *store.Tx, b *bucket, o *Object) error {
	switch {
	case o.Marker || o.Piece.ID == "":
		return nil
	case o.Parts > 0:
		return s.sendRemoval(tx, removal{Kind: ofManifest, Account: b.Account, Region: b.Region, ID: o.Piece.ID})
	}
	return s.releasePiece(tx, b, o.Piece)
}

func (s *Service) releasePiece(tx *store.Tx, b *bucket, p Piece) error {
	if p.Small {
		return s.small.Delete(tx, b.Account, b.Region, p.ID)
	}
	return s.sendRemoval(tx, removal{Kind: ofPiece, ID: p.ID})
}

func (s *Service) sendRemoval(tx *store.Tx, r removal) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Send(removed, r.ID, text)
}

// removePieces removes what was released, until ctx ends.
func (s *Service) removePieces(ctx context.Context) error {
	d := &work.Drainer{DB: s.db, Topic: removed, Workers: 2, Deliver: func(ctx context.Context, m store.Message) error {
		var r removal
		if err := json.Unmarshal(m.Payload, &r); err != nil {
			return fmt.Errorf("reading what to remove: %w", err)
		}
		switch r.Kind {
		case ofParts:
			return s.removeParts(ctx, r)
		case ofManifest:
			return s.removeManifest(ctx, r)
		}
		return s.removePiecesOf(ctx, r, []Piece{{ID: r.ID}})
	}}
	return d.Run(ctx)
}

// removalBatch is how many pieces one transaction gives up.
const removalBatch = 256

// removeParts removes the parts of an upload, from the first on.
func (s *Service) removeParts(ctx context.Context, r removal) error {
	for {
		var keys []store.Key
		var pieces []Piece
		err := s.db.View(ctx, func(tx *store.Tx) error {
			for rec, err := range s.parts.Scan(tx, store.Range{Prefix: []string{r.Account, r.Region, r.ID}}) {
				if err != nil {
					return err
				}
				if keys, pieces = append(keys, rec.Key), append(pieces, rec.Value.Piece); len(keys) == removalBatch {
					return nil
				}
			}
			return nil
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := s.removePiecesOf(ctx, r, pieces, keys...); err != nil {
			return err
		}
	}
}

// removeManifest removes the pieces of an object, and then the list of them.
func (s *Service) removeManifest(ctx context.Context, r removal) error {
	var m Manifest
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		m, _, err = s.manifests.Get(tx, r.Account, r.Region, r.ID)
		return err
	})
	for len(m.Parts) > 0 && err == nil {
		var pieces []Piece
		for _, p := range m.Parts[:min(removalBatch, len(m.Parts))] {
			pieces = append(pieces, p.piece())
		}
		m.Parts = m.Parts[len(pieces):]
		err = s.removePiecesOf(ctx, r, pieces)
	}
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return s.manifests.Delete(tx, r.Account, r.Region, r.ID) })
}

// removePiecesOf removes some pieces, and the records of parts with those keys. Those who read them now may go on.
func (s *Service) removePiecesOf(ctx context.Context, r removal, pieces []Piece, parts ...store.Key) error {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for _, p := range pieces {
			if err := s.forget(tx, r, p); err != nil {
				return err
			}
		}
		for _, k := range parts {
			if err := s.parts.Delete(tx, k...); err != nil {
				return err
			}
		}
		return nil
	})
	for _, p := range pieces {
		if err == nil && !p.Small && !s.readers.busy(r.ID, blob.ID(p.ID)) {
			err = s.blobs.Delete(ctx, blob.ID(p.ID))
		}
	}
	return err
}

func (s *Service) forget(tx *store.Tx, r removal, p Piece) error {
	if p.Small {
		return s.small.Delete(tx, r.Account, r.Region, p.ID)
	}
	return s.large.Delete(tx, p.ID)
}

// readers are those who read objects of several parts now. What they read is removed when the last of them has done.
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

// busy leaves a blob to the last reader, if there is one.
func (r *readers) busy(id string, b blob.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count[id] == 0 {
		return false
	}
	r.late[id] = append(r.late[id], b)
	return true
}
