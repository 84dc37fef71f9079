package iam

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/pquerna/otp/hotp"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

const (
	step         = 30 * time.Second // how long a code lasts
	tolerance    = 1                // steps by which a code may be off
	enableReach  = 3                // steps by which a device's clock may be off when it is enabled
	resyncReach  = 120              // and when it is synchronised: an hour
	maxDevices   = 8                // of a user or root user, a quota that cannot be raised
	maxWrong     = 5                // codes that may be wrong in a row before guessing is slowed down
	wrongCodeMsg = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	noDeviceMsg  = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
)

// holder is who uses MFA devices: a user, or the root user.
type holder struct {
	name string
	user *User
	root *Account
}

func (h holder) serials() []string {
	if h.root != nil {
		return h.root.MFA
	}
	return h.user.MFA
}

// holder finds the user that an input names, or the caller. The root user goes by the name of the account.
func (s *Service) holder(ctx context.Context, tx *store.Tx, name *string) (holder, error) {
	if api.CallerOf(ctx).Kind == api.Root {
		a, _, err := s.accounts.Get(tx, account(ctx), "")
		if err != nil || name == nil || *name == a.Name {
			return holder{name: a.Name, root: &a}, err
		}
	}
	of, err := s.userOrSelf(ctx, name)
	if err != nil {
		return holder{}, err
	}
	u, err := s.users.load(tx, account(ctx), of)
	return holder{name: u.Name, user: &u}, err
}

func (s *Service) saveSerials(ctx context.Context, tx *store.Tx, h holder, serials []string) error {
	if h.root != nil {
		h.root.MFA = serials
		return s.accounts.Put(tx, *h.root, account(ctx), "")
	}
	h.user.MFA = serials
	return s.users.save(tx, account(ctx), h.user)
}

// EnableMFADevice gives a device to a user who proves with two codes in a row that it works.
func (s *Service) EnableMFADevice(ctx context.Context, in *iam.EnableMFADeviceInput) (*iam.EnableMFADeviceOutput, error) {
	return &iam.EnableMFADeviceOutput{}, s.update(ctx, func(tx *store.Tx) error {
		h, err := s.holder(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		d, err := s.device(tx, account(ctx), *in.SerialNumber)
		if err != nil {
			return err
		}
		switch {
		case !d.Enabled.IsZero():
			return exists("MFADevice with serial number %s already exists.", *in.SerialNumber)
		case len(h.serials()) >= maxDevices:
			return limit("Cannot exceed quota for MFADevicesPerUser: %d", maxDevices)
		case !d.synchronise(*in.AuthenticationCode1, *in.AuthenticationCode2, enableReach):
			return invalidCode()
		}
		d.Root, d.Enabled = h.root != nil, now()
		if h.user != nil {
			d.User = h.user.Name
		}
		if err := s.devices.Put(tx, *d, account(ctx), "", *in.SerialNumber); err != nil {
			return err
		}
		return s.saveSerials(ctx, tx, h, append(h.serials(), *in.SerialNumber))
	})
}

// ResyncMFADevice learns anew how far off the clock of a device is.
func (s *Service) ResyncMFADevice(ctx context.Context, in *iam.ResyncMFADeviceInput) (*iam.ResyncMFADeviceOutput, error) {
	return &iam.ResyncMFADeviceOutput{}, s.update(ctx, func(tx *store.Tx) error {
		h, err := s.holder(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		if len(without(h.serials(), *in.SerialNumber)) == len(h.serials()) {
			return noDevice(*in.SerialNumber)
		}
		d, err := s.device(tx, account(ctx), *in.SerialNumber)
		if err != nil {
			return err
		}
		if !d.synchronise(*in.AuthenticationCode1, *in.AuthenticationCode2, resyncReach) {
			return invalidCode()
		}
		return s.devices.Put(tx, *d, account(ctx), "", *in.SerialNumber)
	})
}

// DeactivateMFADevice takes a device from a user.
func (s *Service) DeactivateMFADevice(ctx context.Context, in *iam.DeactivateMFADeviceInput) (*iam.DeactivateMFADeviceOutput, error) {
	return &iam.DeactivateMFADeviceOutput{}, s.update(ctx, func(tx *store.Tx) error {
		h, err := s.holder(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		rest := without(h.serials(), *in.SerialNumber)
		if len(rest) == len(h.serials()) {
			return noDevice(*in.SerialNumber)
		}
		if err := s.saveSerials(ctx, tx, h, rest); err != nil {
			return err
		}
		return s.changeDevice(tx, account(ctx), *in.SerialNumber, func(d *Device) {
			d.User, d.Root, d.Enabled, d.Drift = "", false, time.Time{}, 0
		})
	})
}

// CheckMFA verifies a code of a device that the user or root user of that ARN has enabled. What it notes, that the code
// is used or was wrong, holds even if the call that needed the code fails afterwards.
func (s *Service) CheckMFA(ctx context.Context, userARN, serial, code string) error {
	verdict := failedMFA(noDeviceMsg)
	// Not s.update: nothing changes that the directory remembers.
	err := s.d.DB.Update(ctx, func(tx *store.Tx) error {
		account := deviceAccount(serial)
		d, ok, err := s.devices.Get(tx, account, "", serial)
		if err != nil || !ok || !d.of(account, userARN) {
			return err
		}
		if verdict = nil; !d.accept(code) {
			verdict = failedMFA(wrongCodeMsg)
		}
		return s.devices.Put(tx, d, account, "", serial)
	})
	if err != nil {
		return err
	}
	return verdict
}

func (d *Device) of(account, arn string) bool {
	if d.Root {
		return arn == rootARN(account)
	}
	name, ok := nameIn(arn, account, "user")
	return ok && d.User != "" && d.User == name
}

// accept checks a code and remembers it. After a few wrong ones it takes no more than one guess per step, so that the
// million possible codes cannot be tried.
func (d *Device) accept(code string) bool {
	at := time.Now()
	if d.Wrong >= maxWrong && at.Sub(d.Refused) < step {
		return false
	}
	current := at.Unix()/int64(step/time.Second) + d.Drift
	for n := max(current-tolerance, d.Last+1); n <= current+tolerance; n++ {
		if d.shows(n, code) {
			d.Last, d.Wrong = n, 0
			return true
		}
	}
	d.Wrong, d.Refused = d.Wrong+1, at
	return false
}

// synchronise looks for two codes in a row, and so learns how far off the device's clock is.
func (d *Device) synchronise(first, second string, reach int64) bool {
	current := time.Now().Unix() / int64(step/time.Second)
	for n := max(current-reach, d.Last+1); n <= current+reach; n++ {
		if d.shows(n, first) && d.shows(n+1, second) {
			// The second code is on display now; being off by less than the tolerance is no drift.
			if d.Last, d.Wrong, d.Drift = n+1, 0, n+1-current; d.Drift >= -tolerance && d.Drift <= tolerance {
				d.Drift = 0
			}
			return true
		}
	}
	return false
}

func (d *Device) shows(n int64, code string) bool {
	right, err := hotp.GenerateCode(d.Seed, uint64(n))
	return err == nil && subtle.ConstantTimeCompare([]byte(right), []byte(code)) == 1
}

func invalidCode() error {
	return &types.InvalidAuthenticationCodeException{Message: aws.String("Authentication code for device is not valid.")}
}

func failedMFA(message string) error {
	return wire.Errorf("AccessDenied", http.StatusForbidden, "%s", message)
}
