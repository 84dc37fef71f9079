package api

import (
	"cmp"

	"redoubt/internal/sigv4"
)

// s3Codes are what Amazon S3 answers to signatures that it refuses.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
var s3Codes = map[sigv4.Kind]code{
	sigv4.KindMissing:        {"AccessDenied", 403},
	sigv4.KindIncomplete:     {"AuthorizationHeaderMalformed", 400},
	sigv4.KindMalformed:      {"AuthorizationHeaderMalformed", 400},
	sigv4.KindBadScope:       {"AuthorizationHeaderMalformed", 400},
	sigv4.KindUnsupported:    {"InvalidRequest", 400},
	sigv4.KindAmbiguous:      {"InvalidArgument", 400},
	sigv4.KindTooLarge:       {"EntityTooLarge", 400},
	sigv4.KindUnsignedHeader: {"AccessDenied", 403},
	sigv4.KindSkewed:         {"RequestTimeTooSkewed", 403},
	sigv4.KindExpired:        {"AccessDenied", 403},
	sigv4.KindNotYetValid:    {"AccessDenied", 403},
	sigv4.KindMismatch:       {"SignatureDoesNotMatch", 403},
	sigv4.KindBadPayload:     {"InvalidArgument", 400},
	sigv4.KindBadDigest:      {"XAmzContentSHA256Mismatch", 400},
	sigv4.KindBadChunk:       {"IncompleteBody", 400},
	sigv4.KindSmallChunk:     {"InvalidChunkSizeError", 403},
	sigv4.KindBadTrailer:     {"MalformedTrailerError", 400},
	sigv4.KindMissingLength:  {"MissingContentLength", 411},
}

// s3Signature refuses a signature in the words of Amazon S3.
func s3Signature(s *sigv4.Error) error {
	c := s3Codes[s.Kind]
	if s.Presigned && c.name == "AuthorizationHeaderMalformed" {
		c.name = "AuthorizationQueryParametersError"
	}
	return c.error(cmp.Or(s.S3, s.Message))
}
