package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"redoubt/internal/authority"
	"redoubt/internal/front"
)

// listen opens the server's address, with TLS unless told otherwise.
func (a *App) listen() (net.Listener, *Client, error) {
	cfg := &a.Config
	l, err := net.Listen("tcp", cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, nil, fmt.Errorf("something else listens on %s: stop it, or choose another address with --listen ADDR", cfg.Listen)
	} else if err != nil {
		return nil, nil, fmt.Errorf("listening on %s: %w", cfg.Listen, err)
	}
	c := &Client{Region: cfg.Region, Account: cfg.Account, Endpoint: "https://" + clientAddress(l.Addr())}
	if cfg.InsecureHTTP {
		c.Endpoint = "http://" + clientAddress(l.Addr())
		return l, c, nil
	}
	t, err := a.tlsConfig(c)
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return tls.NewListener(l, t), c, nil
}

func (a *App) tlsConfig(c *Client) (*tls.Config, error) {
	cfg := &a.Config
	t := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("reading --tls-cert and --tls-key: %w", err)
		}
		t.Certificates = []tls.Certificate{cert}
		return t, nil
	}
	host, _, _ := net.SplitHostPort(cfg.Listen)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = ""
	}
	ca, err := authority.Open(tlsDir(cfg.Data), a.ring, host)
	if err != nil {
		return nil, fmt.Errorf("opening the local certificate authority: %w", err)
	}
	t.GetCertificate = ca.Certificate
	c.CAFile = authority.CertFile(tlsDir(cfg.Data))
	return t, nil
}

// clientAddress is the address that a client on this machine uses.
func clientAddress(a net.Addr) string {
	host, port, _ := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// httpServer limits what a client can make the server hold; an invocation may take 15 minutes to answer.
func (a *App) httpServer() *http.Server {
	return &http.Server{
		Handler:           a.door,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(quiet{a.Config.Log.Handler()}, slog.LevelDebug),
	}
}

// sandboxConnections is how many connections to the API a sandbox may have: what it sends on them takes memory of the
// server's, not of its own.
const sandboxConnections = 64

// serveSandbox answers the calls that a function makes from inside its sandbox, until its listener closes. The way there
// is private to the sandbox, and so counts as secure. Its address there is no address of this machine's: policies that let
// callers from 127.0.0.1 in do not mean functions.
func (a *App) serveSandbox(l net.Listener, _ string) {
	srv := a.httpServer()
	srv.ReadTimeout = 0
	srv.BaseContext = func(net.Listener) context.Context {
		return front.WithOrigin(context.Background(), front.Origin{Private: true, SourceIP: "AWS Internal"})
	}
	if err := srv.Serve(netutil.LimitListener(l, sandboxConnections)); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		a.Config.Log.Debug("serving a sandbox ended", "error", err)
	}
}

// quiet drops what net/http says of clients that hang up.
type quiet struct{ slog.Handler }

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "TLS handshake error") {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}
