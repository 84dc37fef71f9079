package main

import "slices"

// compact keeps of a published model what decides about messages.
func compact(src *source) *model {
	md := src.Metadata
	m := &model{Operations: map[string]*operation{}, Shapes: map[string]*shape{}}
	m.Metadata = metadata{
		Protocol: md.Protocol, Protocols: protocols(src), JSONVersion: md.JSONVersion,
		TargetPrefix: md.TargetPrefix, XMLNamespace: md.XMLNamespace, APIVersion: md.APIVersion,
		SigningName: md.SigningName, ServiceID: md.ServiceID,
		QueryCompatible: md.AWSQueryCompatible != nil, BareErrors: md.Protocol == "rest-xml" && md.EndpointPrefix == "s3",
	}
	m.Metadata.ValidationError = validationErrors[md.ServiceID]
	if md.SigningName == "" {
		m.Metadata.SigningName = md.EndpointPrefix
	}
	for name, op := range src.Operations {
		m.Operations[name] = compactOperation(op)
		m.Operations[name].Bare = m.Metadata.BareErrors && name == "GetBucketLocation" // aws.customizations#s3UnwrappedXmlOutput
	}
	for name, s := range src.Shapes {
		m.Shapes[name] = compactShape(s)
	}
	return m
}

// validationErrors tells how services answer inputs that break the constraints
// of their models, where it is neither ValidationException nor, in the query
// protocol, ValidationError. The models do not say; AWS's answers do.
var validationErrors = map[string]*validationError{
	"CloudWatch Logs": {Code: "InvalidParameterException"},
	"Lambda":          {NotNull: true},
}

// protocols lists what clients of a service speak besides its native protocol.
func protocols(src *source) []string {
	out := src.Metadata.Protocols
	if src.Metadata.AWSQueryCompatible != nil {
		out = append(slices.Clone(out), "query")
	}
	return out
}

func compactOperation(op *sourceOperation) *operation {
	o := &operation{Method: op.HTTP.Method, URI: op.HTTP.RequestURI, Status: op.HTTP.ResponseCode, Input: compactRef(op.Input), Output: compactRef(op.Output)}
	if op.Output != nil {
		o.Wrapper = op.Output.ResultWrapper
	}
	if op.Endpoint != nil {
		o.Host = op.Endpoint.HostPrefix
	}
	for _, e := range op.Errors {
		o.Errors = append(o.Errors, e.Shape)
	}
	slices.Sort(o.Errors)
	return o
}

func compactRef(r *sourceRef) *ref {
	if r == nil {
		return nil
	}
	return &ref{
		Shape: r.Shape, Location: r.Location, Name: r.LocationName, QueryName: r.QueryName,
		Flattened: r.Flattened, Attribute: r.XMLAttribute, XMLNS: r.XMLNamespace, Format: r.TimestampFormat,
		HostLabel: r.HostLabel, IdempotencyToken: r.IdempotencyToken,
		EventPayload: r.EventPayload, EventHeader: r.EventHeader, Streaming: r.Streaming, Box: r.Box,
	}
}

func compactShape(s *sourceShape) *shape {
	out := &shape{
		Type: s.Type, Required: slices.Sorted(slices.Values(s.Required)), Payload: s.Payload,
		Member: compactRef(s.Member), Key: compactRef(s.Key), Value: compactRef(s.Value),
		Flattened: s.Flattened, Format: s.TimestampFormat, Name: s.LocationName, XMLNS: s.XMLNamespace,
		Enum: slices.Sorted(slices.Values(s.Enum)), Pattern: s.Pattern, Min: s.Min, Max: s.Max,
		Sensitive: s.Sensitive, EventStream: s.EventStream, Event: s.Event, Streaming: s.Streaming, Box: s.Box,
		Exception: s.Exception,
	}
	if len(s.Members) > 0 {
		out.Members = map[string]*ref{}
	}
	for name, r := range s.Members {
		out.Members[name] = compactRef(r)
	}
	if s.Error != nil || s.Fault {
		out.Error = &errorTrait{Fault: s.Fault}
	}
	if s.Error != nil {
		out.Error.Code, out.Error.Status = s.Error.Code, s.Error.HTTPStatusCode
	}
	return out
}
