package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
	"unicode/utf8"
)

// cborDocument is a document in CBOR (RFC 8949), as far as Smithy's rpcv2Cbor
// uses it. The decoder of smithy-go builds a tree first and lets the last of two
// equal keys win; this one reads in place.
type cborDocument struct {
	src  []byte
	left []int64 // entries to come at each level; indefinite counts none
	maps []bool  // whether each level is a map
}

const (
	indefinite = -1
	cborBreak  = 0xff
)

// The major types of CBOR.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborList
	cborMap
	cborTag
	cborSimple
)

var errCBOR = errors.New("malformed CBOR")

// take consumes n bytes.
func (d *cborDocument) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.src)) {
		return nil, errCBOR
	}
	p := d.src[:n]
	d.src = d.src[n:]
	return p, nil
}

// head consumes an initial byte and its argument.
func (d *cborDocument) head() (major byte, arg uint64, info byte, err error) {
	p, err := d.take(1)
	if err != nil {
		return 0, 0, 0, err
	}
	major, info = p[0]>>5, p[0]&31
	if info < 24 || info == 31 {
		return major, uint64(info), info, nil
	}
	if info > 27 {
		return 0, 0, 0, errCBOR
	}
	if p, err = d.take(1 << (info - 24)); err != nil {
		return 0, 0, 0, err
	}
	for _, b := range p {
		arg = arg<<8 | uint64(b)
	}
	return major, arg, info, nil
}

func (d *cborDocument) peek() (token, error) {
	if len(d.src) == 0 {
		return 0, errCBOR
	}
	switch b := d.src[0]; {
	case b>>5 == cborList:
		return tokList, nil
	case b>>5 == cborMap:
		return tokObject, nil
	case b == 0xf6 || b == 0xf7: // null, undefined
		return tokNull, nil
	}
	return tokScalar, nil
}

func (d *cborDocument) open() error {
	major, n, info, err := d.head()
	switch {
	case err != nil:
		return err
	case len(d.left) >= maxDepth:
		return errDepth
	case info == 31:
		d.left = append(d.left, indefinite)
	case n > uint64(len(d.src)): // every entry takes a byte at least
		return errCBOR
	default:
		d.left = append(d.left, int64(n))
	}
	d.maps = append(d.maps, major == cborMap)
	return nil
}

func (d *cborDocument) next() (bool, error) {
	top := len(d.left) - 1
	switch {
	case d.left[top] == indefinite:
		if len(d.src) == 0 {
			return false, errCBOR
		}
		if d.src[0] != cborBreak {
			return true, nil
		}
		d.src = d.src[1:]
	case d.left[top] > 0:
		d.left[top]--
		return true, nil
	}
	d.left, d.maps = d.left[:top], d.maps[:top]
	return false, nil
}

func (d *cborDocument) key() ([]byte, error) { return d.text(cborText) }

// text consumes a byte or text string, which may come in chunks.
func (d *cborDocument) text(want byte) ([]byte, error) {
	major, n, info, err := d.head()
	if err != nil {
		return nil, err
	}
	if major != want {
		return nil, errField
	}
	var out []byte
	if info != 31 {
		out, err = d.take(n)
	} else {
		out, err = d.chunks(want)
	}
	if err == nil && want == cborText && !utf8.Valid(out) {
		err = errCBOR
	}
	return out, err
}

func (d *cborDocument) chunks(want byte) (out []byte, err error) {
	for {
		major, n, info, err := d.head()
		switch {
		case err != nil:
			return nil, err
		case major == cborSimple && info == 31:
			return out, nil
		case major != want || info == 31:
			return nil, errCBOR
		}
		p, err := d.take(n)
		if err != nil {
			return nil, err
		}
		out = append(out, p...)
	}
}

// skip consumes any value. Depth is bounded as by open.
func (d *cborDocument) skip() error {
	base := len(d.left)
	for {
		if err := d.skipOne(); err != nil {
			return err
		}
		for len(d.left) > base { // step to the next value inside what was entered
			more, err := d.next()
			if err != nil {
				return err
			}
			if more {
				break
			}
		}
		if len(d.left) == base {
			return nil
		}
		if d.maps[len(d.maps)-1] {
			if _, err := d.key(); err != nil {
				return err
			}
		}
	}
}

// skipOne consumes a scalar, or enters a container.
func (d *cborDocument) skipOne() error {
	for {
		tok, err := d.peek()
		if err != nil {
			return err
		}
		if tok == tokList || tok == tokObject {
			return d.open()
		}
		switch major := d.src[0] >> 5; major {
		case cborBytes, cborText:
			_, err = d.text(major)
			return err
		case cborTag: // its value follows
			_, _, info, err := d.head()
			if err != nil || info == 31 {
				return errCBOR
			}
		default:
			_, _, info, err := d.head()
			if info == 31 {
				return errCBOR
			}
			return err
		}
	}
}

func (d *cborDocument) end() error {
	if len(d.src) > 0 {
		return errCBOR
	}
	return nil
}

func (d *cborDocument) str() (string, error) {
	b, err := d.text(cborText)
	return string(b), err
}

func (d *cborDocument) blob() ([]byte, error) {
	b, err := d.text(cborBytes)
	return append([]byte{}, b...), err
}

func (d *cborDocument) bool() (bool, error) {
	p, err := d.take(1)
	if err != nil {
		return false, err
	}
	if p[0] != 0xf4 && p[0] != 0xf5 {
		return false, errField
	}
	return p[0] == 0xf5, nil
}

func (d *cborDocument) int(bits int) (int64, error) {
	f, n, whole, err := d.number()
	switch {
	case err != nil:
		return 0, err
	case !whole && (f != math.Trunc(f) || math.Abs(f) >= 1<<53):
		return 0, errField
	case !whole:
		n = int64(f)
	}
	if bits < 64 && n != n<<(64-bits)>>(64-bits) {
		return 0, malformed("NUMBER_VALUE cannot be converted to Integer")
	}
	return n, nil
}

func (d *cborDocument) float(int) (float64, error) {
	f, n, whole, err := d.number()
	if whole {
		f = float64(n)
	}
	return f, err
}

// number consumes a number: n if it is whole, else f.
func (d *cborDocument) number() (f float64, n int64, whole bool, err error) {
	major, arg, info, err := d.head()
	if err != nil {
		return 0, 0, false, err
	}
	switch {
	case major <= cborNegative && (arg > math.MaxInt64 || info == 31):
		return 0, 0, false, malformed("NUMBER_VALUE cannot be converted to Long")
	case major == cborUint:
		return 0, int64(arg), true, nil
	case major == cborNegative:
		return 0, -1 - int64(arg), true, nil
	case major == cborSimple && info == 25:
		return half(uint16(arg)), 0, false, nil
	case major == cborSimple && info == 26:
		return float64(math.Float32frombits(uint32(arg))), 0, false, nil
	case major == cborSimple && info == 27:
		return math.Float64frombits(arg), 0, false, nil
	}
	return 0, 0, false, errField
}

// half widens a float of 16 bits.
func half(h uint16) float64 {
	exp, frac := int(h>>10&31), float64(h&1023)
	f := math.Ldexp(frac/1024, -14)
	switch {
	case exp == 31 && frac == 0:
		f = math.Inf(1)
	case exp == 31:
		f = math.NaN()
	case exp != 0:
		f = math.Ldexp(1+frac/1024, exp-15)
	}
	if h>>15 == 1 {
		f = -f
	}
	return f
}

// time reads tag 1, seconds since 1970, or what other formats would hold.
func (d *cborDocument) time() (time.Time, error) {
	if len(d.src) > 0 && d.src[0]>>5 == cborText {
		b, err := d.text(cborText)
		if err != nil {
			return time.Time{}, err
		}
		return parseTime(string(b))
	}
	if len(d.src) > 0 && d.src[0]>>5 == cborTag {
		if _, tag, _, err := d.head(); err != nil || tag != 1 {
			return time.Time{}, errField
		}
	}
	f, err := d.float(64)
	if err != nil {
		return time.Time{}, err
	}
	return epoch(f)
}

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
