package wire

import (
	"math"
	"strconv"
	"time"
)

const (
	httpDate   = "Mon, 02 Jan 2006 15:04:05 GMT"
	dateTime   = "2006-01-02T15:04:05.999Z"
	formatUnix = "unixTimestamp"
	formatHTTP = "rfc822"
	formatISO  = "iso8601"
)

var layouts = []string{time.RFC3339Nano, "Mon, 02 Jan 2006 15:04:05.999 GMT", time.RFC1123Z, "2006-01-02T15:04:05.999999999", "2006-01-02", "20060102T150405Z"}

// parseTime accepts every form in which AWS writes timestamps: they tell
// themselves apart.
func parseTime(s string) (time.Time, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return epoch(f)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, malformed("%q is not a valid timestamp", s)
}

// maxEpoch is the end of the year 9999, which is as far as the formats reach.
const maxEpoch = 253402300800

// epoch converts seconds since 1970, of which milliseconds are kept.
func epoch(seconds float64) (time.Time, error) {
	if !(math.Abs(seconds) < maxEpoch) {
		return time.Time{}, malformed("timestamp out of range")
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}

// formatTime writes a timestamp in one of the formats that models name.
func formatTime(t time.Time, format string) string {
	switch format {
	case formatUnix:
		return formatEpoch(t)
	case formatHTTP:
		return t.UTC().Format(httpDate)
	}
	return t.UTC().Format(dateTime)
}

// formatEpoch writes seconds with as many decimals as are needed, at most three.
func formatEpoch(t time.Time) string {
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return strconv.FormatInt(ms/1000, 10)
	}
	return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
}
