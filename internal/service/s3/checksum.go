package s3

import (
	"cmp"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"
)

// Checksum is what an object was checked with.
type Checksum struct {
	Algorithm types.ChecksumAlgorithm `cbor:",omitempty"`
	Type      types.ChecksumType      `cbor:",omitempty"`
	Value     string                  `cbor:",omitempty"` // base64; with "-PARTS" if composite
}

// sums are the members for checksums that inputs and outputs share.
type sums struct {
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256    *string
	ChecksumMD5, ChecksumSHA512, ChecksumXXHASH128, ChecksumXXHASH3, ChecksumXXHASH64 *string
	ChecksumType                                                                      types.ChecksumType
	ChecksumAlgorithm                                                                 types.ChecksumAlgorithm
}

// algorithms are those that S3 has had from the start (checking-object-integrity).
var algorithms = []types.ChecksumAlgorithm{
	types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
}

// of is the member for an algorithm, or nil.
func (s *sums) of(a types.ChecksumAlgorithm) **string {
	switch a {
	case types.ChecksumAlgorithmCrc32:
		return &s.ChecksumCRC32
	case types.ChecksumAlgorithmCrc32c:
		return &s.ChecksumCRC32C
	case types.ChecksumAlgorithmCrc64nvme:
		return &s.ChecksumCRC64NVME
	case types.ChecksumAlgorithmSha1:
		return &s.ChecksumSHA1
	case types.ChecksumAlgorithmSha256:
		return &s.ChecksumSHA256
	}
	return nil
}

// given finds the one checksum that an input brings.
func (s *sums) given() (a types.ChecksumAlgorithm, value string, err error) {
	if s.ChecksumMD5 != nil || s.ChecksumSHA512 != nil || s.ChecksumXXHASH128 != nil || s.ChecksumXXHASH3 != nil || s.ChecksumXXHASH64 != nil {
		return "", "", unsupportedAlgorithm()
	}
	for _, x := range algorithms {
		if v := *s.of(x); v != nil {
			if a != "" {
				return "", "", refusef("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
			}
			a, value = x, *v
		}
	}
	return a, value, nil
}

// show puts a checksum into an answer.
func (s *sums) show(c Checksum) {
	if member := s.of(c.Algorithm); member != nil {
		*member = &c.Value
		s.ChecksumType = c.Type
	}
}

func unsupportedAlgorithm() error {
	return refusef("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

func newHash(a types.ChecksumAlgorithm) hash.Hash {
	switch a {
	case types.ChecksumAlgorithmCrc32:
		return crc32.NewIEEE()
	case types.ChecksumAlgorithmCrc32c:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case types.ChecksumAlgorithmSha1:
		return sha1.New()
	case types.ChecksumAlgorithmSha256:
		return sha256.New()
	}
	return crc64nvme.New()
}

func headerOf(a types.ChecksumAlgorithm) string { return "x-amz-checksum-" + lower(a) }

func lower(a types.ChecksumAlgorithm) string { return strings.ToLower(string(a)) }

// A digest checks a body against all that its sender says of it, while it is read.
type digest struct {
	body      io.Reader
	algorithm types.ChecksumAlgorithm
	want      string // the checksum in base64; "" if it comes in a trailer, or not at all
	trailer   interface{ Trailer() http.Header }
	stated    bool // the sender says which algorithm it is
	wantMD5   string
	sum       hash.Hash
	md5       *sideHash
}

// newDigest reads what an upload says of its body.
func newDigest(body io.Reader, given *sums, contentMD5 *string) (*digest, error) {
	d := &digest{body: body, md5: &sideHash{hash: md5.New()}}
	if body == nil {
		d.body = http.NoBody
	}
	var err error
	if d.algorithm, d.want, err = given.given(); err != nil {
		return nil, err
	}
	if err := d.findTrailer(body); err != nil {
		return nil, err
	}
	if a := given.ChecksumAlgorithm; a != "" && d.algorithm == "" {
		if given.of(a) == nil {
			return nil, unsupportedAlgorithm()
		}
		return nil, refusef("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	} else if a != "" && a != d.algorithm {
		return nil, refusef("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	d.stated = d.algorithm != ""
	d.algorithm = cmp.Or(d.algorithm, types.ChecksumAlgorithmCrc64nvme) // what S3 adds by itself
	d.sum = newHash(d.algorithm)
	if d.want != "" && !fits(d.want, d.sum.Size()) {
		return nil, refusef("InvalidRequest", "Value for %s header is invalid.", headerOf(d.algorithm))
	}
	if contentMD5 != nil {
		if d.wantMD5 = *contentMD5; !fits(d.wantMD5, md5.Size) {
			return nil, refuse("InvalidDigest")
		}
	}
	return d, nil
}

// use changes the algorithm of what has no checksum yet.
func (d *digest) use(a types.ChecksumAlgorithm) error {
	if a == "" {
		return nil
	}
	if new(sums).of(a) == nil {
		return unsupportedAlgorithm()
	}
	d.algorithm, d.sum = a, newHash(a)
	return nil
}

// findTrailer finds the checksum that comes after the body.
func (d *digest) findTrailer(body io.Reader) error {
	b, ok := body.(interface {
		Announced() []string
		Trailer() http.Header
	})
	if !ok {
		return nil
	}
	for _, name := range b.Announced() {
		for _, a := range algorithms {
			if !strings.EqualFold(name, headerOf(a)) {
				continue
			}
			if d.algorithm != "" {
				return refusef("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
			}
			d.algorithm, d.trailer = a, b
		}
	}
	return nil
}

func fits(text string, size int) bool {
	b, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(b) == size
}

// Read passes the body through the hashes.
func (d *digest) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	if n > 0 {
		d.sum.Write(p[:n])
		d.md5.Write(p[:n])
	}
	return n, err
}

// finish compares once the body has been read, and returns its checksum and MD5.
func (d *digest) finish() (Checksum, []byte, error) {
	sum := base64.StdEncoding.EncodeToString(d.sum.Sum(nil))
	hashed := d.md5.Sum()
	if d.trailer != nil {
		if d.want = d.trailer.Trailer().Get(headerOf(d.algorithm)); !fits(d.want, d.sum.Size()) {
			return Checksum{}, nil, refusef("InvalidRequest", "Value for %s trailing header is invalid.", headerOf(d.algorithm))
		}
	}
	if d.want != "" && d.want != sum {
		return Checksum{}, nil, refusef("BadDigest", "The %s you specified did not match the calculated checksum.", d.algorithm)
	}
	if d.wantMD5 != "" && d.wantMD5 != base64.StdEncoding.EncodeToString(hashed) {
		return Checksum{}, nil, refusef("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return Checksum{Algorithm: d.algorithm, Type: types.ChecksumTypeFullObject, Value: sum}, hashed, nil
}

// close ends what goes on beside an upload that was given up.
func (d *digest) close() { d.md5.Sum() }

func etagOf(md5 []byte) string { return hex.EncodeToString(md5) }
