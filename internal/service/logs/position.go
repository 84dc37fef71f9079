package logs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
)

// A position is the place of an event in the order of its group: its time, the number of its chunk, its index there, and
// its stream. As a decimal number of 56 digits it is the event's id, which on AWS holds the time in the same bits.
type position [24]byte

func positionOf(t int64, chunk uint64, index int, stream string) (p position) {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], uint64(t))
	copy(p[:6], wide[2:])
	binary.BigEndian.PutUint64(p[6:], chunk)
	binary.BigEndian.PutUint32(p[14:], uint32(index))
	if id, err := hex.DecodeString(stream); err == nil {
		copy(p[18:], id)
	}
	return p
}

// lowest and highest are the ends of all positions at a time or after it, and at the end of all time.
func lowest(t int64) position { return positionOf(max(0, t), 0, 0, "") }

var highest = func() (p position) {
	for i := range p {
		p[i] = 0xFF
	}
	return p
}()

func (p position) time() int64 {
	return int64(p[0])<<40 | int64(binary.BigEndian.Uint32(p[1:]))<<8 | int64(p[5])
}

func (p position) compare(q position) int { return bytes.Compare(p[:], q[:]) }

// next and previous are the neighbours of a position; there is none beyond the ends.
func (p position) next() position {
	if p == highest {
		return p
	}
	for i := len(p) - 1; ; i-- {
		if p[i]++; p[i] != 0 {
			return p
		}
	}
}

func (p position) previous() position {
	if p == (position{}) {
		return p
	}
	for i := len(p) - 1; ; i-- {
		if p[i]--; p[i] != 0xFF {
			return p
		}
	}
}

// String is the position as an event id.
func (p position) String() string { return fmt.Sprintf("%056d", new(big.Int).SetBytes(p[:])) }

func parsePosition(s string) (p position, ok bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 8*len(p) {
		return p, false
	}
	n.FillBytes(p[:])
	return p, true
}
