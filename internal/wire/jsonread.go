package wire

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"
)

// jsonDocument is a document in JSON.
type jsonDocument struct {
	scanner
	depth int
	ends  [maxDepth + 1]byte // the bracket that closes each level
	fresh bool               // just inside a list or object
}

func (d *jsonDocument) peek() (token, error) {
	switch d.space() {
	case '{':
		return tokObject, nil
	case '[':
		return tokList, nil
	case 'n':
		return tokNull, nil
	case 0:
		return 0, errSyntax
	}
	return tokScalar, nil
}

func (d *jsonDocument) open() error {
	if d.depth++; d.depth > maxDepth {
		return errDepth
	}
	d.ends[d.depth] = d.src[d.pos] + 2 // peek has seen the bracket: ']' is '[' + 2, '}' is '{' + 2
	d.pos++
	d.fresh = true
	return nil
}

func (d *jsonDocument) next() (bool, error) {
	fresh, end := d.fresh, d.ends[d.depth]
	d.fresh = false
	c := d.space()
	if c == end {
		d.pos++
		d.depth--
		return false, nil
	}
	if fresh {
		return true, nil
	}
	if err := d.take(','); err != nil {
		return false, err
	}
	if d.space() == end {
		return false, errSyntax
	}
	return true, nil
}

func (d *jsonDocument) key() ([]byte, error) {
	k, err := d.scanner.str()
	if err != nil {
		return nil, err
	}
	return k, d.take(':')
}

func (d *jsonDocument) skip() error {
	return d.scanner.skip(d.depth)
}

func (d *jsonDocument) end() error {
	d.space()
	if d.pos != len(d.src) {
		return errSyntax
	}
	return nil
}

// mismatch words a scalar of the wrong type as AWS does.
func (d *jsonDocument) mismatch(want string) error {
	name := "NUMBER_VALUE"
	switch d.space() {
	case '"':
		name = "STRING_VALUE"
	case 't':
		name = "TRUE_VALUE"
	case 'f':
		name = "FALSE_VALUE"
	}
	if err := d.skip(); err != nil {
		return err
	}
	return malformed("%s cannot be converted to %s", name, want)
}

func (d *jsonDocument) str() (string, error) {
	if d.space() != '"' {
		return "", d.mismatch("String")
	}
	b, err := d.scanner.str()
	return string(b), err
}

// numeric reports whether a number comes next.
func (d *jsonDocument) numeric() bool {
	c := d.space()
	return c == '-' || c-'0' < 10
}

func (d *jsonDocument) int(bits int) (int64, error) {
	name := "Integer"
	if bits == 64 {
		name = "Long"
	}
	if !d.numeric() {
		return 0, d.mismatch(name)
	}
	text, err := d.number()
	if err != nil {
		return 0, err
	}
	n, err := parseInt(string(text), bits)
	if err != nil {
		return 0, malformed("NUMBER_VALUE cannot be converted to %s", name)
	}
	return n, nil
}

func (d *jsonDocument) float(bits int) (float64, error) {
	if d.space() == '"' { // NaN and the infinities travel as strings
		b, err := d.scanner.str()
		if err != nil {
			return 0, err
		}
		if f, ok := special(string(b)); ok {
			return f, nil
		}
		return 0, malformed("STRING_VALUE cannot be converted to Double")
	}
	if !d.numeric() {
		return 0, d.mismatch("Double")
	}
	text, err := d.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(text), bits)
	if err != nil {
		return 0, malformed("NUMBER_VALUE cannot be converted to Double")
	}
	return f, nil
}

func (d *jsonDocument) bool() (bool, error) {
	switch d.space() {
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	}
	return false, d.mismatch("Boolean")
}

func (d *jsonDocument) blob() ([]byte, error) {
	if d.space() != '"' {
		return nil, d.mismatch("ByteBuffer")
	}
	text, err := d.scanner.str()
	if err != nil {
		return nil, err
	}
	return decodeBase64(string(text))
}

func decodeBase64(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, malformed("Invalid Base64")
	}
	return b, nil
}

func (d *jsonDocument) time() (time.Time, error) {
	if d.space() == '"' {
		b, err := d.scanner.str()
		if err != nil {
			return time.Time{}, err
		}
		return parseTime(string(b))
	}
	if !d.numeric() {
		return time.Time{}, d.mismatch("Date")
	}
	text, err := d.number()
	if err != nil {
		return time.Time{}, err
	}
	return parseTime(string(text))
}

// special names the numbers that JSON has no digits for.
func special(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// parseInt accepts 1.0 and 1e3 as well, and drops what is behind the point, as
// AWS does.
func parseInt(s string, bits int) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, bits); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	limit := math.Ldexp(1, min(bits-1, 53)) // above 2^53 a float is no exact integer
	if f = math.Trunc(f); err != nil || !(f < limit && f >= -limit) {
		return 0, fmt.Errorf("%s is not an integer of %d bits", s, bits)
	}
	return int64(f), nil
}
