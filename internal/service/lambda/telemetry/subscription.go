package telemetry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// API is one of the two ways to subscribe.
type API string

// The Telemetry API, and the older one that it supersedes.
const (
	Telemetry API = "Telemetry"
	Logs      API = "Logs"
)

// The versions of what is sent. An older Telemetry schema has every log line as a string.
const (
	logs2020      = "2020-08-15"
	logs2021      = "2021-03-18" // with platform.runtimeDone
	telemetry2022 = "2022-07-01"
	telemetry2212 = "2022-12-13"
	telemetry2025 = "2025-01-29"
)

// A Problem is a subscription that is refused.
type Problem struct {
	Status        int
	Type, Message string
}

func (p *Problem) Error() string { return p.Type + ": " + p.Message }

// invalid is a problem with what was given. The Logs API has its name before the type.
func (a API) invalid(format string, args ...any) *Problem {
	kind := "ValidationError"
	if a == Logs {
		kind = "Logs.ValidationError"
	}
	return &Problem{http.StatusBadRequest, kind, fmt.Sprintf(format, args...)}
}

func (a API) forbidden(kind, format string, args ...any) *Problem {
	return &Problem{http.StatusForbidden, string(a) + "." + kind, fmt.Sprintf(format, args...)}
}

// A subscription is what an extension asks for.
//
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
type subscription struct {
	api     API
	Version string   `json:"schemaVersion"`
	Types   []string `json:"types"`
	Buffer  struct {
		Items   *int `json:"maxItems"`
		Bytes   *int `json:"maxBytes"`
		Timeout *int `json:"timeoutMs"`
	} `json:"buffering"`
	Destination struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
		Port     int    `json:"port"`
		Method   string `json:"method"`
	} `json:"destination"`

	items, bytes int
	timeout      time.Duration
	address      string // inside the sandbox
}

func parseSubscription(api API, body []byte) (*subscription, *Problem) {
	s := &subscription{api: api}
	if err := json.Unmarshal(body, s); err != nil {
		return nil, api.invalid("%v", err)
	}
	if err := s.checkSchema(); err != nil {
		return nil, err
	}
	if err := s.checkBuffer(); err != nil {
		return nil, err
	}
	return s, s.checkDestination()
}

func (s *subscription) checkSchema() *Problem {
	allowed := []string{telemetry2022, telemetry2212, telemetry2025}
	if s.api == Logs {
		allowed = []string{logs2020, logs2021}
		if s.Version == "" {
			s.Version = logs2020
		}
	}
	if !slices.Contains(allowed, s.Version) {
		return s.api.invalid("schemaVersion should be one of %s", strings.Join(allowed, ", "))
	}
	if len(s.Types) == 0 {
		return s.api.invalid("types should not be empty")
	}
	for i, t := range s.Types {
		if !slices.Contains([]string{"platform", "function", "extension"}, t) {
			return s.api.invalid("types should be platform, function or extension")
		}
		if slices.Contains(s.Types[:i], t) {
			return s.api.invalid("types should be unique")
		}
	}
	return nil
}

func (s *subscription) checkBuffer() *Problem {
	timeout := 0
	for _, c := range []struct {
		name                string
		given               *int
		otherwise, min, max int
		to                  *int
	}{
		{"maxItems", s.Buffer.Items, 10_000, 1000, 10_000, &s.items},
		{"maxBytes", s.Buffer.Bytes, 262_144, 262_144, 1_048_576, &s.bytes},
		{"timeoutMs", s.Buffer.Timeout, 1000, 25, 30_000, &timeout},
	} {
		if *c.to = c.otherwise; c.given != nil {
			*c.to = *c.given
		}
		if *c.to < c.min || *c.to > c.max {
			return s.api.invalid("%s should be between %d and %d", c.name, c.min, c.max)
		}
	}
	s.timeout = time.Duration(timeout) * time.Millisecond
	return nil
}

// reservedPort is that of the Runtime API.
const reservedPort = 9001

// checkDestination finds the address. Whatever the name, nothing is sent to anywhere but the sandbox's own loopback device.
func (s *subscription) checkDestination() *Problem {
	d := &s.Destination
	port := d.Port
	switch d.Protocol {
	case "HTTP":
		u, err := url.Parse(d.URI)
		if err != nil || d.URI == "" {
			return s.api.invalid("URI is not valid")
		}
		if u.Scheme != "http" {
			return s.api.forbidden("AccessDenied", "Only 'http' scheme is supported.")
		}
		if u.Hostname() != "sandbox.localdomain" && u.Hostname() != "sandbox" {
			return s.api.forbidden("AccessDenied", "Only 'sandbox.localdomain' hostname is supported.")
		}
		if u.Port() == "" {
			return s.api.invalid("URI port is not provided")
		}
		port, _ = strconv.Atoi(u.Port())
		if d.Method == "" {
			d.Method = http.MethodPost
		}
		if d.Method != http.MethodPost && d.Method != http.MethodPut {
			return s.api.invalid("method should be POST or PUT")
		}
	case "TCP":
	default:
		return s.api.invalid("protocol should be HTTP or TCP")
	}
	if port < 1 || port > 65535 {
		return s.api.invalid("port should be between 1 and 65535")
	}
	if port == reservedPort {
		return s.api.invalid("port %d is reserved", reservedPort)
	}
	s.address = "127.0.0.1:" + strconv.Itoa(port)
	return nil
}
