package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"

	"redoubt/internal/network"
)

// A Config says how a server runs. Its zero value is a server with embedded defaults.
type Config struct {
	Data             string            // directory of everything kept; default: the user's data directory
	Listen           string            // address; default 127.0.0.1:4566
	Region           string            // default us-east-1
	Account          string            // the account made at first start, 123456789012 by default; later its account only
	Seal             string            // URL of what opens the root key; default: a key file beside the data
	Runtimes         map[string]string // runtime name to interpreter path, over what is found on the machine
	TLSCert, TLSKey  string            // files; default: a certificate of the local authority
	InsecureHTTP     bool              // plain HTTP, on loopback only
	AllowWeakSandbox bool              // run functions even where the kernel cannot give every layer
	RecordData       bool              // keep data-plane calls in CloudTrail too
	Egress           []string          // what functions may reach, as network.ParseRule reads it; nothing if empty
	Log              *slog.Logger
}

// Defaults of a Config.
const (
	DefaultListen  = "127.0.0.1:4566"
	DefaultRegion  = "us-east-1"
	DefaultAccount = "123456789012"
)

var (
	accountForm = regexp.MustCompile(`^\d{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
)

// complete fills in defaults and refuses what cannot be.
func (c *Config) complete() error {
	c.Listen, c.Region = or(c.Listen, DefaultListen), or(c.Region, DefaultRegion)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Data == "" {
		dir, err := DefaultData()
		if err != nil {
			return err
		}
		c.Data = dir
	}
	var err error
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return err
	}
	switch {
	case c.Account != "" && !accountForm.MatchString(c.Account):
		return fmt.Errorf("--account %q: an account number has 12 digits", c.Account)
	case !regionForm.MatchString(c.Region):
		return fmt.Errorf("--region %q is not the name of a region, such as us-east-1", c.Region)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together: give both, or neither")
	case c.InsecureHTTP && !isLoopback(c.Listen):
		return fmt.Errorf("--insecure-http is for loopback only, and %s is not: leave it out, clients can speak TLS", c.Listen)
	}
	_, err = c.egress()
	return err
}

// egress reads the rules of what functions may reach; nil means nothing.
func (c *Config) egress() (*network.Egress, error) {
	if len(c.Egress) == 0 {
		return nil, nil
	}
	e := &network.Egress{Log: c.Log}
	for _, text := range c.Egress {
		r, err := network.ParseRule(text)
		if err != nil {
			return nil, fmt.Errorf("--egress %w", err)
		}
		e.Rules = append(e.Rules, r)
	}
	return e, nil
}

// DefaultData is where a server keeps its data if not told (XDG Base Directory Specification).
func DefaultData() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "redoubt"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for the data: %w; name one with --data DIR", err)
	}
	return filepath.Join(home, ".local", "share", "redoubt"), nil
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
