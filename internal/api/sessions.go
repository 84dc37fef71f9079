package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"redoubt/internal/policy"
	"redoubt/internal/seal"
	"redoubt/internal/sigv4"
)

// A Session is what temporary credentials stand for. It travels inside the session token, sealed, so that no server
// has to remember it.
type Session struct {
	AccessKey string            `json:"k"`
	SecretKey string            `json:"s"`
	Kind      Kind              `json:"t"`
	ARN       string            `json:"a"`           // of the session: arn:aws:sts::1:assumed-role/R/s
	ID        string            `json:"i"`           // AROA...:s, 1:bob, AIDA...
	Name      string            `json:"n,omitempty"` // user name of GetSessionToken and federation
	Issuer    string            `json:"r,omitempty"` // ARN of the role or user behind it
	IssuerID  string            `json:"o,omitempty"` // unique id of the user behind a federated user
	Issued    time.Time         `json:"b"`
	Expires   time.Time         `json:"e"`
	MFA       time.Time         `json:"m,omitzero"` // when a code was given; zero if none was
	Policies  []string          `json:"p,omitempty"`
	PolicyARN []string          `json:"q,omitempty"`
	Tags      map[string]string `json:"g,omitempty"`
	Transient []string          `json:"v,omitempty"` // keys of Tags that pass on when roles are chained
	Identity  string            `json:"d,omitempty"` // source identity
	Federated string            `json:"f,omitempty"` // provider
	Subject   string            `json:"u,omitempty"` // user at the provider
	Chained   bool              `json:"c,omitempty"`
	Source    string            `json:"x,omitempty"` // lambda:SourceFunctionArn and its like: the resource that runs under it

	compiled []*policy.Document
}

// Secret returns the secret access key.
func (s *Session) Secret() sigv4.Secret { return sigv4.NewSecret(s.SecretKey) }

// Documents returns the session's inline policies.
func (s *Session) Documents() []*policy.Document { return s.compiled }

// Sessions issues and opens session tokens.
type Sessions struct {
	box *seal.Box

	mu     sync.Mutex
	opened map[[32]byte]*Session // a cache, emptied when full
}

// maxOpened bounds the cache of opened tokens, at about 2 KB each.
const maxOpened = 4096

// NewSessions returns sessions sealed with a key of ring.
func NewSessions(ring *seal.Ring) (*Sessions, error) {
	box, err := ring.Box("session")
	if err != nil {
		return nil, err
	}
	return &Sessions{box: box, opened: map[[32]byte]*Session{}}, nil
}

// Issue completes s with a fresh key pair and returns its token.
func (x *Sessions) Issue(s *Session) (token string, err error) {
	s.AccessKey = NewKeyID("ASIA", accountOf(s.ARN))
	s.SecretKey = NewSecretKey()
	s.Issued = time.Now().UTC()
	if err := s.compile(); err != nil {
		return "", err
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	sealed, err := x.box.Seal(plain, []byte("token"))
	if err != nil {
		return "", fmt.Errorf("sealing a session token: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// ErrToken is the error for a token that was not issued here.
var ErrToken = errors.New("session token is not valid")

// ErrExpired is the error for a token whose time is over.
var ErrExpired = errors.New("session token has expired")

// Open reads a token. It does not look at its expiry.
func (x *Sessions) Open(token string) (*Session, error) {
	digest := sha256.Sum256([]byte(token))
	x.mu.Lock()
	s := x.opened[digest]
	x.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := x.unseal(token)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.opened) >= maxOpened {
		clear(x.opened)
	}
	x.opened[digest] = s
	return s, nil
}

func (x *Sessions) unseal(token string) (*Session, error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, ErrToken
	}
	plain, err := x.box.Open(sealed, []byte("token"))
	if err != nil {
		return nil, ErrToken
	}
	s := new(Session)
	if err := json.Unmarshal(plain, s); err != nil {
		return nil, fmt.Errorf("reading a session token: %w", err)
	}
	return s, s.compile()
}

func (s *Session) compile() error {
	s.compiled = nil
	for _, text := range s.Policies {
		d, err := policy.Parse(text, policy.Session)
		if err != nil {
			return err
		}
		s.compiled = append(s.compiled, d)
	}
	return nil
}

// Caller returns who calls with the session's credentials.
func (s *Session) Caller() *Caller {
	account := accountOf(s.ARN)
	p := policy.Principal{ARN: s.ARN, Account: account}
	switch s.Kind {
	case IAMUser:
		p.ID = s.ID
	case AssumedRole:
		p.Role = s.Issuer
		p.ID, _, _ = strings.Cut(s.ID, ":")
	case FederatedUser:
		p.User, p.ID = s.Issuer, s.IssuerID
	case Root:
		p.Root = true
	}
	return &Caller{Kind: s.Kind, Principal: p, Account: account, ID: s.ID, Name: s.Name, AccessKey: s.AccessKey, Session: s}
}

// WithToken returns a context in which the holder of a session token calls, as a service does that has assumed a role.
// The error is ErrExpired if the token's time is over.
func (r *Registry) WithToken(ctx context.Context, token string) (context.Context, error) {
	s, err := r.sessions.Open(token)
	if err != nil {
		return nil, err
	}
	if !time.Now().Before(s.Expires) {
		return nil, ErrExpired
	}
	was := CallerOf(ctx)
	c := s.Caller()
	c.Region, c.Request = was.Region, was.Request
	return WithCaller(ctx, c), nil
}

// SealMessage hides the reasons of a refusal from all but those who may decode them (sts:DecodeAuthorizationMessage).
func (x *Sessions) SealMessage(text string) (string, error) {
	sealed, err := x.box.Seal([]byte(text), []byte("message"))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// OpenMessage opens what SealMessage sealed.
func (x *Sessions) OpenMessage(message string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(message)
	if err != nil {
		return "", ErrToken
	}
	plain, err := x.box.Open(sealed, []byte("message"))
	if err != nil {
		return "", ErrToken
	}
	return string(plain), nil
}
