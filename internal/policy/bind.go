package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// A Finder tells the unique ID of the user or role that an "AWS" principal names, "" for other principals that exist,
// and not ok for those that do not.
type Finder func(principal string) (id string, ok bool, err error)

// Bindings are the unique IDs that users and roles had when a document was stored, by ARN. A document is bound to those,
// so that whoever is made later under the same name is not meant by it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type Bindings map[string]string

// Unbound is the error of a document that names a principal that does not exist.
type Unbound struct{ Principal string }

func (u *Unbound) Error() string { return fmt.Sprintf("no such principal: %s", u.Principal) }

// Bind finds the users and roles that a document names. It returns [*Unbound] if one of its "AWS" principals does not
// exist.
func (d *Document) Bind(find Finder) (Bindings, error) {
	bound := Bindings{}
	for _, name := range d.awsPrincipals() {
		id, ok, err := find(name)
		if err == nil && !ok {
			err = &Unbound{name}
		}
		if err != nil {
			return nil, err
		}
		if id != "" {
			bound[name] = id
		}
	}
	return bound, nil
}

// awsPrincipals is the "AWS" principals of the document's text, as they are written there.
func (d *Document) awsPrincipals() (list []string) {
	raw, _ := read(d.text, d.kind) // a document's text has been read before
	for _, s := range raw.statements {
		for _, n := range []*node{s.principal, s.notPrincipal} {
			if n == nil || n.kind != '{' {
				continue
			}
			if i := slices.Index(n.names, "AWS"); i >= 0 {
				names, _ := stringsOf(n.values[i], false)
				list = append(list, names...)
			}
		}
	}
	return list
}

// Bound is a copy of the document in which users and roles are meant by their unique IDs.
func (d *Document) Bound(to Bindings) *Document {
	if len(to) == 0 {
		return d
	}
	bound := *d
	bound.statements = make([]*statement, len(d.statements))
	for i, s := range d.statements {
		c := *s
		c.principals = slices.Clone(s.principals)
		for j, p := range c.principals {
			if id := to[p.value]; p.kind == entity && id != "" {
				c.principals[j] = principal{uniqueID, id}
			}
		}
		bound.statements[i] = &c
	}
	bound.index()
	return &bound
}

// Gone is those of the bindings whose user or role is no more, or is another one now.
func (b Bindings) Gone(find Finder) (Bindings, error) {
	var gone Bindings
	for arn, id := range b {
		now, _, err := find(arn)
		if err != nil {
			return nil, err
		}
		if now == id {
			continue
		}
		if gone == nil {
			gone = Bindings{}
		}
		gone[arn] = id
	}
	return gone, nil
}

// Show is the text of a bound document as it is shown: who is gone has the unique ID that nobody will ever have again.
func (b Bindings) Show(text string, find Finder) (string, error) {
	gone, err := b.Gone(find)
	if err != nil || len(gone) == 0 {
		return text, err
	}
	return gone.replace(text)
}

// replace writes a document again with unique IDs in place of ARNs.
func (b Bindings) replace(text string) (string, error) {
	var d map[string]any
	in := json.NewDecoder(bytes.NewReader([]byte(text)))
	in.UseNumber()
	if err := in.Decode(&d); err != nil {
		return "", fmt.Errorf("reading a policy: %w", err)
	}
	for _, statement := range asList(d["Statement"]) {
		s, _ := statement.(map[string]any)
		for _, element := range []string{"Principal", "NotPrincipal"} {
			p, _ := s[element].(map[string]any)
			if p == nil || p["AWS"] == nil {
				continue
			}
			names := asList(p["AWS"])
			for i, name := range names {
				if id := b[fmt.Sprint(name)]; id != "" {
					names[i] = id
				}
			}
			p["AWS"] = names
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(d)
	return string(bytes.TrimSpace(out.Bytes())), err
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}
