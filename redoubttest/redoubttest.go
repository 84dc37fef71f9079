// Package redoubttest runs a whole Redoubt inside a Go test.
//
//	func TestMain(m *testing.M) { redoubttest.Main(m) }
//
//	func TestUpload(t *testing.T) {
//		cfg := redoubttest.Start(t)
//		client := kms.NewFromConfig(cfg)
//		...
//	}
//
// Nothing is mocked: signatures, permissions, records, encryption and sandboxes are those of the server. Only where the
// host cannot give a sandbox every layer, as for an ordinary user without control groups, is that accepted without asking:
// the functions of a test are its author's own.
package redoubttest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"redoubt/internal/app"
	"redoubt/internal/patient"
	"redoubt/internal/sandbox"
)

// Main runs the tests of a package. It belongs into TestMain of packages whose tests run functions, because the test
// binary is started again as the helper process of the sandbox.
func Main(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

// Start returns the configuration of an AWS SDK for an account of its own, as its administrator. The tests of a process
// share a server while they overlap; the last one to end stops it and removes its data.
func Start(t testing.TB) aws.Config {
	t.Helper()
	s := acquire(t)
	t.Cleanup(func() { release(t) })
	return s.Account(t)
}

// A Server is a running Redoubt.
type Server struct {
	App    *app.App
	Client *app.Client
	stop   context.CancelFunc
	done   chan error
	dir    string
}

var shared struct {
	sync.Mutex
	server *Server
	users  int
	next   int
}

func acquire(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		dir, err := os.MkdirTemp("", "redoubttest")
		if err != nil {
			t.Fatal(err)
		}
		if shared.server, err = run(app.Config{Data: dir}); err != nil {
			os.RemoveAll(dir)
			t.Fatalf("starting Redoubt: %v", err)
		}
		shared.server.dir = dir
	}
	shared.users++
	return shared.server
}

func release(t testing.TB) {
	shared.Lock()
	defer shared.Unlock()
	if shared.users--; shared.users > 0 {
		return
	}
	if err := shared.server.Stop(); err != nil {
		t.Errorf("stopping Redoubt: %v", err)
	}
	os.RemoveAll(shared.server.dir)
	shared.server = nil
}

// Run starts a server of its own with a configuration; an empty Listen is a free loopback port. It stops with the test.
func Run(t testing.TB, cfg app.Config) *Server {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = t.TempDir()
	}
	s, err := run(cfg)
	if err != nil {
		t.Fatalf("starting Redoubt: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stopping Redoubt: %v", err)
		}
	})
	return s
}

func run(cfg app.Config) (*Server, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	cfg.AllowWeakSandbox = true // the functions are the developer's own
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{stop: stop, done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() {
		s.done <- app.Run(ctx, cfg, func(a *app.App, c *app.Client) {
			s.App, s.Client = a, c
			close(ready)
		})
	}()
	select {
	case <-ready:
		return s, nil
	case err := <-s.done:
		stop()
		return nil, err
	}
}

// Stop drains the server. It may be called more than once.
func (s *Server) Stop() error {
	s.stop()
	err, ok := <-s.done
	if ok {
		close(s.done)
	}
	return err
}

// Account opens a new account and returns its administrator's configuration.
func (s *Server) Account(t testing.TB) aws.Config {
	t.Helper()
	shared.Mutex.Lock()
	shared.next++
	number := fmt.Sprintf("%012d", 200000000000+shared.next)
	shared.Mutex.Unlock()
	keys, err := s.App.OpenAccount(context.Background(), number)
	if err != nil {
		t.Fatalf("opening an account: %v", err)
	}
	return s.Config(t, keys.AccessKey, keys.SecretKey, "")
}

// Config returns the configuration of an SDK that signs with the given keys.
func (s *Server) Config(t testing.TB, accessKey, secretKey, token string) aws.Config {
	t.Helper()
	text, err := os.ReadFile(s.Client.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region: s.Client.Region, BaseEndpoint: aws.String(s.Client.Endpoint), RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: patient.Transport{Transport: transport}, Timeout: time.Minute},
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, token),
	}
}

// With returns cfg signing with other keys.
func With(cfg aws.Config, accessKey, secretKey, token string) aws.Config {
	cfg.Credentials = credentials.NewStaticCredentialsProvider(accessKey, secretKey, token)
	return cfg
}
