package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"redoubt/internal/sigv4"
	"redoubt/internal/wire"
)

// Errorf makes an error of a code that AWS does not model for the operation.
func Errorf(code, format string, args ...any) error {
	return wire.Errorf(code, http.StatusBadRequest, format, args...)
}

var errInternal = wire.Errorf("InternalFailure", http.StatusInternalServerError,
	"The request processing has failed because of an unknown error, exception or failure.")

// expected passes errors that are part of an API, and logs and hides all others.
func (r *Registry) expected(ctx context.Context, e *Entry, op *Operation, err error) error {
	var known smithy.APIError
	if errors.As(err, &known) {
		return err
	}
	r.log.ErrorContext(ctx, "call failed", "service", e.Service.Name(), "operation", op.Name,
		"request", CallerOf(ctx).Request.ID, "error", err)
	return errInternal
}

// Errors are the codes with which one service refuses a caller, as measured on AWS: they differ by protocol, and for a
// few services.
type Errors struct {
	unknownKey, mismatch, incomplete, expired, missing, skewed, denied code
	// Skew is how far the clocks of caller and server may be apart.
	Skew time.Duration
	s3   bool // has codes of its own for signatures
}

type code struct {
	name   string
	status int
}

var (
	queryErrors = Errors{
		unknownKey: code{"InvalidClientTokenId", 403}, mismatch: code{"SignatureDoesNotMatch", 403},
		incomplete: code{"IncompleteSignature", 400}, expired: code{"ExpiredToken", 403},
		missing: code{"MissingAuthenticationToken", 403}, skewed: code{"SignatureDoesNotMatch", 403},
		denied: code{"AccessDenied", 403}, Skew: 15 * time.Minute,
	}
	jsonErrors = Errors{
		unknownKey: code{"UnrecognizedClientException", 400}, mismatch: code{"InvalidSignatureException", 400},
		incomplete: code{"IncompleteSignatureException", 400}, expired: code{"ExpiredTokenException", 400},
		missing: code{"MissingAuthenticationTokenException", 400}, skewed: code{"InvalidSignatureException", 400},
		denied: code{"AccessDeniedException", 400}, Skew: 5 * time.Minute,
	}
	restErrors = Errors{
		unknownKey: code{"UnrecognizedClientException", 403}, mismatch: code{"InvalidSignatureException", 403},
		incomplete: code{"IncompleteSignatureException", 403}, expired: code{"ExpiredTokenException", 403},
		missing: code{"MissingAuthenticationTokenException", 403}, skewed: code{"InvalidSignatureException", 403},
		denied: code{"AccessDeniedException", 403}, Skew: 5 * time.Minute,
	}
	s3Errors = Errors{
		unknownKey: code{"InvalidAccessKeyId", 403}, mismatch: code{"SignatureDoesNotMatch", 403},
		incomplete: code{"AuthorizationHeaderMalformed", 400}, expired: code{"ExpiredToken", 400},
		missing: code{"AccessDenied", 403}, skewed: code{"RequestTimeTooSkewed", 403},
		denied: code{"AccessDenied", 403}, Skew: 15 * time.Minute, s3: true,
	}
	ec2Errors = Errors{
		unknownKey: code{"AuthFailure", 401}, mismatch: code{"SignatureDoesNotMatch", 403},
		incomplete: code{"IncompleteSignature", 400}, expired: code{"RequestExpired", 400},
		missing: code{"MissingAuthenticationToken", 403}, skewed: code{"RequestExpired", 400},
		denied: code{"UnauthorizedOperation", 403}, Skew: 5 * time.Minute,
	}
)

// errorsOf picks the codes of a service.
func errorsOf(service, protocol string) Errors {
	e, ok := map[string]Errors{"query": queryErrors, "ec2": ec2Errors, "rest-json": restErrors, "rest-xml": s3Errors}[protocol]
	if !ok {
		e = jsonErrors
	}
	switch service {
	case "sqs":
		e.unknownKey, e.Skew = code{"InvalidClientTokenId", 403}, 15*time.Minute
	case "dynamodb":
		e.Skew = 15 * time.Minute
	case "monitoring":
		e.Skew = 5 * time.Minute
	}
	return e
}

// Denied refuses a caller that policies do not allow.
func (e Errors) Denied(why string) error { return e.denied.error(why) }

// Missing refuses a request without credentials.
func (e Errors) Missing() error {
	if e.s3 {
		return e.missing.error("Access Denied")
	}
	return e.missing.error("Request is missing Authentication Token")
}

// UnknownKey refuses an access key, or a session token, that nobody has.
func (e Errors) UnknownKey() error {
	if e.s3 {
		return e.unknownKey.error("The AWS Access Key Id you provided does not exist in our records.")
	}
	return e.unknownKey.error("The security token included in the request is invalid.")
}

// Expired refuses temporary credentials after their time.
func (e Errors) Expired() error {
	if e.s3 {
		return e.expired.error("The provided token has expired.")
	}
	return e.expired.error("The security token included in the request is expired")
}

// Signature refuses a signature.
func (e Errors) Signature(err error) error {
	var s *sigv4.Error
	if !errors.As(err, &s) {
		return err
	}
	if e.s3 {
		return s3Signature(s)
	}
	switch s.Kind {
	case sigv4.KindMissing:
		return e.Missing()
	case sigv4.KindIncomplete, sigv4.KindMalformed, sigv4.KindUnsupported:
		return e.incomplete.error(s.Message)
	case sigv4.KindSkewed, sigv4.KindExpired, sigv4.KindNotYetValid:
		return e.skewed.error(s.Message)
	case sigv4.KindTooLarge:
		return code{"RequestEntityTooLarge", http.StatusRequestEntityTooLarge}.error(s.Message)
	}
	return e.mismatch.error(s.Message)
}

// IsDenied reports whether an error code means that the caller was refused.
func (e Errors) IsDenied(name string) bool {
	codes := []code{e.unknownKey, e.mismatch, e.incomplete, e.expired, e.missing, e.skewed, e.denied}
	return slices.ContainsFunc(codes, func(c code) bool { return c.name == name })
}

// gone refuses a caller whose user or role was deleted after its credentials were issued.
func (e Errors) gone(err error) error {
	if errors.Is(err, ErrUnknown) {
		return e.UnknownKey()
	}
	return err
}

func (c code) error(message string) error { return wire.Errorf(c.name, c.status, "%s", message) }
