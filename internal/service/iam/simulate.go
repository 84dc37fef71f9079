package iam

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// simulation is a set of policies to ask, with what is known of the imagined caller.
type simulation struct {
	caller  policy.Principal
	set     policy.Set
	facts   policy.MapKeys    // condition keys, in lower case
	names   map[string]string // condition keys as the policies spell them, by lower case
	texts   map[string]string // documents by name
	account string            // that owns the resources
}

// ask is what both simulating operations are asked.
type ask struct {
	actions, resources, policies, boundary []string
	caller, resourcePolicy, owner, option  *string
	entries                                []types.ContextEntry
	marker                                 *string
	max                                    *int32
}

// SimulateCustomPolicy decides calls by policies that are not attached to anything.
func (s *Service) SimulateCustomPolicy(ctx context.Context, in *iam.SimulateCustomPolicyInput) (*iam.SimulateCustomPolicyOutput, error) {
	a := &ask{
		in.ActionNames, in.ResourceArns, in.PolicyInputList, in.PermissionsBoundaryPolicyInputList,
		in.CallerArn, in.ResourcePolicy, in.ResourceOwner, in.ResourceHandlingOption, in.ContextEntries, in.Marker, in.MaxItems,
	}
	m, err := newSimulation(ctx, a)
	if err != nil {
		return nil, err
	}
	for level, p := range in.OrderedOrganizationPolicyInputList {
		var docs []*policy.Document
		for i, text := range p.ServiceControlPolicyInputList {
			d, err := m.parse(text, policy.ServiceControl, fmt.Sprintf("OrderedOrganizationPolicyInputList.%d.%d", level+1, i+1))
			if err != nil {
				return nil, err
			}
			docs = append(docs, d)
		}
		m.set.ServiceControl = append(m.set.ServiceControl, docs)
	}
	results, next, err := m.run(a)
	if err != nil {
		return nil, err
	}
	return &iam.SimulateCustomPolicyOutput{EvaluationResults: results, IsTruncated: next != nil, Marker: next}, nil
}

// SimulatePrincipalPolicy decides calls by the policies of a user, group or role.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput, error) {
	a := &ask{
		in.ActionNames, in.ResourceArns, in.PolicyInputList, in.PermissionsBoundaryPolicyInputList,
		in.CallerArn, in.ResourcePolicy, in.ResourceOwner, in.ResourceHandlingOption, in.ContextEntries, in.Marker, in.MaxItems,
	}
	if a.caller == nil {
		a.caller = in.PolicySourceArn
	}
	m, err := newSimulation(ctx, a)
	if err != nil {
		return nil, err
	}
	x, err := read(ctx, s, func(tx *store.Tx) (*source, error) { return s.source(tx, account(ctx), *in.PolicySourceArn) })
	if err != nil {
		return nil, err
	}
	if err := m.add(x, in); err != nil {
		return nil, err
	}
	results, next, err := m.run(a)
	if err != nil {
		return nil, err
	}
	return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: results, IsTruncated: next != nil, Marker: next}, nil
}

// newSimulation reads what both operations have in common.
func newSimulation(ctx context.Context, a *ask) (*simulation, error) {
	m := &simulation{
		facts: policy.MapKeys{}, names: map[string]string{}, texts: map[string]string{}, account: account(ctx),
	}
	if a.option != nil {
		return nil, invalid("ResourceHandlingOption %s is not supported by Redoubt yet.", *a.option)
	}
	if a.resourcePolicy != nil && a.caller == nil {
		return nil, invalid("CallerArn is required when a ResourcePolicy is specified.")
	}
	m.setCaller(ctx, aws.ToString(a.caller))
	if a.owner != nil {
		m.account, _ = strings.CutSuffix(strings.TrimPrefix(*a.owner, "arn:aws:iam::"), ":root")
	}
	if err := m.parseAll(a); err != nil {
		return nil, err
	}
	at := time.Now().UTC()
	m.facts["aws:currenttime"] = []string{at.Format(time.RFC3339)}
	m.facts["aws:epochtime"] = []string{strconv.FormatInt(at.Unix(), 10)}
	for _, e := range a.entries {
		m.facts[strings.ToLower(*e.ContextKeyName)] = e.ContextKeyValues
	}
	return m, nil
}

func (m *simulation) setCaller(ctx context.Context, arn string) {
	m.caller = policy.Principal{ARN: arn, Account: account(ctx)}
	of, noun := owner(arn)
	if of == "" {
		m.caller.ARN = rootARN(account(ctx))
		return
	}
	m.caller.Account, m.account = of, of
	m.facts["aws:principalarn"] = []string{arn}
	m.facts["aws:principalaccount"] = []string{of}
	if name, _ := nameIn(arn, of, noun); noun == "user" {
		m.facts["aws:username"] = []string{name}
	}
}

func (m *simulation) parseAll(a *ask) (err error) {
	for i, text := range a.policies {
		d, err := m.parse(text, policy.Identity, fmt.Sprintf("PolicyInputList.%d", i+1))
		if err != nil {
			return err
		}
		m.set.Identity = append(m.set.Identity, d)
	}
	if len(a.boundary) > 1 {
		return invalid("Only one permissions boundary can be specified.")
	}
	for _, text := range a.boundary {
		if m.set.Boundary, err = m.parse(text, policy.Boundary, "PermissionsBoundaryPolicyInputList.1"); err != nil {
			return err
		}
	}
	if a.resourcePolicy != nil {
		m.set.Resource, err = m.parse(*a.resourcePolicy, policy.Resource, "ResourcePolicy")
	}
	return err
}

func (m *simulation) parse(text string, kind policy.Kind, name string) (*policy.Document, error) {
	d, err := policy.Parse(text, kind)
	if err != nil {
		return nil, invalid("%s", err.Error())
	}
	m.texts[name] = text
	addContextKeys(text, m.names)
	return d.Named(name), nil
}

// add brings in the policies of the entity, before those that came with the request.
func (m *simulation) add(x *source, in *iam.SimulatePrincipalPolicyInput) error {
	for key, value := range x.entity.Tags {
		if _, given := m.facts["aws:principaltag/"+strings.ToLower(key)]; !given {
			m.facts["aws:principaltag/"+strings.ToLower(key)] = []string{value}
		}
	}
	var docs []*policy.Document
	for _, p := range x.policies {
		if p.excluded(in.PolicyExclusionList, false) {
			continue
		}
		d, err := m.parse(p.text, policy.Identity, p.name)
		if err != nil {
			return err
		}
		docs = append(docs, d)
	}
	m.set.Identity = append(docs, m.set.Identity...)
	if b := x.boundary; m.set.Boundary == nil && b != nil && !b.excluded(in.PolicyExclusionList, true) {
		d, err := m.parse(b.text, policy.Boundary, b.name)
		m.set.Boundary = d
		return err
	}
	return nil
}

// run asks about every action on every resource.
func (m *simulation) run(a *ask) ([]types.EvaluationResult, *string, error) {
	p, err := pageOf(a.marker, a.max)
	if err != nil {
		return nil, nil, err
	}
	if len(a.resources) == 0 {
		a.resources = []string{"*"}
	}
	for _, action := range a.actions {
		if service, name, ok := strings.Cut(action, ":"); !ok || service == "" || name == "" || strings.ContainsAny(action, "*?") {
			return nil, nil, invalid("Invalid Action: %s", action)
		}
	}
	// Only the page that is asked for is decided: all of it may be millions.
	total := len(a.actions) * len(a.resources)
	from, _ := strconv.Atoi(p.after)
	from = min(max(0, from), total)
	results := []types.EvaluationResult{}
	for i := from; i < min(from+p.limit, total); i++ {
		results = append(results, m.decide(a.actions[i/len(a.resources)], a.resources[i%len(a.resources)]))
	}
	if from+p.limit >= total {
		return results, nil, nil
	}
	return results, markerAfter(strconv.Itoa(from + p.limit)), nil
}

func (m *simulation) decide(action, resource string) types.EvaluationResult {
	seen := &asked{facts: m.facts}
	req := &policy.Request{Principal: m.caller, Action: action, Resource: resource, ResourceAccount: m.account, Keys: seen}
	d := policy.Evaluate(req, &m.set)
	result := types.EvaluationResult{
		EvalActionName: aws.String(action), EvalResourceName: aws.String(resource),
		EvalDecision: types.PolicyEvaluationDecisionType(d.Effect.String()), MatchedStatements: []types.Statement{},
		MissingContextValues: m.missing(seen),
	}
	for _, st := range d.By {
		result.MatchedStatements = append(result.MatchedStatements, m.statement(st))
	}
	if b := m.set.Boundary; b != nil {
		result.PermissionsBoundaryDecisionDetail = &types.PermissionsBoundaryDecisionDetail{
			AllowedByPermissionsBoundary: m.allows(req, policy.Set{Identity: []*policy.Document{b}}),
		}
	}
	if levels := m.set.ServiceControl; levels != nil {
		// Whatever identity policies say: the account's root is all that the organisation's policies are asked about.
		result.OrganizationsDecisionDetail = &types.OrganizationsDecisionDetail{
			AllowedByOrganizations: m.allows(req, policy.Set{Identity: []*policy.Document{policy.MustParse(everything, policy.Identity)}, ServiceControl: levels}),
		}
	}
	return result
}

func (m *simulation) allows(req *policy.Request, set policy.Set) bool {
	return policy.Evaluate(req, &set).Effect == policy.Allowed
}

// asked is condition keys that remember which of them were missed.
type asked struct {
	facts  policy.MapKeys
	missed []string
}

func (a *asked) Lookup(name string) ([]string, bool) {
	v, ok := a.facts[name]
	if !ok && !slices.Contains(a.missed, name) {
		a.missed = append(a.missed, name)
	}
	return v, ok
}

func (m *simulation) missing(a *asked) []string {
	names := []string{}
	for _, lower := range a.missed {
		name := lower
		if spelled, ok := m.names[lower]; ok {
			name = spelled
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
