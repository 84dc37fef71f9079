package policy

// Principal is who makes a request. Exactly one of these is the case: ARN is set (a user, a role session, a federated
// user or, with Root, an account's root user), Service is set, Federated is set, or Anonymous is true.
type Principal struct {
	ARN       string // arn:aws:iam::1:user/x, arn:aws:sts::1:assumed-role/R/s, arn:aws:sts::1:federated-user/x, arn:aws:iam::1:root
	Account   string // the account that ARN belongs to
	Role      string // ARN of the IAM role behind a role session
	User      string // ARN of the IAM user behind a federated user
	ID        string // unique ID of the user, or of the role or user behind the session (AIDA..., AROA...), if known
	Service   string // "s3.amazonaws.com" for a service principal
	Federated string // provider ARN or host for web identity and SAML calls
	Canonical string // canonical user ID of the account
	Root      bool
	Anonymous bool
}

// Keys are the condition keys of a request. Names are given in lower case: "aws:sourceip", "aws:principaltag/team".
// ok is false when the request has no such key. The values are only read.
type Keys interface {
	Lookup(name string) (values []string, ok bool)
}

// MapKeys are condition keys held in a map. Its keys are lower case. A nil MapKeys has none.
type MapKeys map[string][]string

// Lookup implements Keys.
func (m MapKeys) Lookup(name string) ([]string, bool) {
	values, ok := m[name]
	return values, ok
}

// Request is one question: may this principal do this to that?
type Request struct {
	Principal       Principal
	Action          string // "s3:GetObject"; its case does not matter
	Resource        string // an ARN, or "*" where the action knows no resource
	ResourceAccount string // the account that owns the resource; "" means the principal's own
	Keys            Keys   // nil means none
}

// lookup is the value list of a condition key. A key without values counts as absent, as IAM's Null operator has it.
func (r *Request) lookup(name string) []string {
	if r.Keys == nil {
		return nil
	}
	values, ok := r.Keys.Lookup(name)
	if !ok {
		return nil
	}
	return values
}

// Set is every policy that applies to a request.
type Set struct {
	Identity        []*Document   // the principal's own and its groups'
	Resource        *Document     // the resource's policy; a role's trust policy
	Boundary        *Document     // the principal's permissions boundary
	Session         []*Document   // the session's policies; none means that none were passed
	ServiceControl  [][]*Document // of the principal's account, one list a level, root first; nil means none apply
	ResourceControl [][]*Document // of the resource's account, likewise
	Endpoint        *Document     // of the VPC endpoint that the request came through

	// MustDelegate says that the resource's policy is the root of trust, as a KMS key's policy and a role's trust
	// policy are: it must allow the principal, or else its account, and only then do identity policies count.
	MustDelegate bool
}

// Effect is the outcome of a decision.
type Effect uint8

// The outcomes. The zero value denies.
const (
	ImplicitDeny Effect = iota
	Allowed
	ExplicitDeny
)

func (e Effect) String() string {
	switch e {
	case Allowed:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	}
	return "implicitDeny"
}

// Statement names one statement of a policy.
type Statement struct {
	Source Kind
	Policy string // the document's name
	Index  int    // from 0
	Sid    string
}

// Decision is the outcome of Evaluate and why.
type Decision struct {
	Effect Effect
	By     []Statement // what allowed, one a layer, or every statement that denied; nil for an implicit deny
	Source Kind        // the layer that grants, that denied, or that lacks the needed allow
}
