package secretsmanager

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A schedule says when rotation windows open and how long they are. All is in UTC.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
type schedule struct {
	everyDays  int64 // for a rate in days, or AutomaticallyAfterDays
	everyHours int64 // for a rate in hours
	cron       *cron
	window     time.Duration
}

const (
	day       = 24 * time.Hour
	minHours  = 4    // between rotations
	maxDays   = 999  // of a rate
	mostAfter = 1000 // AutomaticallyAfterDays
)

func badSchedule(format string, args ...any) error {
	return badParameter("Invalid ScheduleExpression. "+format, args...)
}

// schedule compiles the rules; nil if there are none.
func (r Rules) schedule() (*schedule, error) {
	var sc *schedule
	var err error
	switch {
	case r.Days != 0 && r.Expression != "":
		return nil, badParameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.")
	case r.Days < 0 || r.Days > mostAfter:
		return nil, badParameter("RotationRules.AutomaticallyAfterDays must be between 1 and %d.", mostAfter)
	case r.Days > 0:
		sc = &schedule{everyDays: r.Days}
	case r.Expression != "":
		sc, err = parseSchedule(r.Expression)
	case r.Duration != "":
		return nil, badParameter("You can't specify Duration without a schedule in RotationRules.")
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sc, sc.setWindow(r.Duration)
}

var (
	rateForm     = regexp.MustCompile(`^rate\(([0-9]{1,5}) (hour|hours|day|days)\)$`)
	cronForm     = regexp.MustCompile(`^cron\((.*)\)$`)
	durationForm = regexp.MustCompile(`^([0-9]{1,2})h$`)
)

// parseSchedule reads a rate or cron expression.
func parseSchedule(text string) (*schedule, error) {
	if m := cronForm.FindStringSubmatch(text); m != nil {
		c, err := parseCron(m[1])
		return &schedule{cron: c}, err
	}
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		return nil, badSchedule("It must be rate(VALUE hours), rate(VALUE days) or cron(FIELDS).")
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	hours := strings.HasPrefix(m[2], "hour")
	switch {
	case err != nil || n < 1:
		return nil, badSchedule("The value of a rate must be a positive integer.")
	case hours && n < minHours:
		return nil, badSchedule("A secret can be rotated every %d hours at most.", minHours)
	case hours && n > maxDays*24 || !hours && n > maxDays:
		return nil, badSchedule("The longest rotation period is %d days.", maxDays)
	case hours:
		return &schedule{everyHours: n}, nil
	}
	return &schedule{everyDays: n}, nil
}

// setWindow checks that a window ends before the next one opens, and before its day ends.
func (sc *schedule) setWindow(duration string) error {
	first, gap := 0, day
	usual := day
	switch {
	case sc.everyHours > 0:
		usual, gap = time.Hour, time.Duration(sc.everyHours)*time.Hour
	case sc.cron != nil:
		first, gap = sc.cron.lastHour(), sc.cron.gap()
		if usual = time.Hour; sc.cron.daily() {
			usual = day - time.Duration(first)*time.Hour
		}
	}
	if sc.window = usual; duration == "" {
		return nil
	}
	m := durationForm.FindStringSubmatch(duration)
	if m == nil {
		return badParameter("Invalid Duration. It must be a number of hours, such as 3h.")
	}
	n, _ := strconv.Atoi(m[1]) // two digits
	sc.window = time.Duration(n) * time.Hour
	if n < 1 || sc.window > gap || time.Duration(first)*time.Hour+sc.window > day {
		return badParameter("Invalid Duration. The rotation window must not extend into the next rotation window or the next UTC day.")
	}
	return nil
}

// next is when the first window after a time opens, a rotation being done then.
func (sc *schedule) next(after time.Time) time.Time {
	switch {
	case sc.cron != nil:
		return sc.cron.next(after)
	case sc.everyHours > 0:
		return after.Add(time.Duration(sc.everyHours) * time.Hour).Truncate(time.Hour)
	}
	return after.Truncate(day).AddDate(0, 0, int(sc.everyDays))
}

// days is the number of days between rotations, 0 if it is less than one.
func (sc *schedule) days() int64 {
	switch {
	case sc.everyHours > 0:
		return sc.everyHours / 24
	case sc.cron != nil:
		first := sc.cron.next(time.Now().UTC())
		return int64(sc.cron.next(first).Sub(first) / day)
	}
	return sc.everyDays
}
