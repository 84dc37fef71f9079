package policy

import (
	"strconv"
	"strings"
	"time"
)

// parseDate reads a date as IAM does: seconds since 1970, or one of the forms of ISO 8601 that the W3C lists, with
// single digits allowed where IAM allows them. Four digits alone are a year.
func parseDate(s string) (time.Time, bool) {
	if len(s) != len("2006") && allDigits(s[min(1, len(s)):]) { // but for its sign a number
		if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(seconds, 0), true
		}
	}
	day, clock, timed := cutAny(s, "Tt")
	year, month, dayOfMonth, ok := parseDay(day)
	if !ok {
		return time.Time{}, false
	}
	date := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	if date.Month() != time.Month(month) { // the 31st of a shorter month
		return time.Time{}, false
	}
	if !timed || clock == "" {
		return date, true
	}
	offset, ok := parseClock(clock)
	return date.Add(offset), ok
}

// cutAny cuts s at the first of some characters.
func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// parseDay reads YYYY, YYYY-MM or YYYY-MM-DD.
func parseDay(s string) (year, month, day int, ok bool) {
	y, rest, hasMonth := strings.Cut(s, "-")
	m, d, hasDay := strings.Cut(rest, "-")
	month, day = 1, 1
	year, ok = parseDigits(y, 1, 9, 0, 999999999)
	if ok && hasMonth {
		month, ok = parseDigits(m, 1, 2, 1, 12)
	}
	if ok && hasDay {
		day, ok = parseDigits(d, 1, 2, 1, 31)
	}
	return year, month, day, ok
}

// parseClock reads hh, hh:mm, hh:mm:ss or hh:mm:ss.fraction, and a zone: Z, +hh, +hhmm or +hh:mm. Without a zone the
// time is UTC. The result is the time since midnight UTC.
func parseClock(s string) (time.Duration, bool) {
	zone, ok := time.Duration(0), true
	if i := strings.IndexAny(s, "Zz+-"); i >= 0 {
		zone, ok = parseZone(s[i:])
		s = s[:i]
	}
	h, rest, hasMinute := strings.Cut(s, ":")
	m, rest, hasSecond := strings.Cut(rest, ":")
	sec, fraction, hasFraction := cutAny(rest, ".,")
	hour, valid := parseDigits(h, 1, 2, 0, 24)
	minute, second, nanos := 0, 0, 0
	if valid && hasMinute {
		minute, valid = parseDigits(m, 1, 2, 0, 59)
	}
	if valid && hasSecond {
		second, valid = parseDigits(sec, 1, 2, 0, 60)
	}
	if valid && hasFraction {
		nanos, valid = parseDigits(fraction, 1, 9, 0, 999999999)
		for range 9 - len(fraction) {
			nanos *= 10
		}
	}
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(nanos)
	return clock - zone, ok && valid
}

// parseZone reads how far a zone is ahead of UTC.
func parseZone(s string) (time.Duration, bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	digits := s[1:]
	if len(s) == len("+hh:mm") && s[3] == ':' {
		digits = s[1:3] + s[4:]
	}
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	hour, ok := parseDigits(digits[:2], 2, 2, 0, 23)
	minute := 0
	if ok && len(digits) == 4 {
		minute, ok = parseDigits(digits[2:], 2, 2, 0, 59)
	}
	ahead := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	if s[0] == '-' {
		ahead = -ahead
	}
	return ahead, ok
}

// parseDigits reads a number of some digits within a range.
func parseDigits(s string, shortest, longest, low, high int) (int, bool) {
	if len(s) < shortest || len(s) > longest || !allDigits(s) {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		n = 10*n + int(s[i]-'0')
	}
	return n, low <= n && n <= high
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
