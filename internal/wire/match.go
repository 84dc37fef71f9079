package wire

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// protocol is the wire format of one request.
type protocol uint8

const (
	protoJSON protocol = iota // awsJson 1.0 and 1.1
	protoQuery
	protoEC2
	protoCBOR
	protoRESTJSON
	protoRESTXML
)

// Call is one request to a service.
type Call struct {
	service  *Service
	request  *http.Request
	protocol protocol
	name     string // of the operation, or ""
	body     []byte
	streamed bool      // body was nil: a streaming payload reads the request's own
	form     *formNode // of the query protocols
	route    *route    // of the REST protocols
	labels   []string
}

// maxInflated bounds a body that arrives compressed; CloudWatch, whose clients
// compress metrics, accepts 1 MiB.
const maxInflated = 16 << 20

// Match finds the operation that r is for, without decoding its input. body is
// r's whole body, or nil to leave a streaming payload in r.Body. The Call is not
// nil even with an error, since that must be encoded in its protocol.
func (s *Service) Match(r *http.Request, body []byte) (*Call, error) {
	c := &Call{service: s, request: r, body: body, streamed: body == nil}
	c.protocol = s.protocol(r)
	if err := c.inflate(); err != nil {
		return c, err
	}
	switch c.protocol {
	case protoJSON:
		return c, c.matchTarget()
	case protoCBOR:
		return c, c.matchRPC()
	case protoQuery, protoEC2:
		return c, c.matchAction()
	}
	return c, c.matchPath()
}

// Streams reports whether the operation reads its body piecemeal: a Match without the body leaves it in the request's.
func (c *Call) Streams() bool {
	b, err := c.service.operation(c.name)
	return err == nil && b != nil && b.in.payload != nil && b.in.payload.codec.kind == kindStream
}

// Operation is the name of the operation, or "" if it is unknown.
func (c *Call) Operation() string { return c.name }

// protocol tells the format of a request by its headers, else by the service.
func (s *Service) protocol(r *http.Request) protocol {
	native := s.model.meta.Protocol
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return protoCBOR
	case native == "rest-json":
		return protoRESTJSON
	case native == "rest-xml":
		return protoRESTXML
	case r.Header.Get("X-Amz-Target") != "":
		return protoJSON
	case native == "ec2":
		return protoEC2
	case native == "query" || formType(r):
		return protoQuery
	}
	return protoJSON
}

func mediaType(r *http.Request) string {
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return t
}

func formType(r *http.Request) bool { return mediaType(r) == "application/x-www-form-urlencoded" }

// inflate undoes Content-Encoding: gzip.
func (c *Call) inflate() error {
	if c.streamed || !strings.EqualFold(c.request.Header.Get("Content-Encoding"), "gzip") {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(c.body))
	if err != nil {
		return malformed("Request body is not gzip")
	}
	body, err := io.ReadAll(io.LimitReader(z, maxInflated+1))
	if err != nil {
		return malformed("Request body is not gzip")
	}
	if len(body) > maxInflated {
		return Errorf("RequestEntityTooLargeException", 413, "Request body is too large")
	}
	c.body = body
	return nil
}

// known accepts the name if the service implements the operation.
func (c *Call) known(name string) bool {
	if c.service.ops[name] == nil {
		return false
	}
	c.name = name
	return true
}

// matchTarget reads X-Amz-Target: TrentService.CreateKey.
func (c *Call) matchTarget() error {
	switch mediaType(c.request) {
	case "application/x-amz-json-1.0", "application/x-amz-json-1.1":
	default:
		return Errorf("UnknownOperationException", 404, "The Content-Type must be application/x-amz-json-1.0 or application/x-amz-json-1.1")
	}
	target := c.request.Header.Get("X-Amz-Target")
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 || !c.service.Targeted(target[:dot]) || c.request.Method != http.MethodPost || !c.known(target[dot+1:]) {
		return unsupported(400, "The X-Amz-Target "+strconv.Quote(target))
	}
	return nil
}

// unsupported refuses what is no operation, or none of those that are served. AWS, which serves all, says nothing more.
func unsupported(status int, what string) error {
	return Errorf("UnknownOperationException", status, "%s is not supported by Redoubt yet", what)
}

// Targeted reports whether an X-Amz-Target of that prefix is for the service. It is the
// model's, with or without a Java package in front: CloudTrail's is
// com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101, of which newer SDKs
// send the last part.
func (s *Service) Targeted(prefix string) bool {
	full := s.model.meta.TargetPrefix
	return prefix == full || prefix != "" && strings.HasSuffix(full, "."+prefix) && !strings.Contains(prefix, ".")
}

// matchRPC reads /service/Name/operation/PutMetricData.
func (c *Call) matchRPC() error {
	_, path, _ := strings.Cut(c.request.URL.Path, "/service/")
	_, name, _ := strings.Cut(path, "/operation/")
	if c.request.Method != http.MethodPost || !c.known(name) {
		return unsupported(404, path)
	}
	return nil
}

// versionless is what AWS prints for a request that states no version.
const versionless = "NO_VERSION_SPECIFIED"

// matchAction reads Action and Version from the body and the query string.
func (c *Call) matchAction() error {
	var body string
	if formType(c.request) {
		body = string(c.body)
	}
	var err error
	if c.form, err = parseForm(c.protocol == protoEC2, c.request.URL.RawQuery, body); err != nil {
		return err
	}
	action, version := c.form.param("Action"), c.form.param("Version")
	if version == "" {
		version = versionless
	}
	switch {
	case action == "":
		return Errorf("MissingAction", 400, "The request must contain the parameter Action")
	case version != c.service.model.meta.APIVersion || !c.known(action):
		return c.invalidAction(action, version)
	}
	return nil
}

func (c *Call) invalidAction(action, version string) error {
	if c.protocol == protoEC2 {
		return Errorf("InvalidAction", 400, "The action %s is not valid for this web service.", action)
	}
	return Errorf("InvalidAction", 400, "Could not find operation %s for version %s", action, version)
}

// matchPath finds a REST operation by method, path and query.
func (c *Call) matchPath() error {
	s := &search{method: c.request.Method, query: c.request.URL.Query(), header: c.request.Header}
	r := c.service.routes.find(c.request.URL.EscapedPath(), s)
	if r == nil || !c.known(r.name) {
		return c.unknownPath(r)
	}
	c.route, c.labels = r, s.values
	return nil
}

// unknownPath words the refusal as the service's family does.
func (c *Call) unknownPath(r *route) error {
	switch {
	case c.protocol != protoRESTXML:
		return unsupported(404, c.request.Method+" "+c.request.URL.EscapedPath())
	case r != nil:
		return Errorf("NotImplemented", 501, "A header you provided implies functionality that is not implemented")
	}
	return Errorf("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
}
