package front

import (
	"errors"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/sigv4"
)

// identify finds out who signed, before a body is read: a key that nobody has costs us nothing. What it finds is a claim
// until the signature is verified with the secret.
func (x *exchange) identify(sigErr error) (sigv4.Secret, error) {
	var none sigv4.Secret
	if errors.Is(sigErr, sigv4.ErrNone) {
		return none, nil
	}
	if sigErr != nil {
		return none, x.entry.Errors.Signature(sigErr)
	}
	if x.sig.Token != "" {
		return x.identifySession()
	}
	key, err := x.door.api.Directory().Key(x.r.Context(), x.sig.AccessKeyID)
	if errors.Is(err, api.ErrUnknown) {
		return none, x.entry.Errors.UnknownKey()
	}
	if err != nil {
		return none, err
	}
	x.claim(&api.Caller{
		Kind: key.Kind, Principal: policy.Principal{ARN: key.ARN, Account: key.Account, ID: key.UserID, Root: key.Kind == api.Root},
		Account: key.Account, ID: key.UserID, Name: key.Name, AccessKey: key.ID,
	})
	x.key = key
	return key.Secret, nil
}

func (x *exchange) identifySession() (sigv4.Secret, error) {
	var none sigv4.Secret
	s, err := x.door.api.Sessions().Open(x.sig.Token)
	if errors.Is(err, api.ErrToken) || err == nil && s.AccessKey != x.sig.AccessKeyID {
		return none, x.entry.Errors.UnknownKey()
	}
	if err != nil {
		return none, err
	}
	if time.Now().After(s.Expires) {
		return none, x.entry.Errors.Expired()
	}
	x.claim(s.Caller())
	return s.Secret(), nil
}

// claim sets who calls, keeping how the call came in.
func (x *exchange) claim(c *api.Caller) {
	c.Request, c.Region = x.caller.Request, x.caller.Region
	x.caller = c
}
