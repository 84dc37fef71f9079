package iam

import (
	"context"
	"fmt"

	"redoubt/internal/api"
	"redoubt/internal/sigv4"
	"redoubt/internal/store"
)

// An Operator is who may do everything in an account: its root user, and the administrator to use instead. Keys that do
// not exist any more are empty.
type Operator struct {
	Account    string
	RootKey    string
	RootSecret sigv4.Secret
	AccessKey  string // of the user "operator"
	Secret     sigv4.Secret
}

// operatorName is the user that Bootstrap makes, and administratorAccess its policy.
const (
	operatorName        = "operator"
	administratorAccess = "arn:aws:iam::aws:policy/AdministratorAccess"
)

// Bootstrap opens an account that has no management account, with keys for its root user and for an administrator. Done
// again it changes nothing, and returns those of the keys that still exist: a start that was cut short loses none.
func (s *Service) Bootstrap(ctx context.Context, account string) (op *Operator, err error) {
	err = s.update(ctx, func(tx *store.Tx) error {
		known, err := s.accounts.Has(tx, account, "")
		if err == nil && !known {
			err = s.found(tx, account)
		}
		if err != nil {
			return err
		}
		op, err = s.operator(tx, account)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening account %s: %w", account, err)
	}
	return op, nil
}

// found makes the account, its root key and its administrator.
func (s *Service) found(tx *store.Tx, account string) error {
	root, key := newKey(account, ""), newKey(account, operatorName)
	a := Account{ID: account, Name: "redoubt", Created: now(), Keys: []string{root.ID}}
	if err := s.accounts.Put(tx, a, account, ""); err != nil {
		return err
	}
	for _, k := range []AccessKey{root, key} {
		if err := s.keys.Put(tx, k, account, "", k.ID); err != nil {
			return err
		}
	}
	name := operatorName
	u := User{Entity: newEntity("AIDA", &name, nil), Keys: []string{key.ID}}
	if err := s.users.attach(tx, account, &u, administratorAccess); err != nil {
		return err
	}
	if err := s.count(tx, account, usersQuota, 1); err != nil {
		return err
	}
	return s.users.save(tx, account, &u)
}

// operator finds the keys that found made.
func (s *Service) operator(tx *store.Tx, account string) (*Operator, error) {
	a, _, err := s.accounts.Get(tx, account, "")
	if err != nil {
		return nil, err
	}
	u, _, err := s.users.find(tx, account, operatorName)
	if err != nil {
		return nil, err
	}
	op := &Operator{Account: account}
	if op.RootKey, op.RootSecret, err = s.firstKey(tx, account, a.Keys); err != nil {
		return nil, err
	}
	op.AccessKey, op.Secret, err = s.firstKey(tx, account, u.Keys)
	return op, err
}

func (s *Service) firstKey(tx *store.Tx, account string, ids []string) (id string, secret sigv4.Secret, err error) {
	if len(ids) == 0 {
		return "", secret, nil
	}
	k, _, err := s.keys.Get(tx, account, "", ids[0])
	return k.ID, sigv4.NewSecret(k.Secret), err
}

// accessRole is the role that a management account uses to enter the accounts that it opened.
const accessRole = "OrganizationAccountAccessRole"

// OpenAccount makes an account without keys, which its management account enters by a role. An account that exists
// already is left as it is.
func (s *Service) OpenAccount(ctx context.Context, account, name, email, managementAccount string) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		known, err := s.accounts.Has(tx, account, "")
		if err != nil || known {
			return err
		}
		a := Account{ID: account, Name: name, Email: email, Created: now()}
		if err := s.accounts.Put(tx, a, account, ""); err != nil {
			return err
		}
		role := accessRole
		r := Role{Entity: newEntity("AROA", &role, nil), MaxSession: defaultSession}
		if err := s.setTrust(tx, &r, accessTrust(managementAccount)); err != nil {
			return err
		}
		if err := s.roles.attach(tx, account, &r, administratorAccess); err != nil {
			return err
		}
		return s.addRole(tx, account, &r)
	})
	if err != nil {
		return fmt.Errorf("opening account %s: %w", account, err)
	}
	return nil
}

func accessTrust(account string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN(account) + `"},"Action":"sts:AssumeRole"}]}`
}

// Accounts lists the ids of all accounts, in order.
func (s *Service) Accounts(ctx context.Context) ([]string, error) {
	return read(ctx, s, func(tx *store.Tx) (ids []string, err error) {
		for rec, err := range s.accounts.Scan(tx, store.Range{}) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, rec.Key[0])
		}
		return ids, nil
	})
}

var _ api.Directory = (*Service)(nil)
