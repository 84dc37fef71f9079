package sigv4

import (
	"net/http"
	"strings"
	"time"
)

// check refuses what needs no secret to be refused: time, unsigned headers and scope, in the order AWS has.
func (s *Signature) check(r *http.Request, o Options) error {
	if err := s.checkTime(o); err != nil {
		return err
	}
	if err := s.checkHeaders(r.Header); err != nil {
		return err
	}
	if s.Region != o.Region || s.Service != o.Service || s.terminator != terminator || s.Date != s.stamp[:8] {
		return s.badScope(o)
	}
	return nil
}

func (s *Signature) checkTime(o Options) error {
	now, skew := o.now(), o.skew()
	if s.Presigned {
		return s.checkWindow(now, skew, o.S3)
	}
	if oldest := now.Add(-skew); s.Time.Before(oldest.Truncate(time.Second)) {
		return s.tooOld(KindSkewed, oldest, now, skew)
	}
	if newest := now.Add(skew); s.Time.After(newest) {
		return s.tooNew(KindSkewed, newest, now, skew)
	}
	return nil
}

// checkWindow holds a presigned request to its own lifetime. S3 requires X-Amz-Expires; elsewhere a request without it
// lives as long as a header signature does.
func (s *Signature) checkWindow(now time.Time, skew time.Duration, s3 bool) error {
	if s.Expires == 0 && s3 {
		return missingParams([]string{"X-Amz-Expires"})
	}
	if newest := now.Add(skew); s.Time.After(newest) {
		return s.tooNew(KindNotYetValid, newest, now, skew)
	}
	life := s.Expires
	if life == 0 {
		life = skew
	}
	if oldest := now.Add(-life); s.Time.Before(oldest.Truncate(time.Second)) {
		return s.tooOld(KindExpired, oldest, now, life)
	}
	return nil
}

// checkHeaders requires Host and every X-Amz- header to be signed, as the description of the canonical request does.
// X-Amz-Content-Sha256 is exempt because its value is in the canonical request by itself.
func (s *Signature) checkHeaders(h http.Header) error {
	if !s.signs("host") {
		return unsignedHeader("Host' or ':authority") // AWS quotes both names
	}
	for key := range h {
		if len(key) < 6 || !strings.EqualFold(key[:6], "x-amz-") || s.signs(key) {
			continue
		}
		if key != "X-Amz-Content-Sha256" {
			return unsignedHeader(strings.ToLower(key))
		}
	}
	return nil
}

// signs reports whether a header is among the signed ones.
func (s *Signature) signs(key string) bool {
	for rest := s.headers; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		if strings.EqualFold(name, key) {
			return true
		}
	}
	return false
}
