package sigv4

// Kind is why a signature was refused. Each service has its own error code for it.
type Kind uint8

// The kinds of refusal. The comments name the codes of services that speak JSON or Query, then of S3.
const (
	KindMissing        Kind = iota + 1 // the request is not signed: MissingAuthenticationToken; AccessDenied
	KindIncomplete                     // parts are missing: IncompleteSignature; AuthorizationHeaderMalformed, AuthorizationQueryParametersError
	KindMalformed                      // parts make no sense: the same codes as KindIncomplete
	KindUnsupported                    // another algorithm or payload scheme: IncompleteSignature; InvalidRequest
	KindAmbiguous                      // several signatures: InvalidSignatureException; InvalidArgument
	KindTooLarge                       // over a limit of this package or MaxBody: RequestEntityTooLarge; EntityTooLarge
	KindUnsignedHeader                 // a header that must be signed is not: InvalidSignatureException; AccessDenied
	KindBadScope                       // wrong region, service, date or terminator: InvalidSignatureException; AuthorizationHeaderMalformed
	KindSkewed                         // signed by header, too long ago or too far ahead: InvalidSignatureException; RequestTimeTooSkewed
	KindExpired                        // presigned, and over: InvalidSignatureException; AccessDenied
	KindNotYetValid                    // presigned for later: InvalidSignatureException; AccessDenied
	KindMismatch                       // not signed with this secret, or changed since: InvalidSignatureException; SignatureDoesNotMatch
	KindBadPayload                     // X-Amz-Content-Sha256 has no meaning here: InvalidSignatureException; InvalidArgument
	KindBadDigest                      // S3: the body is not the one announced: XAmzContentSHA256Mismatch
	KindBadChunk                       // S3: aws-chunked framing is broken: IncompleteBody
	KindSmallChunk                     // S3: a chunk before the last is below 8 KiB: InvalidChunkSizeError
	KindBadTrailer                     // S3: trailing headers are broken: MalformedTrailerError
	KindMissingLength                  // S3: X-Amz-Decoded-Content-Length is missing: MissingContentLength
)

var kindNames = [...]string{
	"Unknown", "Missing", "Incomplete", "Malformed", "Unsupported", "Ambiguous", "TooLarge", "UnsignedHeader", "BadScope",
	"Skewed", "Expired", "NotYetValid", "Mismatch", "BadPayload", "BadDigest", "BadChunk", "SmallChunk", "BadTrailer",
	"MissingLength",
}

// String returns the name of the kind, such as "BadScope".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// Error is a refusal. It holds nothing secret: messages are meant for the caller.
type Error struct {
	Kind      Kind
	Message   string // in the words AWS uses in most services
	S3        string // in the words of Amazon S3; "" if they are the same
	Presigned bool   // the signature is in the query; S3 has other codes then

	// What the server calculated, set with KindMismatch; AWS shows both to the caller. They contain the caller's session
	// token if there is one, so they are no matter for logs.
	CanonicalRequest, StringToSign string
}

// Error returns Message.
func (e *Error) Error() string { return e.Message }

// Is makes errors.Is(err, &Error{Kind: k}) match by kind; ErrNone matches only itself.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Kind == e.Kind
}

// ErrNone is returned by Parse for a request that carries no signature at all.
var ErrNone = &Error{Kind: KindMissing, Message: missingToken, S3: "Access Denied"}

const missingToken = "Request is missing Authentication Token"
