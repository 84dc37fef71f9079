package policy

import "strings"

// Evaluate decides a request. An explicit deny in any policy wins. Otherwise every layer that limits must allow, and
// one that grants: within an account the identity policies or the resource's policy, across accounts both.
// (IAM user guide, "How AWS enforcement code logic evaluates requests".)
func Evaluate(req *Request, set *Set) Decision {
	e := evaluation{req: req, set: set}
	if by := e.denials(); by != nil {
		return Decision{Effect: ExplicitDeny, By: by, Source: by[0].Source}
	}
	source, ok := e.decide()
	if !ok {
		return Decision{Effect: ImplicitDeny, Source: source}
	}
	return Decision{Effect: Allowed, By: e.by, Source: source}
}

// evaluation is one decision being made.
type evaluation struct {
	req *Request
	set *Set
	by  []Statement // what has allowed so far
}

// each visits every document that applies, in the order in which reasons are given.
func (e *evaluation) each(visit func(layer Kind, d *Document)) {
	if !e.serviceLinked() {
		for _, level := range e.levels() {
			eachOf(ServiceControl, level, visit)
		}
		for _, level := range e.set.ResourceControl {
			eachOf(ResourceControl, level, visit)
		}
	}
	eachOf(Endpoint, []*Document{e.set.Endpoint}, visit)
	eachOf(e.resourceLayer(), []*Document{e.set.Resource}, visit)
	eachOf(Identity, e.set.Identity, visit)
	eachOf(Boundary, []*Document{e.set.Boundary}, visit)
	eachOf(Session, e.set.Session, visit)
}

func eachOf(layer Kind, docs []*Document, visit func(Kind, *Document)) {
	for _, d := range docs {
		if d != nil {
			visit(layer, d)
		}
	}
}

// denials is every statement that denies the request.
func (e *evaluation) denials() (by []Statement) {
	who, bounded := &e.req.Principal, e.set.Boundary != nil
	e.each(func(layer Kind, d *Document) {
		for _, s := range d.denies {
			if s.grade(who, bounded) > unnamed && s.applies(e.req) {
				by = append(by, s.because(layer)...)
			}
		}
	})
	return by
}

// resourceLayer is Trust when the resource's policy is a trust policy.
func (e *evaluation) resourceLayer() Kind {
	if e.set.Resource != nil && e.set.Resource.kind == Trust {
		return Trust
	}
	return Resource
}

// levels is the service control policies that apply: they speak of an account's users, roles and root user.
func (e *evaluation) levels() [][]*Document {
	if e.req.Principal.ARN == "" {
		return nil
	}
	return e.set.ServiceControl
}

// serviceLinked tells whether the caller is a service-linked role. No organisation policy restricts those.
func (e *evaluation) serviceLinked() bool {
	return strings.Contains(e.req.Principal.Role, ":role/aws-service-role/")
}

// decide looks for the allows that the request needs, and gives the layer that grants or the first that lacks one.
// Resource control policies are not among them: RCPFullAWSAccess is attached at every level and cannot be detached.
func (e *evaluation) decide() (source Kind, ok bool) {
	if !e.serviceLinked() {
		for _, level := range e.levels() {
			if !e.allow(ServiceControl, level) {
				return ServiceControl, false
			}
		}
	}
	if e.set.Endpoint != nil {
		if by, g := e.grant(e.set.Endpoint); g == unnamed || !e.record(Endpoint, by) {
			return Endpoint, false
		}
	}
	return e.decideGrant()
}

// decideGrant looks for the allows beneath the limits of organisation and endpoint.
func (e *evaluation) decideGrant() (source Kind, ok bool) {
	by, g := e.grant(e.set.Resource)
	who, layer := &e.req.Principal, e.resourceLayer()
	crossing := e.req.ResourceAccount != "" && e.req.ResourceAccount != who.Account
	switch {
	case who.ARN == "":
		// Services, federated and anonymous callers have no identity policies.
		return layer, g > unnamed && e.record(layer, by)
	case !crossing && g == direct:
		// Named directly, a user or session is not limited by what other policies merely fail to allow.
		return layer, e.record(layer, by)
	case (crossing || e.set.MustDelegate) && g == unnamed:
		return e.blame(layer), false
	case !crossing && g == behind:
		// The role, or the user who federated, is limited by its boundary and by the session's policies.
		e.record(layer, by)
		if lacking, ok := e.limit(); !ok {
			return lacking, false
		}
		return layer, true
	}
	source, ok = e.identity()
	if ok && g > unnamed {
		e.record(layer, by)
	}
	return source, ok
}

// blame is the layer to name when the resource's policy does not allow: across accounts the identity policies come
// first if they do not allow either.
func (e *evaluation) blame(layer Kind) Kind {
	if e.set.MustDelegate {
		return layer
	}
	if lacking, ok := e.identity(); !ok {
		return lacking
	}
	return layer
}

// identity looks for the allow of an identity policy and of what limits it. An account's root user needs none.
func (e *evaluation) identity() (source Kind, ok bool) {
	if !e.req.Principal.Root && !e.allow(Identity, e.set.Identity) {
		return Identity, false
	}
	return e.limit()
}

// limit looks for the allows of the permissions boundary and of the session policies.
func (e *evaluation) limit() (source Kind, ok bool) {
	if e.set.Boundary != nil && !e.allow(Boundary, []*Document{e.set.Boundary}) {
		return Boundary, false
	}
	// A federated user has no permissions but those that its session policies pass on.
	if (len(e.set.Session) > 0 || e.federatedUser()) && !e.allow(Session, e.set.Session) {
		return Session, false
	}
	return Identity, true
}

func (e *evaluation) federatedUser() bool {
	return strings.Contains(e.req.Principal.ARN, ":federated-user/")
}

// allow finds the first statement of a layer that allows the request, and records it.
func (e *evaluation) allow(layer Kind, docs []*Document) bool {
	for _, d := range docs {
		if d == nil {
			continue
		}
		for _, s := range d.allows {
			if s.applies(e.req) {
				return e.record(layer, s)
			}
		}
	}
	return false
}

// grant finds the statement of a document with principals that names the caller most directly.
func (e *evaluation) grant(d *Document) (by *statement, best grade) {
	if d == nil {
		return nil, unnamed
	}
	for _, s := range d.allows {
		if g := s.grade(&e.req.Principal, false); g > best && s.applies(e.req) {
			by, best = s, g
			if g == direct {
				break
			}
		}
	}
	return by, best
}

// record notes a statement that allowed. It is always true.
func (e *evaluation) record(layer Kind, s *statement) bool {
	if e.by == nil {
		e.by = s.because(layer)
	} else {
		e.by = append(e.by, s.because(layer)...)
	}
	return true
}
