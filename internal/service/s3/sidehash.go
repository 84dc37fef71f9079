package s3

import (
	"hash"
	"sync"
)

// A sideHash hashes a long body beside the work on it: MD5, which entity tags are made of, is slower than the encryption
// and the disk. A short body it hashes at once.
type sideHash struct {
	hash   hash.Hash
	seen   int
	pieces chan *sidePiece // nil until the body is long
	done   chan struct{}
}

type sidePiece struct {
	n    int
	data [sideSize]byte
}

const (
	sideSize  = 64 << 10
	sideAhead = 4 // pieces
)

var sidePieces = sync.Pool{New: func() any { return new(sidePiece) }}

// Write takes a copy of p.
func (h *sideHash) Write(p []byte) {
	if h.seen += len(p); h.seen <= maxSmall && h.pieces == nil {
		h.hash.Write(p)
		return
	}
	if h.pieces == nil {
		h.pieces, h.done = make(chan *sidePiece, sideAhead), make(chan struct{})
		go h.work()
	}
	for len(p) > 0 {
		piece := sidePieces.Get().(*sidePiece)
		piece.n = copy(piece.data[:], p)
		p = p[piece.n:]
		h.pieces <- piece
	}
}

func (h *sideHash) work() {
	defer close(h.done)
	for p := range h.pieces {
		h.hash.Write(p.data[:p.n])
		sidePieces.Put(p)
	}
}

// Sum waits for what was written. Nothing may be written after it.
func (h *sideHash) Sum() []byte {
	if h.pieces != nil {
		close(h.pieces)
		<-h.done
		h.pieces = nil
	}
	return h.hash.Sum(nil)
}
