package api

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"reflect"
	"slices"
	"time"

	"redoubt/internal/policy"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

// A Registry holds the operations of all services, and is the only way to them.
type Registry struct {
	db        *store.DB
	sessions  *Sessions
	log       *slog.Logger
	directory Directory
	recorder  Recorder
	organizer Organizer // nil where accounts belong to nothing

	services []*Entry
	byInput  map[reflect.Type]*Entry
}

// An Entry is a service as the registry knows it.
type Entry struct {
	Service Service
	Wire    *wire.Service
	Errors  Errors
	ops     map[string]*Operation
}

// NewRegistry returns a registry without services: they need it to be made. [Registry.Fill] completes it.
func NewRegistry(db *store.DB, sessions *Sessions, log *slog.Logger) *Registry {
	return &Registry{db: db, sessions: sessions, log: log, byInput: map[reflect.Type]*Entry{}}
}

// Fill adds the services, among them those that know identities and keep records. It is called once, before any call.
func (r *Registry) Fill(directory Directory, recorder Recorder, services ...Service) error {
	r.directory, r.recorder = directory, recorder
	for _, s := range services {
		if err := r.add(s); err != nil {
			return fmt.Errorf("service %s: %w", s.Name(), err)
		}
	}
	return nil
}

func (r *Registry) add(s Service) error {
	if o, ok := s.(Organizer); ok {
		r.organizer = o
	}
	e := &Entry{Service: s, ops: map[string]*Operation{}}
	var bindings []wire.Binding
	for _, op := range s.Operations() {
		e.ops[op.Name] = &op
		if r.byInput[reflect.PointerTo(op.In)] != nil {
			return fmt.Errorf("operation %s is listed twice", op.Name)
		}
		r.byInput[reflect.PointerTo(op.In)] = e
		bindings = append(bindings, wire.Binding{Name: op.Name, In: op.In, Out: op.Out})
	}
	var unions []wire.Union
	if u, ok := s.(Unioner); ok {
		unions = u.Unions()
	}
	var err error
	if e.Wire, err = wire.New(s.Model(), bindings, unions...); err != nil {
		return err
	}
	e.Errors = errorsOf(s.Name(), e.Wire.Protocols()[0])
	r.services = append(r.services, e)
	return nil
}

// Services lists what the registry holds.
func (r *Registry) Services() []*Entry { return slices.Clone(r.services) }

// Operation finds an operation by name.
func (e *Entry) Operation(name string) *Operation { return e.ops[name] }

// Directory returns who knows the identities.
func (r *Registry) Directory() Directory { return r.directory }

// Finder is how the policies of resources are bound to the users and roles that they name ([policy.Document.Bind]).
func (r *Registry) Finder(ctx context.Context) policy.Finder {
	return func(principal string) (string, bool, error) { return r.directory.UniqueID(ctx, principal) }
}

// Sessions returns who issues temporary credentials.
func (r *Registry) Sessions() *Sessions { return r.sessions }

// Call is how one service calls another: in-process, typed, and through the same authorisation and record as a request
// from outside. Who calls is told by ctx: the caller itself, [Via] or [As] a service.
func Call[Out, In any](ctx context.Context, r *Registry, in *In) (*Out, error) {
	out, err := r.Do(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

// Do authorises, runs and records the operation that takes in, a pointer to its input. When it returns, what the call
// changed and its record survive a crash.
func (r *Registry) Do(ctx context.Context, in any) (any, error) {
	e := r.byInput[reflect.TypeOf(in)]
	if e == nil {
		return nil, wire.Errorf("UnknownOperationException", 400, "%s is not an operation", path.Base(reflect.TypeOf(in).String()))
	}
	name := reflect.TypeOf(in).Elem().Name()
	op := e.ops[name[:len(name)-len("Input")]]
	inner, outermost := deferred(ctx)
	inner, err := op.callerOf(inner, in)
	var out any
	var touched []Resource
	var remarks map[string]string
	if err != nil {
		err = r.expected(inner, e, op, err)
	} else {
		out, touched, remarks, err = r.run(inner, e, op, in)
	}
	if recordErr := r.record(inner, e, op, in, out, touched, remarks, err); recordErr != nil {
		r.log.ErrorContext(ctx, "recording a call failed", "service", e.Service.Name(), "operation", op.Name, "error", recordErr)
		return nil, errInternal
	}
	if outermost {
		if syncErr := r.db.Sync(inner); syncErr != nil {
			r.log.ErrorContext(ctx, "writing to the store failed", "service", e.Service.Name(), "operation", op.Name, "error", syncErr)
			return nil, errInternal
		}
	}
	return out, err
}

type insideKey struct{}

// deferred returns the context of a call's own writes, which wait for the disk once, at the end of the outermost call.
func deferred(ctx context.Context) (inner context.Context, outermost bool) {
	if ctx.Value(insideKey{}) != nil {
		return ctx, false
	}
	return context.WithValue(store.Deferred(ctx), insideKey{}, true), true
}

func (r *Registry) run(ctx context.Context, e *Entry, op *Operation, in any) (out any, touched []Resource, remarks map[string]string, err error) {
	start := time.Now()
	touched, err = r.authorize(ctx, e, op, in)
	if err == nil {
		subjects := &subjects{allowed: touched}
		out, err = op.call(context.WithValue(ctx, subjectsKey{}, subjects), in)
		touched, remarks = subjects.all(), subjects.said()
	}
	if err != nil {
		out, remarks, err = nil, nil, r.expected(ctx, e, op, err)
	}
	if r.log.Enabled(ctx, slog.LevelDebug) {
		c := CallerOf(ctx)
		r.log.DebugContext(ctx, "call", "service", e.Service.Name(), "operation", op.Name, "principal", c.Principal.ARN,
			"request", c.Request.ID, "error", err, "took", time.Since(start))
	}
	return out, touched, remarks, err
}
