// Package codesign signs deployment packages, and tells who signed one.
//
// A signed package is a zip file whose last entry is the signature, in the form that AWS Signer gives to Lambda's packages:
// a CMS message (RFC 5652) over the names and contents of all other entries. docs/formats.md has it in full.
package codesign

import (
	"errors"
	"fmt"
	"time"
)

const (
	folder = "META_INF/"
	entry  = "META_INF/aws_signer_signature_v1.0.SF"
)

// Limits of what is read of a package that anybody may have made. 250 MB is the most that Signer's Lambda platform signs
// and that Lambda unpacks.
const (
	MaxPackage   = 250 << 20
	maxUnpacked  = 250 << 20
	maxEntries   = 65_535
	maxSignature = 64 << 10
)

// Claims are what a signature says of itself.
type Claims struct {
	Profile string    // ARN of the version of the signing profile
	Job     string    // ARN of the signing job
	Signed  time.Time // in UTC, whole seconds
	Expires time.Time // in UTC, whole seconds
}

// A Signature is what is known of a signed package: its claims, which the certificate's authority vouches for.
type Signature struct {
	Claims
	// Certificates name the signer's certificate and its authority's as GetRevocationStatus does: the SHA-384 of a
	// certificate's signed part and that of its issuer's, in hexadecimal digits.
	Certificates []string
}

// Errors of Sign and Verify.
var (
	// ErrUnsigned: the package has no signature.
	ErrUnsigned = errors.New("the package is not signed")
	// ErrBroken: the package has a signature that does not fit it, or that nobody known has made.
	ErrBroken = errors.New("the signature of the package is not valid")
	// ErrSigned: a package that has a signature already cannot be signed.
	ErrSigned = errors.New("the package has a signature already")
	// ErrMalformed: the package is no zip file that can be signed.
	ErrMalformed = errors.New("the package cannot be signed")
)

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

var (
	errNotLast  = errors.New("it is not the last entry")
	errTooLarge = fmt.Errorf("it is larger than %d bytes", maxSignature)
)
