package s3

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/api"
)

// mayDelete refuses to delete a version that is locked. Who may bypass governance has been asked already.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
func (l *Lock) mayDelete(now time.Time, bypass bool) error {
	if l.Hold || l.Mode != "" && now.Before(l.Until) && !(bypass && l.Mode == types.ObjectLockModeGovernance) {
		return refusef("AccessDenied", "Access Denied because object protected by object lock.")
	}
	return nil
}

// lock is what an upload locks its object with: what it says, or else the bucket's default.
func (u *upload) lock(b *bucket, now time.Time) (Lock, error) {
	asked := u.ObjectLockMode != "" || u.ObjectLockRetainUntilDate != nil || u.ObjectLockLegalHoldStatus != ""
	if !b.Locking {
		if asked {
			return Lock{}, refusef("InvalidRequest", "Bucket is missing ObjectLockConfiguration")
		}
		return Lock{}, nil
	}
	l := Lock{Mode: u.ObjectLockMode, Hold: u.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn}
	if (u.ObjectLockMode == "") != (u.ObjectLockRetainUntilDate == nil) {
		return l, badArgument("x-amz-object-lock-mode", string(u.ObjectLockMode), "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	}
	if u.ObjectLockRetainUntilDate != nil {
		l.Until = u.ObjectLockRetainUntilDate.UTC()
		return l, checkUntil(l.Until, now)
	}
	if d := b.LockDefault; d != nil {
		l.Mode, l.Until = types.ObjectLockMode(d.Mode), retainUntil(d, now)
	}
	return l, nil
}

func checkUntil(until, now time.Time) error {
	if !until.After(now) {
		return badArgument("x-amz-object-lock-retain-until-date", until.Format(time.RFC3339), "The retain until date must be in the future!")
	}
	return nil
}

func retainUntil(d *types.DefaultRetention, now time.Time) time.Time {
	if d.Years != nil {
		return now.AddDate(int(*d.Years), 0, 0)
	}
	return now.AddDate(0, 0, int(*d.Days))
}

type mfaDone struct{}

// checkMFA verifies "SERIAL CODE", which the owner of a bucket with MFA delete must send.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
func (s *Service) checkMFA(ctx context.Context, given *string) error {
	if ctx.Value(mfaDone{}) != nil {
		return nil
	}
	if given == nil {
		return refusef("AccessDenied", "Mfa Authentication must be used for this request")
	}
	serial, code, ok := strings.Cut(*given, " ")
	if !ok {
		return refuse("InvalidRequest")
	}
	c := api.CallerOf(ctx)
	return s.api.Directory().CheckMFA(ctx, c.Principal.ARN, serial, code)
}
