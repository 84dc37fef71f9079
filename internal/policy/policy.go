// Package policy is the IAM policy language: it parses and validates policy documents, compiles them, and decides
// requests from all the policies that apply, with reasons.
//
// It is pure: no I/O, no clock, no context. A Document is immutable once parsed and safe for concurrent use.
// The rules are those of the IAM user guide, "Policy evaluation logic" and "IAM JSON policy element reference".
package policy

import (
	"fmt"
	"slices"
)

// Kind says what a document is attached to, which decides what it may contain and how it counts.
type Kind uint8

// The kinds of policies that take part in a decision.
const (
	Identity        Kind = iota // attached to a user, group or role
	Resource                    // attached to a resource
	Trust                       // a role's trust policy: the resource policy of a role
	Boundary                    // a permissions boundary
	Session                     // passed when a session began
	ServiceControl              // an organisation's service control policy
	ResourceControl             // an organisation's resource control policy
	Endpoint                    // attached to a VPC endpoint
)

var kindNames = [...]string{
	Identity: "identity", Resource: "resource", Trust: "trust", Boundary: "boundary", Session: "session",
	ServiceControl: "serviceControl", ResourceControl: "resourceControl", Endpoint: "endpoint",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Malformed is the error of a document that IAM refuses. Message has IAM's wording; the error code
// (MalformedPolicyDocument, MalformedPolicy, ...) is the service's own.
type Malformed struct{ Message string }

func (m *Malformed) Error() string { return m.Message }

// MaxText is the longest document that Parse looks at, in bytes. The quotas of the services are far smaller;
// this one protects the parser.
const MaxText = 200 << 10

// Document is one parsed policy.
type Document struct {
	text       string
	kind       Kind
	version    string
	name       string
	statements []*statement
	allows     []*statement // the statements again, by effect
	denies     []*statement
}

// Parse validates a document of the given kind and compiles it. Its error is a *Malformed.
func Parse(text string, kind Kind) (*Document, error) {
	raw, err := read(text, kind)
	if err != nil {
		return nil, err
	}
	if err := raw.validate(kind); err != nil {
		return nil, err
	}
	return compile(text, kind, raw)
}

// ParseManaged parses a document that becomes a managed policy. Unlike an inline policy it must carry the current
// version of the language.
func ParseManaged(text string) (*Document, error) {
	raw, err := read(text, Identity)
	if err != nil {
		return nil, err
	}
	if raw.version != current {
		return nil, &Malformed{"Policy document must be version 2012-10-17 or greater."}
	}
	return Parse(text, Identity)
}

// MustParse is Parse for documents that are part of the program. It panics when the document is malformed.
func MustParse(text string, kind Kind) *Document {
	d, err := Parse(text, kind)
	if err != nil {
		panic(fmt.Sprintf("policy: %v: %s", err, text))
	}
	return d
}

// Text is the document as it was given to Parse.
func (d *Document) Text() string { return d.text }

// Kind is the kind that the document was parsed as.
func (d *Document) Kind() Kind { return d.kind }

// Version is the version of the policy language: 2012-10-17, or 2008-10-17, which is also that of a document
// without a Version element.
func (d *Document) Version() string { return d.version }

// Named is a copy of the document that carries a name, an ARN or an inline policy's name, for reasons.
func (d *Document) Named(name string) *Document {
	named := *d
	named.name = name
	named.statements = make([]*statement, len(d.statements))
	for i, s := range d.statements {
		c := *s
		c.self[0].Policy = name
		named.statements[i] = &c
	}
	named.index()
	return &named
}

// Name is what Named gave the document, or "".
func (d *Document) Name() string { return d.name }

// Join is one document with the statements of several, nil ones left out. It is of the kind of the first, and its
// statements keep the names of the documents they came from. Join of nothing is nil.
func Join(docs ...*Document) *Document {
	docs = slices.DeleteFunc(slices.Clone(docs), func(d *Document) bool { return d == nil })
	if len(docs) == 0 {
		return nil
	}
	joined := *docs[0]
	joined.statements = nil
	for _, d := range docs {
		joined.statements = append(joined.statements, d.statements...)
	}
	joined.index()
	return &joined
}

// index sorts the statements by effect, so that a decision reads denials first.
func (d *Document) index() {
	d.allows, d.denies = nil, nil
	for _, s := range d.statements {
		if s.deny {
			d.denies = append(d.denies, s)
		} else {
			d.allows = append(d.allows, s)
		}
	}
}
