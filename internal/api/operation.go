package api

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
)

// An Operation is a method together with what a caller needs to be allowed.
type Operation struct {
	Name    string
	In, Out reflect.Type
	Needs   []Need

	call     func(context.Context, any) (any, error)
	recorded string // its name in records, where that is not its own
	data     bool
	reads    bool
	unsigned bool
	answers  bool
	by       func(ctx context.Context, in any) (*Caller, error)
}

// Op declares an operation. Its name is that of the input type, and the first need is a parameter of its own so that
// no operation can go without one.
func Op[In, Out any](call func(context.Context, *In) (*Out, error), need Need, more ...Need) Operation {
	t := reflect.TypeFor[In]()
	name, ok := strings.CutSuffix(t.Name(), "Input")
	if !ok {
		panic(fmt.Sprintf("api: %s is not an operation's input", t))
	}
	op := Operation{
		Name: name, In: t, Out: reflect.TypeFor[Out](),
		Needs: append([]Need{need}, more...),
		call: func(ctx context.Context, in any) (out any, err error) {
			defer unexpected(&err)
			return call(ctx, in.(*In))
		},
		reads: readsByName(name),
	}
	for _, n := range op.Needs {
		n.mustFit(t)
	}
	return op
}

// unexpected turns a panic into an error, so that a call that meets a fault is answered and recorded like any other.
func unexpected(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// Data marks a call of the data plane, such as lambda:Invoke: CloudTrail keeps it only where asked to, unless it is refused.
func (o Operation) Data() Operation { o.data = true; return o }

// Reads marks a call that changes nothing although its name does not say so, such as kms:Decrypt.
func (o Operation) Reads() Operation { o.reads = true; return o }

// Writes marks a call that changes something although its name begins like a question.
func (o Operation) Writes() Operation { o.reads = false; return o }

// Unsigned lets callers without credentials reach the operation's needs, which then say who they are ([Need.By]).
func (o Operation) Unsigned() Operation { o.unsigned = true; return o }

// By finds out from the input who calls, for operations that carry their proof of identity in themselves. Together with an
// error it may return a caller: in whose trail the refusal is kept.
func (o Operation) By(who func(ctx context.Context, in any) (*Caller, error)) Operation {
	o.by = who
	return o
}

// Answers marks a call whose answer is recorded although it changes nothing: what it gives out, such as credentials, must
// be found again.
func (o Operation) Answers() Operation { o.answers = true; return o }

// RecordedAs sets the name under which CloudTrail has the operation, where that is not its own.
func (o Operation) RecordedAs(name string) Operation { o.recorded = name; return o }

// RecordName is the name of the operation in records.
func (o Operation) RecordName() string {
	if o.recorded != "" {
		return o.recorded
	}
	return o.Name
}

// IsData reports whether the operation belongs to the data plane.
func (o Operation) IsData() bool { return o.data }

// ReadOnly reports whether the operation changes nothing.
func (o Operation) ReadOnly() bool { return o.reads }

// TakesUnsigned reports whether the operation may be called without credentials.
func (o Operation) TakesUnsigned() bool { return o.unsigned }

// ProvesCaller reports whether the operation's input itself says and proves who calls.
func (o Operation) ProvesCaller() bool { return o.by != nil }

// readsByName follows the verbs that AWS gives to operations that change nothing.
func readsByName(name string) bool {
	for _, verb := range []string{"Get", "List", "Describe", "Lookup", "Filter", "Simulate", "Search", "Head", "BatchGet", "Query", "Scan"} {
		if strings.HasPrefix(name, verb) {
			return true
		}
	}
	return false
}

// callerOf returns the context of who calls, as the input proves.
func (o *Operation) callerOf(ctx context.Context, in any) (context.Context, error) {
	if o.by == nil {
		return ctx, nil
	}
	was := CallerOf(ctx)
	c, err := o.by(ctx, in)
	if c == nil {
		return ctx, err
	}
	c.Region, c.Request = was.Region, was.Request
	return WithCaller(ctx, c), err
}
