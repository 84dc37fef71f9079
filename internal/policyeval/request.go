package policyeval

import (
	"errors"
	"fmt"
	"strings"

	"redoubt/internal/arn"
	"redoubt/internal/policy"
)

// worker decides lines. It is used by one goroutine; what it holds is used again from line to line.
type worker struct {
	documents *documents
	scan      scanner
	id        []byte // as it stands in the line
	request   policy.Request
	set       policy.Set
	keys      policy.MapKeys
	resource  []byte // the resource's policy, whose kind shows only at the end of the line
}

// parse reads a line.
func (w *worker) parse(text []byte) error {
	clear(w.keys)
	*w = worker{documents: w.documents, keys: w.keys, scan: scanner{text: text}}
	if w.keys == nil {
		w.keys = policy.MapKeys{}
	}
	w.request.Keys = w.keys
	if err := w.scan.object("the line", w.field); err != nil {
		return err
	}
	if w.scan.peek() != 0 {
		return errSyntax
	}
	return w.finish()
}

// field reads one field of a line. An explicit null is as if the field was absent.
func (w *worker) field(name string) (err error) {
	if w.scan.null() {
		return nil
	}
	switch name {
	case "id":
		return w.readID()
	case "principal":
		return w.principal()
	case "action":
		w.request.Action, err = w.scan.string(name)
	case "resource":
		w.request.Resource, err = w.scan.string(name)
	case "resourceAccount":
		w.request.ResourceAccount, err = w.scan.string(name)
	case "context":
		return w.scan.object(name, w.key)
	case "resourcePolicy":
		w.resource, err = w.scan.value()
	default:
		return w.policies(name)
	}
	return err
}

// policies reads a field that holds documents.
func (w *worker) policies(name string) (err error) {
	switch name {
	case "identityPolicies":
		w.set.Identity, err = w.list(place{name, policy.Identity, -1, 0})
	case "sessionPolicies":
		w.set.Session, err = w.list(place{name, policy.Session, -1, 0})
	case "permissionsBoundary":
		w.set.Boundary, err = w.document(place{name, policy.Boundary, -1, -1})
	case "endpointPolicy":
		w.set.Endpoint, err = w.document(place{name, policy.Endpoint, -1, -1})
	case "serviceControlPolicies":
		w.set.ServiceControl, err = w.levels(place{name, policy.ServiceControl, 0, 0})
	case "resourceControlPolicies":
		w.set.ResourceControl, err = w.levels(place{name, policy.ResourceControl, 0, 0})
	default:
		return fmt.Errorf("unknown field %q", name)
	}
	return err
}

// readID keeps the text of the identifier, to be written as it was read.
func (w *worker) readID() error {
	w.scan.peek()
	start := w.scan.at
	if _, err := w.scan.scalar("id"); err != nil {
		return err
	}
	w.id = w.scan.text[start:w.scan.at]
	return nil
}

// key reads a condition key: a scalar or a list of them.
func (w *worker) key(name string) error {
	key := strings.ToLower(name)
	add := func(int) error {
		value, err := w.scan.scalar(name)
		w.keys[key] = append(w.keys[key], value)
		return err
	}
	if w.scan.peek() != '[' {
		return add(0)
	}
	w.keys[key] = []string{}
	return w.scan.array(name, add)
}

func (w *worker) document(at place) (*policy.Document, error) {
	raw, err := w.scan.value()
	if err != nil {
		return nil, err
	}
	return w.documents.parse(raw, at)
}

func (w *worker) list(at place) (list []*policy.Document, err error) {
	err = w.scan.array(at.field, func(i int) error {
		at.index = i
		d, err := w.document(at)
		list = append(list, d)
		return err
	})
	return list, err
}

func (w *worker) levels(at place) (levels [][]*policy.Document, err error) {
	err = w.scan.array(at.field, func(i int) error {
		at.level = i
		level, err := w.list(at)
		levels = append(levels, level)
		return err
	})
	return levels, err
}

// principal reads who makes the request: an ARN, or an object with one member.
func (w *worker) principal() error {
	who := &w.request.Principal
	if w.scan.peek() != '{' {
		text, err := w.scan.string("principal")
		if err != nil {
			return err
		}
		*who, err = parsePrincipal(text)
		return err
	}
	return w.scan.object("principal", func(name string) (err error) {
		switch name {
		case "service":
			who.Service, err = w.scan.string(name)
		case "federated":
			who.Federated, err = w.scan.string(name)
		case "anonymous":
			var text string
			text, err = w.scan.scalar(name)
			who.Anonymous = text == "true"
		default:
			err = fmt.Errorf("a principal has no %q; it is an ARN or one of service, federated and anonymous", name)
		}
		return err
	})
}

// parsePrincipal reads the ARN of a caller. A role's own ARN stands for any session of that role.
func parsePrincipal(text string) (policy.Principal, error) {
	a, err := arn.Parse(text)
	if err != nil {
		return policy.Principal{}, fmt.Errorf("principal: %w", err)
	}
	who := policy.Principal{ARN: text, Account: a.Account}
	kind, name := a.Split()
	switch {
	case a.Service == "iam" && a.Resource == "root":
		who.Root = true
	case a.Service == "iam" && kind == "user", a.Service == "sts" && kind == "federated-user":
	case a.Service == "iam" && kind == "role":
		who.Role = text
	case a.Service == "sts" && kind == "assumed-role":
		role, _, _ := strings.Cut(name, "/")
		who.Role = arn.ARN{Partition: a.Partition, Service: "iam", Account: a.Account, Resource: "role/" + role}.String()
	default:
		return who, fmt.Errorf("principal: %q is not a user, role, role session, federated user or root user", text)
	}
	return who, nil
}

// finish derives what the fields imply, and checks that the needed ones were there.
func (w *worker) finish() (err error) {
	who := &w.request.Principal
	switch {
	case who.ARN == "" && who.Service == "" && who.Federated == "" && !who.Anonymous:
		return errors.New("principal is missing")
	case w.request.Action == "":
		return errors.New("action is missing")
	case w.request.Resource == "":
		return errors.New("resource is missing")
	}
	resource, _ := arn.Parse(w.request.Resource)
	if w.request.ResourceAccount == "" {
		w.request.ResourceAccount = resource.Account
	}
	kind, _ := resource.Split()
	key := resource.Service == "kms" && kind == "key"
	trust := resource.Service == "iam" && kind == "role" && strings.HasPrefix(strings.ToLower(w.request.Action), "sts:")
	w.set.MustDelegate = key || trust
	at := place{"resourcePolicy", policy.Resource, -1, -1}
	if trust {
		at.kind = policy.Trust
	}
	if w.resource != nil {
		w.set.Resource, err = w.documents.parse(w.resource, at)
	}
	return err
}
