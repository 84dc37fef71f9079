package signer

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"
)

// A signature is valid for 135 months at most, and if nothing else was asked for (API_PutSigningProfile).
const maxMonths = 135

func defaultValidity() types.SignatureValidityPeriod {
	return types.SignatureValidityPeriod{Type: types.ValidityTypeMonths, Value: maxMonths}
}

func checkValidity(v types.SignatureValidityPeriod) error {
	most := map[types.ValidityType]int32{types.ValidityTypeDays: maxMonths * 31, types.ValidityTypeMonths: maxMonths, types.ValidityTypeYears: maxMonths / 12}
	limit, known := most[v.Type]
	if !known {
		return invalid("Signature validity period requires a type: DAYS, MONTHS or YEARS")
	}
	now := time.Now()
	if v.Value < 1 || v.Value > limit || expiry(now, v).After(expiry(now, defaultValidity())) {
		return invalid("Signature validity period must be between 1 day and %d months", maxMonths)
	}
	return nil
}

// expiry is when a signature expires that is made at t.
func expiry(t time.Time, v types.SignatureValidityPeriod) time.Time {
	switch v.Type {
	case types.ValidityTypeDays:
		return t.AddDate(0, 0, int(v.Value))
	case types.ValidityTypeYears:
		return addMonths(t, 12*int(v.Value))
	default:
		return addMonths(t, int(v.Value))
	}
}

// addMonths keeps to the last day of a month that is shorter: a month after 31 January is 28 February.
func addMonths(t time.Time, n int) time.Time {
	later := t.AddDate(0, n, 0)
	if later.Day() != t.Day() {
		later = later.AddDate(0, 0, -later.Day())
	}
	return later
}

// keptAfter is how long profiles and jobs are kept after the last of their signatures has expired (Data Retention for Signer).
const keptAfter = 6

func gone(t time.Time) bool { return time.Now().After(addMonths(t, keptAfter)) }

// stamp is a time in whole seconds, as signatures have it.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Second) }

// point is a time for an answer: none if it is zero.
func point(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return aws.Time(t)
}
