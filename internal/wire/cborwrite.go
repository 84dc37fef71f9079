package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// cborWriter appends CBOR to a buffer; its containers have no stated length.
type cborWriter struct{ buf []byte }

func (w *cborWriter) head(major byte, n uint64) {
	switch {
	case n < 24:
		w.buf = append(w.buf, major<<5|byte(n))
	case n <= math.MaxUint8:
		w.buf = append(w.buf, major<<5|24, byte(n))
	case n <= math.MaxUint16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, major<<5|25), uint16(n))
	case n <= math.MaxUint32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, major<<5|26), uint32(n))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, major<<5|27), n)
	}
}

func (w *cborWriter) beginObject() { w.buf = append(w.buf, 0xbf) }
func (w *cborWriter) endObject()   { w.buf = append(w.buf, cborBreak) }
func (w *cborWriter) beginList()   { w.buf = append(w.buf, 0x9f) }
func (w *cborWriter) endList()     { w.buf = append(w.buf, cborBreak) }
func (w *cborWriter) key(s string) { w.str(s) }
func (w *cborWriter) null()        { w.buf = append(w.buf, 0xf6) }

func (w *cborWriter) str(s string) {
	w.head(cborText, uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *cborWriter) blob(b []byte) {
	w.head(cborBytes, uint64(len(b)))
	w.buf = append(w.buf, b...)
}

func (w *cborWriter) int(n int64) {
	if n < 0 {
		w.head(cborNegative, uint64(-1-n))
		return
	}
	w.head(cborUint, uint64(n))
}

func (w *cborWriter) float(f float64, _ int) {
	w.buf = binary.BigEndian.AppendUint64(append(w.buf, 0xfb), math.Float64bits(f))
}

func (w *cborWriter) bool(b bool) {
	if b {
		w.buf = append(w.buf, 0xf5)
	} else {
		w.buf = append(w.buf, 0xf4)
	}
}

// time writes tag 1, whatever format the model states for other protocols.
func (w *cborWriter) time(t time.Time, _ string) {
	w.head(cborTag, 1)
	w.float(float64(t.UnixMilli())/1000, 64)
}
