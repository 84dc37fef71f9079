// Package app makes a server of configuration: engines, services, and the door in front of them.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"redoubt/internal/api"
	"redoubt/internal/blob"
	"redoubt/internal/front"
	"redoubt/internal/sandbox"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
	"redoubt/internal/work"
)

// An App is a server whose parts are open and whose services are ready.
type App struct {
	Config   Config
	Operator Credentials // of the account made at first start
	Weak     []sandbox.Weakness

	ring     *seal.Ring
	db       *store.DB
	blobs    *blob.Store
	engine   sandbox.Engine
	registry *api.Registry
	services services
	door     *front.Door
}

// Open opens what a configuration names, and creates it where it is not there yet.
func Open(ctx context.Context, cfg Config) (*App, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	a := &App{Config: cfg}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	cfg := &a.Config
	if err := makeData(cfg.Data); err != nil {
		return err
	}
	var err error
	if a.ring, err = seal.Open(ctx, cfg.Seal, cfg.Data); err != nil {
		return err
	}
	engine, err := embedded.Open(storeDir(cfg.Data), a.ring)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("another redoubt serve uses the data directory %s: stop it, or give this one its own with --data DIR", cfg.Data)
	} else if err != nil {
		return err
	}
	if a.db, err = store.Open(engine, a.ring); err != nil {
		return errors.Join(err, engine.Close())
	}
	if a.blobs, err = blob.Open(blobDir(cfg.Data), a.ring); err != nil {
		return err
	}
	if err := a.findAccount(); err != nil {
		return err
	}
	egress, err := cfg.egress()
	if err != nil {
		return err
	}
	a.engine, err = sandbox.Open(sandbox.Options{AllowWeaker: cfg.AllowWeakSandbox, StateDir: cfg.Data, Egress: egress})
	if weak := (*sandbox.WeakError)(nil); errors.As(err, &weak) {
		return fmt.Errorf("%w\n  Or accept less with --allow-weaker-sandbox, if you trust the functions", err)
	} else if err != nil {
		return err
	}
	a.Weak = a.engine.Weaknesses()
	sessions, err := api.NewSessions(a.ring)
	if err != nil {
		return err
	}
	a.registry = api.NewRegistry(a.db, sessions, cfg.Log)
	a.door = front.New(a.registry, cfg.Account, cfg.Region)
	err = a.makeServices(api.Deps{
		DB: a.db, Ring: a.ring, Blobs: a.blobs, API: a.registry, Sessions: sessions, Log: cfg.Log,
		Account: cfg.Account, Region: cfg.Region,
	})
	if err != nil {
		return err
	}
	return a.bootstrap(ctx)
}

// findAccount settles which account is the first: that of the first start, at which one may ask for it.
func (a *App) findAccount() error {
	asked := a.Config.Account
	ops, err := readOperators(a.Config.Data, a.ring)
	switch {
	case errors.Is(err, os.ErrNotExist):
		a.Config.Account = or(asked, DefaultAccount)
	case err != nil:
		return err
	case asked != "" && asked != ops.Account:
		return fmt.Errorf("--account %s: the data directory %s has the account %s: leave --account out, or name another directory with --data DIR",
			asked, a.Config.Data, ops.Account)
	default:
		a.Config.Account = ops.Account
	}
	return nil
}

// bootstrap makes the first account when there is none, and keeps its keys for [ReadClient].
func (a *App) bootstrap(ctx context.Context) error {
	ops, err := readOperators(a.Config.Data, a.ring)
	if err == nil {
		a.Operator = ops.Operator
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	made, err := a.services.iam.Bootstrap(ctx, a.Config.Account)
	if err != nil {
		return fmt.Errorf("making the account %s: %w", a.Config.Account, err)
	}
	ops = &operators{
		Account:  a.Config.Account,
		Operator: Credentials{made.AccessKey, made.Secret.Reveal()},
		Root:     Credentials{made.RootKey, made.RootSecret.Reveal()},
	}
	a.Operator = ops.Operator
	return writeOperators(a.Config.Data, a.ring, ops)
}

// Registry returns the operations, for tests and tools that look at the table.
func (a *App) Registry() *api.Registry { return a.registry }

// drainTime bounds how long calls and invocations in flight may take to finish; answerTime is for telling the callers of
// those that did not.
const (
	drainTime  = 30 * time.Second
	answerTime = 3 * time.Second
)

// Serve listens and answers until ctx ends, then drains: no new work, what is in flight finishes, nothing is lost.
// ready, if not nil, is called once with how to reach the server.
func (a *App) Serve(ctx context.Context, ready func(*Client)) error {
	l, client, err := a.listen()
	if err != nil {
		return err
	}
	if err := writeClient(a.Config.Data, client); err != nil {
		l.Close()
		return err
	}
	running, stopRunning := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRunning()
	group, running := errgroup.WithContext(running)
	a.startWork(running, group)
	srv := a.httpServer()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	if ready != nil {
		ready(client)
	}
	select {
	case err = <-served:
	case <-running.Done():
		err = context.Cause(running)
	case <-ctx.Done():
		err = a.drain(srv)
	}
	stopRunning()
	return errors.Join(err, group.Wait())
}

// startWork starts what goes on in the background until ctx ends.
func (a *App) startWork(ctx context.Context, group *errgroup.Group) {
	for _, s := range a.registry.Services() {
		if r, ok := s.Service.(api.Runner); ok {
			group.Go(func() error { return ignoreCancel(r.Run(ctx)) })
		}
	}
	group.Go(func() error { return work.Every(ctx, time.Hour, a.sweepBlobs) })
}

type shutter interface{ Shutdown(context.Context) error }

func (a *App) drain(srv shutter) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	answers, cancelAnswers := context.WithTimeout(context.Background(), drainTime+answerTime)
	defer cancelAnswers()
	var group errgroup.Group
	group.Go(func() error { return srv.Shutdown(answers) })
	group.Go(func() error { return a.services.lambda.Drain(ctx) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("draining: %w", err)
	}
	return nil
}

// Close releases everything. Whatever was acknowledged is on the disk already.
func (a *App) Close() error {
	var err error
	if a.engine != nil {
		err = errors.Join(err, a.engine.Close())
	}
	if a.db != nil {
		err = errors.Join(err, a.db.Close())
	}
	if a.ring != nil {
		err = errors.Join(err, a.ring.Close())
	}
	return err
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Run opens a server and serves until ctx ends.
func Run(ctx context.Context, cfg Config, ready func(*App, *Client)) error {
	a, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = a.Serve(ctx, func(c *Client) { ready(a, c) })
	return errors.Join(err, a.Close())
}

// OpenAccount makes another account and returns its administrator's keys, for tests.
func (a *App) OpenAccount(ctx context.Context, number string) (Credentials, error) {
	made, err := a.services.iam.Bootstrap(ctx, number)
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{made.AccessKey, made.Secret.Reveal()}, nil
}
