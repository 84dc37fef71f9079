package wire

import (
	"errors"
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
