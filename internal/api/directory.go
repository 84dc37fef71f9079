package api

import (
	"context"
	"errors"

	"redoubt/internal/policy"
	"redoubt/internal/sigv4"
)

// ErrUnknown is what a Directory answers for an identity that does not exist.
var ErrUnknown = errors.New("no such identity")

// A Directory knows the identities of all accounts. The IAM service is one.
type Directory interface {
	// Key finds a long-term access key. ErrUnknown covers deleted and inactive keys.
	Key(ctx context.Context, id string) (*Key, error)
	// Identity completes a caller made of temporary credentials or of a key: what it is called, its tags and its
	// policies as they are now. ErrUnknown if the user or role behind it is gone.
	Identity(ctx context.Context, c *Caller) (Identity, error)
	// Role finds a role by ARN.
	Role(ctx context.Context, arn string) (*Role, error)
	// UniqueID tells what an "AWS" principal of a policy names now: the unique id of a user or role, "" for other
	// principals that exist, not ok for those that do not. See [Registry.Finder].
	UniqueID(ctx context.Context, principal string) (id string, ok bool, err error)
	// CheckMFA verifies a code of a user's MFA device. No code is good twice.
	CheckMFA(ctx context.Context, userARN, serial, code string) error
	// Provider finds an OIDC provider of an account by its issuer URL. ErrUnknown if there is none.
	Provider(ctx context.Context, account, issuer string) (*Provider, error)
	// ManagedPolicy finds a managed policy, compiled as a session policy, by ARN.
	ManagedPolicy(ctx context.Context, arn string) (*policy.Document, bool)
	// OpenAccount makes an account that the management account administers by a role.
	OpenAccount(ctx context.Context, account, name, email, management string) error
	// Used notes that a key was used, for its last-used date; it must not block.
	Used(key *Key, service, region string)
}

// A Key is a long-term access key.
type Key struct {
	ID      string
	Secret  sigv4.Secret
	Kind    Kind // Root or IAMUser
	ARN     string
	Account string
	UserID  string // AIDA..., or the account number of a root user
	Name    string // of the user
}

// An Identity is what policies need to know of a caller.
type Identity struct {
	Policies []*policy.Document
	Boundary *policy.Document
	Session  []*policy.Document // session policies; none means that the session is not narrowed
	Tags     map[string]string  // of the user or role
	// ServiceControl and ResourceControl are the policies of the organisation, a level each, root first.
	ServiceControl, ResourceControl [][]*policy.Document
}

// A Role is what services need to know of an IAM role.
type Role struct {
	ARN, ID, Name, Path string
	Trust               *policy.Document
	Tags                map[string]string
	MaxSession          int32 // seconds
}

// A Provider is an OIDC identity provider that an account trusts.
type Provider struct {
	ARN         string
	URL         string // the issuer, without a scheme
	ClientIDs   []string
	Thumbprints []string // SHA-1 of certificates, in hex
}
