package wire

import (
	"math"
	"time"
)

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
