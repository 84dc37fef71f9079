package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"redoubt/internal/disk"
	"redoubt/internal/seal"
)

// A Client is what it takes to talk to a server: where it is, whom to trust, and whose keys to sign with.
type Client struct {
	Endpoint string `json:"endpoint"`
	CAFile   string `json:"caFile,omitempty"` // "" for plain HTTP, and for a certificate that was given
	Region   string `json:"region"`
	Account  string `json:"account"`

	Operator Credentials `json:"-"`
	Root     Credentials `json:"-"`
}

// Credentials are a long-term key pair. They are kept sealed.
type Credentials struct {
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
}

// String keeps the secret out of logs.
func (c Credentials) String() string { return c.AccessKey + " [sealed]" }

// GoString keeps the secret out of logs.
func (c Credentials) GoString() string { return c.String() }

type operators struct {
	Account        string
	Operator, Root Credentials
}

// ErrNoServer means that no server ever ran with a data directory.
var ErrNoServer = errors.New("no server has run with this data directory yet")

// ReadClient reads how to talk to the server that runs, or last ran, with a data directory. The keys are opened with
// what keeper, a URL, leads to.
func ReadClient(ctx context.Context, data, keeper string) (*Client, error) {
	text, err := os.ReadFile(clientFile(data))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", data, ErrNoServer)
	} else if err != nil {
		return nil, err
	}
	c := new(Client)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading %s: %w", clientFile(data), err)
	}
	ring, err := seal.Open(ctx, keeper, data)
	if err != nil {
		return nil, err
	}
	ops, err := readOperators(data, ring)
	if err != nil {
		return nil, err
	}
	c.Operator, c.Root = ops.Operator, ops.Root
	return c, nil
}

func writeClient(data string, c *Client) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return disk.Replace(clientFile(data), append(text, '\n'))
}

func readOperators(data string, ring *seal.Ring) (*operators, error) {
	sealed, err := os.ReadFile(operatorFile(data))
	if err != nil {
		return nil, fmt.Errorf("reading the operator's keys: %w", err)
	}
	box, err := ring.Box("operator")
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(sealed, []byte("operator"))
	if err != nil {
		return nil, fmt.Errorf("unsealing %s: %w", operatorFile(data), err)
	}
	ops := new(operators)
	return ops, json.Unmarshal(plain, ops)
}

func writeOperators(data string, ring *seal.Ring, ops *operators) error {
	box, err := ring.Box("operator")
	if err != nil {
		return err
	}
	plain, err := json.Marshal(ops)
	if err != nil {
		return err
	}
	sealed, err := box.Seal(plain, []byte("operator"))
	if err != nil {
		return err
	}
	return disk.Replace(operatorFile(data), sealed)
}

// RotateRoot replaces the root key of a data directory and wraps the data keys anew.
func RotateRoot(ctx context.Context, data, keeper string) error {
	if data == "" {
		var err error
		if data, err = DefaultData(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(clientFile(data)); err != nil {
		return fmt.Errorf("%s: %w", data, ErrNoServer)
	}
	ring, err := seal.Open(ctx, keeper, data)
	if err != nil {
		return err
	}
	return errors.Join(ring.RotateRoot(ctx), ring.Close())
}
