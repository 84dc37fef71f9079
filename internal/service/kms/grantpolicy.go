package kms

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A statement is one statement of the policy that a grant stands for.
type statement struct {
	Effect    string
	Principal map[string]string
	Action    []string
	Resource  string
	Condition conditions `json:",omitempty"`
}

// conditions are condition operators with their keys and values.
type conditions map[string]map[string]any

func (c conditions) add(operator, key string, value any) {
	if c[operator] == nil {
		c[operator] = map[string]any{}
	}
	c[operator][key] = value
}

// statements are what the grant adds to the policy of its key: an allow for its operations under its constraints. Those
// on the encryption context are for operations that have one, and DescribeKey has none. RetireGrant is not here: it is a
// permission on the grant, not on the key.
func (g *Grant) statements() []statement {
	var crypto, describe, create []string
	for _, op := range g.Operations {
		switch op {
		case types.GrantOperationRetireGrant:
		case types.GrantOperationDescribeKey:
			describe = append(describe, "kms:"+string(op))
		case types.GrantOperationCreateGrant:
			create = append(create, "kms:"+string(op))
		default:
			crypto = append(crypto, "kms:"+string(op))
		}
	}
	var list []statement
	add := func(actions []string, c conditions) {
		if len(actions) > 0 {
			list = append(list, statement{"Allow", principalOf(cmp.Or(g.GranteeID, g.Grantee), g.GranteeService), actions, "*", c})
		}
	}
	add(crypto, g.constraints(g.source(conditions{})))
	add(describe, g.source(conditions{}))
	add(create, g.derived(g.constraints(g.source(conditions{}))))
	return list
}

// source is the constraint on whom a service acts for.
func (g *Grant) source(c conditions) conditions {
	if g.SourceARN != "" {
		c.add("ArnEquals", "aws:SourceArn", g.SourceARN)
	}
	return c
}

// constraints are those on the encryption context: all of it is as given, or has at least the given pairs.
func (g *Grant) constraints(c conditions) conditions {
	if len(g.Equals) > 0 {
		c.add("StringEquals", wholeContext, canonical(g.Equals))
	}
	for k, v := range g.Subset {
		c.add("StringEquals", contextPair(k), v)
	}
	return c
}

// derived keeps a grant that is made by permission of this one from giving more than this one does
// (https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant).
func (g *Grant) derived(c conditions) conditions {
	c.add("ForAllValues:StringEquals", "kms:GrantOperations", g.Operations)
	if g.SourceARN != "" {
		c.add("StringEquals", "kms:GrantConstraintSourceArn", g.SourceARN)
	}
	return c
}

// retirement is who may retire the grant: the principal it names for that, its grantee if it says so, and the account
// that made it, which may pass the permission on.
func (g *Grant) retirement() []statement {
	allow := func(principal map[string]string) statement {
		return statement{"Allow", principal, []string{"kms:RetireGrant"}, "*", nil}
	}
	list := []statement{allow(principalOf("arn:aws:iam::"+g.Issuer+":root", ""))}
	if g.retiring() != "" {
		list = append(list, allow(principalOf(cmp.Or(g.RetiringID, g.Retiring), g.RetiringService)))
	}
	for _, op := range g.Operations {
		if op == types.GrantOperationRetireGrant {
			list = append(list, allow(principalOf(cmp.Or(g.GranteeID, g.Grantee), g.GranteeService)))
		}
	}
	return list
}

func principalOf(arn, service string) map[string]string {
	if service != "" {
		return map[string]string{"Service": service}
	}
	return map[string]string{"AWS": arn}
}

// compile makes a policy of the statements of a grant. Its version is the old one, in which values are what they are:
// what looks like a policy variable in a constraint is none.
func (g *Grant) compile(list []statement) (*policy.Document, error) {
	if len(list) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(map[string]any{"Version": "2008-10-17", "Statement": list})
	if err != nil {
		return nil, fmt.Errorf("writing the policy of grant %s: %w", g.ID, err)
	}
	d, err := policy.Parse(string(text), policy.Resource)
	if err != nil {
		return nil, fmt.Errorf("compiling grant %s: %w", g.ID, err)
	}
	return d.Named("grant " + g.ID), nil
}

// policyFor is a key's policy with the grants that concern one caller. A key has up to 50,000 grants; a caller's are few.
func (s *Service) policyFor(ctx context.Context, k *live, who *policy.Principal) (*policy.Document, error) {
	names := granteesOf(who)
	if k.Grants == 0 || len(names) == 0 {
		return k.policy, nil
	}
	id := strings.Join(names, " ")
	if d := k.remembered(id); d != nil {
		return d, nil
	}
	docs := []*policy.Document{k.policy}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for _, grantee := range names {
			found, err := s.granted(tx, k.place(), grantee)
			if err != nil {
				return err
			}
			docs = append(docs, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := policy.Join(docs...)
	k.remember(id, d)
	return d, nil
}

// granteesOf are the names under which a caller may have been given a grant: users, and roles and users behind a
// session, are known by their unique ids.
func granteesOf(who *policy.Principal) (names []string) {
	for _, n := range []string{who.ARN, who.ID, who.Service} {
		if n != "" {
			names = append(names, n)
		}
	}
	if who.Account != "" && !who.Root {
		names = append(names, "arn:aws:iam::"+who.Account+":root")
	}
	return names
}

func (s *Service) granted(tx *store.Tx, p place, grantee string) (docs []*policy.Document, err error) {
	for r, err := range s.index.Scan(tx, store.Range{Prefix: []string{p.account, p.region, byGrantee, p.id, grantee}}) {
		if err != nil {
			return nil, err
		}
		g, err := s.getGrant(tx, p, r.Value.ID)
		if err != nil {
			return nil, err
		}
		d, err := g.compile(g.statements())
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// maxRemembered bounds what a key remembers of its grantees.
const maxRemembered = 1000

func (k *live) remembered(id string) *policy.Document {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.granted[id]
}

func (k *live) remember(id string, d *policy.Document) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.granted == nil || len(k.granted) >= maxRemembered {
		k.granted = map[string]*policy.Document{}
	}
	k.granted[id] = d
}
