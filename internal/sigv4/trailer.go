package sigv4

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Limits on trailing headers; the longest known is a base64 SHA-512 of 88 bytes.
const (
	maxTrailers      = 16
	maxTrailerBytes  = 8 << 10
	trailerSignature = "x-amz-trailer-signature"
)

func badTrailer() *Error { return &Error{Kind: KindBadTrailer, Message: s3BadTrailer} }

// declaredTrailers reads X-Amz-Trailer, a list of names, lower case and sorted.
func declaredTrailers(h http.Header) ([]string, error) {
	names := strings.Split(strings.ToLower(strings.Join(h["X-Amz-Trailer"], ",")), ",")
	for i, n := range names {
		if names[i] = strings.TrimSpace(n); !token(names[i]) || names[i] == trailerSignature {
			return nil, badTrailer()
		}
	}
	slices.Sort(names)
	if len(names) > maxTrailers || len(slices.Compact(slices.Clone(names))) != len(names) {
		return nil, badTrailer()
	}
	return names, nil
}

// finish reads what follows the final chunk to the end of the body, and proves it.
func (c *chunkedBody) finish() error {
	rest, err := io.ReadAll(io.LimitReader(c.src, maxTrailerBytes+1))
	if err != nil {
		return truncated(err)
	}
	if c.declared == nil {
		if len(rest) > 0 && !bytes.Equal(rest, []byte("\r\n")) {
			return badChunk()
		}
		return nil
	}
	values, claim, err := c.trailers(rest)
	if err != nil {
		return err
	}
	return c.proveTrailers(values, claim)
}

// trailers reads "name:value" lines: exactly the declared ones and, if the stream is signed, the signature as the last.
// Lines may end in a bare newline and blank ones are passed over, because that is how clients in use send them.
func (c *chunkedBody) trailers(rest []byte) (values map[string]string, claim string, err error) {
	if len(rest) > maxTrailerBytes {
		return nil, "", badTrailer()
	}
	values = make(map[string]string)
	for line := range strings.Lines(string(rest)) {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.TrimSpace(value)
		_, twice := values[name]
		switch {
		case !ok, twice, claim != "":
			return nil, "", badTrailer()
		case name == trailerSignature && c.chain != nil:
			claim = value
		case slices.Contains(c.declared, name):
			values[name] = value
		default:
			return nil, "", badTrailer()
		}
	}
	if len(values) != len(c.declared) {
		return nil, "", badTrailer()
	}
	return values, claim, nil
}

func (c *chunkedBody) proveTrailers(values map[string]string, claim string) error {
	var canonical []byte
	trailer := make(http.Header, len(values))
	for _, name := range c.declared {
		canonical = append(canonical, name+":"+values[name]+"\n"...)
		trailer.Set(name, values[name])
	}
	if c.chain != nil && !c.chain.proveTrailer(canonical, claim) {
		return c.signature.mismatch("", "")
	}
	c.signature.trailer = trailer
	return nil
}
