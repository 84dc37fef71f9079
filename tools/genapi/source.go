package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// source is a model as AWS publishes it: api-2.json.
type source struct {
	path     string // under models/apis
	Metadata struct {
		APIVersion, EndpointPrefix, JSONVersion, Protocol, ServiceID string
		SigningName, TargetPrefix, XMLNamespace                      string
		Protocols                                                    []string
		AWSQueryCompatible                                           *struct{}
	}
	Operations map[string]*sourceOperation
	Shapes     map[string]*sourceShape
}

type sourceOperation struct {
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Input    *sourceRef
	Output   *sourceRef
	Errors   []sourceRef
	Endpoint *struct{ HostPrefix string }
}

// sourceRef is a use of a shape.
type sourceRef struct {
	Shape            string
	Location         string
	LocationName     string
	QueryName        string
	ResultWrapper    string
	TimestampFormat  string
	Flattened        bool
	XMLAttribute     bool
	HostLabel        bool
	IdempotencyToken bool
	EventPayload     bool
	EventHeader      bool
	Streaming        bool
	Box              bool
	XMLNamespace     *namespace
}

type namespace struct {
	Prefix string `json:"prefix,omitempty"`
	URI    string `json:"uri"`
}

type sourceShape struct {
	Type            string
	Members         map[string]*sourceRef
	Required        []string
	Payload         string
	Member          *sourceRef
	Key, Value      *sourceRef
	Flattened       bool
	TimestampFormat string
	LocationName    string
	XMLNamespace    *namespace
	Enum            []string
	Pattern         string
	Min, Max        *float64
	Sensitive       bool
	EventStream     bool
	Event           bool
	Streaming       bool
	Box             bool
	Exception       bool
	Fault           bool
	Error           *struct {
		Code           string
		HTTPStatusCode int
	}
}

// readSource reads the newest model in a folder of models/apis.
func readSource(models, folder string) (*source, error) {
	path, err := latest(filepath.Join(models, folder))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	src := &source{}
	if src.path, err = filepath.Rel(models, path); err != nil {
		return nil, err
	}
	return src, json.Unmarshal(text, src)
}
