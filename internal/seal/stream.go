package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	streampb "github.com/tink-crypto/tink-go/v2/proto/aes_gcm_hkdf_streaming_go_proto"
	commonpb "github.com/tink-crypto/tink-go/v2/proto/common_go_proto"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/streamingaead/aesgcmhkdf"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/protobuf/proto"
)

// Segments of 64 KiB keep many open objects cheap; Tink's ready-made templates have 4 KiB (slow) and 1 MiB (large).
// The header holds its length, a 32-byte salt and a 7-byte nonce prefix; each segment ends in a 16-byte tag.
const (
	segmentSize   = 64 << 10
	streamHeader  = 1 + 32 + 7
	segmentTag    = 16
	streamTypeURL = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"
)

func streamTemplate() (*tinkpb.KeyTemplate, error) {
	format, err := proto.Marshal(&streampb.AesGcmHkdfStreamingKeyFormat{
		KeySize: 32,
		Params: &streampb.AesGcmHkdfStreamingParams{
			CiphertextSegmentSize: segmentSize,
			DerivedKeySize:        32,
			HkdfHashType:          commonpb.HashType_SHA256,
		},
	})
	return &tinkpb.KeyTemplate{
		TypeUrl:          streamTypeURL,
		Value:            format,
		OutputPrefixType: tinkpb.OutputPrefixType_RAW,
	}, err
}

// Stream seals large objects segment by segment. It is safe for concurrent use.
type Stream struct {
	aead tink.StreamingAEAD
	key  func() []byte // from which the keys of objects are derived; a function, because fmt prints what fields hold
}

// NewStream returns a stream sealer with a key of the caller's, 32 bytes.
func NewStream(key []byte) (*Stream, error) {
	a, err := subtle.NewAESGCMHKDF(key, "SHA256", keySize, segmentSize, 0)
	if err != nil {
		return nil, fmt.Errorf("using a stream key: %w", err)
	}
	key = bytes.Clone(key)
	return &Stream{a, func() []byte { return key }}, nil
}

// Stream returns the stream sealer of that name. Its data key is created durably on first use.
func (r *Ring) Stream(name string) (*Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.streams[name]; ok {
		return s, nil
	}
	template, err := streamTemplate()
	if err != nil {
		return nil, err
	}
	h, err := r.dataKeyLocked("stream", name, template)
	if err != nil {
		return nil, err
	}
	s, err := streamingaead.New(h)
	if err != nil {
		return nil, fmt.Errorf("using stream key %s: %w", name, err)
	}
	key, err := streamKey(h)
	if err != nil {
		return nil, fmt.Errorf("using stream key %s: %w", name, err)
	}
	r.streams[name] = &Stream{s, func() []byte { return key }}
	return r.streams[name], nil
}

// streamKey is the one key of a stream's keyset.
func streamKey(h *keyset.Handle) ([]byte, error) {
	e, err := h.Primary()
	if err != nil {
		return nil, err
	}
	k, ok := e.Key().(*aesgcmhkdf.Key)
	if !ok {
		return nil, fmt.Errorf("it is a %T", e.Key())
	}
	return k.KeyBytes().Data(insecuresecretdataaccess.Token{}), nil
}

// Seal returns a writer that writes sealed segments to w. Its Close writes the last segment, without which the object
// cannot be opened, and leaves w open.
func (s *Stream) Seal(w io.Writer, ad []byte) (io.WriteCloser, error) {
	return s.aead.NewEncryptingWriter(w, ad)
}

// Open returns a reader of what was sealed with the same associated data. It yields only verified bytes, and io.EOF only
// where the object really ends; anything else is ErrUnsealable, for good.
func (s *Stream) Open(r io.Reader, ad []byte) (io.Reader, error) {
	opened, err := s.aead.NewDecryptingReader(r, ad)
	if err != nil {
		return nil, ErrUnsealable
	}
	return &verified{r: opened}, nil
}

// verified makes an error stick: after a segment that fails, Tink's reader reports the end of the stream.
type verified struct {
	r   io.Reader
	err error
}

func (v *verified) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n, err = 0, fmt.Errorf("%w: %w", ErrUnsealable, err)
	}
	v.err = err
	return n, err
}

// SealedSize is the size of the sealed form of so many bytes.
func SealedSize(plain int64) int64 {
	const perSegment = segmentSize - segmentTag
	segments := max(1, (plain+streamHeader+perSegment-1)/perSegment)
	return plain + streamHeader + segments*segmentTag
}

// PlainSize is the size of what was sealed, given the size of the sealed form; negative if there is no such size.
func PlainSize(sealed int64) int64 {
	segments := (sealed + segmentSize - 1) / segmentSize
	return sealed - streamHeader - segments*segmentTag
}
