package policy

import "strings"

// statement is one compiled statement.
type statement struct {
	self         [1]Statement
	deny         bool
	notAction    bool
	notResource  bool
	notPrincipal bool
	named        bool // has a Principal or NotPrincipal
	actions      []pattern
	resources    []pattern // none: the resource that the policy is attached to
	principals   []principal
	conditions   []condition
}

// compile turns a valid document into what Evaluate reads.
func compile(text string, kind Kind, raw *rawDocument) (*Document, error) {
	d := &Document{text: text, kind: kind, version: raw.version}
	for i := range raw.statements {
		s := raw.statements[i].compile(kind, raw.version == current)
		s.self[0].Index = i
		d.statements = append(d.statements, s)
	}
	d.index()
	return d, nil
}

func (s *rawStatement) compile(kind Kind, variables bool) *statement {
	c := &statement{
		self:        [1]Statement{{Source: kind, Sid: s.sid}},
		deny:        s.effect == "Deny",
		notAction:   s.action.not,
		notResource: s.resource.not,
	}
	for _, a := range s.action.list {
		c.actions = append(c.actions, syntax{wildcards: true}.parse(strings.ToLower(a)))
	}
	for _, r := range s.resource.list {
		c.resources = append(c.resources, syntax{true, variables}.parseARN(completeFor(kind, r)))
	}
	switch {
	case s.principal != nil:
		c.named, c.principals = true, principalsOf(s.principal)
	case s.notPrincipal != nil:
		c.named, c.notPrincipal, c.principals = true, true, principalsOf(s.notPrincipal)
	}
	for _, raw := range s.conditions {
		compiled, _ := raw.compile(variables) // validation has seen that the values are of their type
		c.conditions = append(c.conditions, compiled)
	}
	return c
}

// completeFor completes incomplete ARNs in the policies of principals, not in those that name principals. Session
// policies have none.
func completeFor(kind Kind, resource string) string {
	switch kind {
	case Resource, Endpoint, ResourceControl:
		return resource
	}
	return completeARN(resource)
}

// applies tells whether the statement speaks of a request, its principal left aside.
func (s *statement) applies(req *Request) bool {
	return s.coversAction(req.Action) && s.coversResource(req) && s.conditionsHold(req)
}

func (s *statement) coversAction(action string) bool {
	for i := range s.actions {
		if matchParts(s.actions[i].parts, action, true) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) coversResource(req *Request) bool {
	if len(s.resources) == 0 {
		return true
	}
	for i := range s.resources {
		if s.resources[i].match(req, req.Resource) {
			return !s.notResource
		}
	}
	return s.notResource
}

func (s *statement) conditionsHold(req *Request) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(req) {
			return false
		}
	}
	return true
}

// grade is how directly the statement names the caller. Policies without principals speak of whom they are attached to.
func (s *statement) grade(who *Principal, bounded bool) grade {
	switch {
	case !s.named:
		return direct
	case !s.notPrincipal:
		return gradeOf(s.principals, who)
	case exempt(s.principals, who, bounded):
		return unnamed
	}
	return direct
}

// because is the statement as a reason. It does not allocate when the document is used as the kind it was parsed as.
func (s *statement) because(layer Kind) []Statement {
	if s.self[0].Source == layer {
		return s.self[:1:1]
	}
	self := s.self[0]
	self.Source = layer
	return []Statement{self}
}
