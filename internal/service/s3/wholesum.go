package s3

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A wholeSum makes the checksum of an object of those of its parts: of their bytes one after the other, or, for those
// algorithms that can, as if it were over all bytes.
type wholeSum struct {
	algorithm types.ChecksumAlgorithm
	kind      types.ChecksumType
	composite hash.Hash
	crc       uint64
	n         int
}

func (w *wholeSum) begin(a types.ChecksumAlgorithm, kind types.ChecksumType) {
	w.algorithm, w.kind, w.composite = a, kind, newHash(a)
}

// add takes the checksum of the next part, and its size.
func (w *wholeSum) add(sum []byte, size int64) {
	w.n++
	w.composite.Write(sum)
	if w.kind != types.ChecksumTypeFullObject {
		return
	}
	var crc uint64
	if len(sum) == 4 {
		crc = uint64(binary.BigEndian.Uint32(sum))
	} else {
		crc = binary.BigEndian.Uint64(sum)
	}
	if w.n == 1 {
		w.crc = crc
		return
	}
	w.crc = combine(polynomials[w.algorithm], w.crc, crc, size)
}

func (w *wholeSum) value() Checksum {
	c := Checksum{Algorithm: w.algorithm, Type: w.kind}
	switch {
	case w.kind != types.ChecksumTypeFullObject:
		c.Value = fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(w.composite.Sum(nil)), w.n)
	case w.algorithm == types.ChecksumAlgorithmCrc64nvme:
		c.Value = base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, w.crc))
	default:
		c.Value = base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(w.crc)))
	}
	return c
}

// polynomials are those of the CRCs, in the form in which the lowest bit is the highest power.
var polynomials = map[types.ChecksumAlgorithm]uint64{
	types.ChecksumAlgorithmCrc32: crc32.IEEE, types.ChecksumAlgorithmCrc32c: crc32.Castagnoli, types.ChecksumAlgorithmCrc64nvme: 0x9a6c9329ac4bc9b5,
}

// combine is the CRC of two runs of bytes, given that of each and the length of the second: the first, multiplied by
// x^(8*size) modulo the polynomial, plus the second.
func combine(poly, first, second uint64, size int64) uint64 {
	bits := 64
	if poly>>32 == 0 {
		bits = 32
	}
	one := uint64(1) << (bits - 1) // the polynomial 1
	power, square := one, one>>8   // x^8
	for n := size; n > 0; n >>= 1 {
		if n&1 == 1 {
			power = multiply(poly, power, square, bits)
		}
		square = multiply(poly, square, square, bits)
	}
	return multiply(poly, first, power, bits) ^ second
}

// multiply multiplies two polynomials over GF(2) modulo a third.
func multiply(poly, a, b uint64, bits int) (product uint64) {
	for i := bits - 1; i >= 0; i-- {
		if a>>i&1 == 1 {
			product ^= b
		}
		if b&1 == 1 {
			b = b>>1 ^ poly
		} else {
			b >>= 1
		}
	}
	return product
}
