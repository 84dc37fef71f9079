package api

import (
	"context"
	"fmt"
	"reflect"

	"redoubt/internal/policy"
)

// A Need is a permission on a resource.
type Need struct {
	action   string // "" means the action named after the operation
	field    string // input field that names the resource, or ""
	resolve  func(ctx context.Context, name string) (Resource, error)
	perInput func(ctx context.Context, in any) (Resource, error)
	input    reflect.Type // what perInput takes
	keys     []KeysOf
	when     func(ctx context.Context, in any) bool
	to       string
	free     bool
	used     bool
}

// KeysOf finds the condition keys that an input brings; their names are in lower case.
type KeysOf func(ctx context.Context, in any) policy.MapKeys

// Resource is what a decision is about: its name, its tags and its own policy.
type Resource struct {
	ARN     string
	Type    string // as CloudTrail names it: "AWS::KMS::Key"
	Account string // its owner; "" means the account in the ARN, or else the caller's
	Tags    map[string]string
	Policy  *policy.Document
	// MustDelegate marks a resource whose own policy is the root of trust, as KMS keys and roles have it: identity
	// policies count only where that policy gives the account a say.
	MustDelegate bool
	// Keys are condition keys that the resource brings, such as kms:KeySpec; names in lower case.
	Keys policy.MapKeys
	// More, if not nil, finds those that cost something to find, or whose names have no end: s3:ExistingObjectTag/KEY. It is
	// asked only for what a policy mentions.
	More policy.Keys
}

var (
	// Anything is the need of operations that act on no particular resource: the action on "*".
	Anything = Need{}
	// Authenticated is the need of the few operations that AWS lets every authenticated caller use, whatever its
	// policies say, such as sts:GetCallerIdentity.
	Authenticated = Need{free: true}
)

// On makes needs for one kind of resource. resolve returns the ARN even of what does not exist, so that a stranger is
// denied before learning that it is missing; it gets "" where the input names none, and answers for the default.
func On(resolve func(ctx context.Context, name string) (Resource, error)) func(field string) Need {
	return func(field string) Need { return Need{field: field, resolve: resolve} }
}

// Of makes a need whose resource takes the whole input to tell.
func Of[In any](resolve func(ctx context.Context, in *In) (Resource, error)) Need {
	return Need{
		input:    reflect.TypeFor[In](),
		perInput: func(ctx context.Context, in any) (Resource, error) { return resolve(ctx, in.(*In)) },
	}
}

// For overrides the IAM action where AWS names it unlike the operation: "lambda:InvokeFunction".
func (n Need) For(action string) Need { n.action = action; return n }

// To says which service a role is passed to (iam:PassedToService).
func (n Need) To(service string) Need { n.to = service; return n }

// With adds condition keys that the input brings.
func (n Need) With(keys ...KeysOf) Need {
	n.keys = append(n.keys[:len(n.keys):len(n.keys)], keys...)
	return n
}

// When limits the need to inputs that ask for it, as sts:TagSession is needed only where tags are given.
func (n Need) When(asked func(in any) bool) Need {
	return n.WhenCalled(func(_ context.Context, in any) bool { return asked(in) })
}

// WhenCalled limits the need to calls that ask for it, by their input or by what the caller's session brings.
func (n Need) WhenCalled(asked func(ctx context.Context, in any) bool) Need { n.when = asked; return n }

// Used marks resources that a call only uses, as functions use layers. Whoever owns them in another account decides about that,
// but its trail has nothing of what the caller makes with them.
func (n Need) Used() Need { n.used = true; return n }

// Action is the IAM action that the need asks for in an operation of service.
func (n Need) Action(service, operation string) string {
	if n.action != "" {
		return n.action
	}
	return service + ":" + operation
}

// Field is the input field that names the resource, or "".
func (n Need) Field() string { return n.field }

// IsFree reports whether being authenticated is enough.
func (n Need) IsFree() bool { return n.free }

// IsAnything reports whether the need is about no particular resource: the action on "*".
func (n Need) IsAnything() bool { return !n.free && n.resolve == nil && n.perInput == nil }

// IsConditional reports whether only some inputs have the need.
func (n Need) IsConditional() bool { return n.when != nil }

func (n Need) mustFit(in reflect.Type) {
	if _, ok := in.FieldByName(n.field); n.field != "" && !ok {
		panic(fmt.Sprintf("api: %s has no field %s", in, n.field))
	}
	if n.input != nil && n.input != in {
		panic(fmt.Sprintf("api: a need of %s is used for %s", n.input, in))
	}
}

// resources resolves what the need is about. An optional field that is not there needs nothing; the first need of an
// operation always asks.
func (n Need) resources(ctx context.Context, in any, first bool) ([]Resource, error) {
	switch {
	case n.when != nil && !n.when(ctx, in):
		return nil, nil
	case n.perInput != nil:
		return one(n.perInput(ctx, in))
	case n.resolve == nil:
		return []Resource{{ARN: "*"}}, nil
	}
	names := namesIn(in, n.field)
	if len(names) == 0 {
		if !first {
			return nil, nil
		}
		names = []string{""}
	}
	var all []Resource
	for _, name := range names {
		r, err := n.resolve(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func one(r Resource, err error) ([]Resource, error) {
	if err != nil {
		return nil, err
	}
	return []Resource{r}, nil
}

// namesIn reads the non-empty names in a string, *string, or []string field.
func namesIn(in any, field string) []string {
	if field == "" {
		return nil
	}
	v := reflect.Indirect(reflect.ValueOf(in).Elem().FieldByName(field))
	switch {
	case !v.IsValid():
		return nil
	case v.Kind() == reflect.String && v.Len() > 0:
		return []string{v.String()}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		return v.Convert(reflect.TypeFor[[]string]()).Interface().([]string)
	}
	return nil
}
