package secretsmanager

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// A cron is a schedule by hours and days: cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR), where minutes are 0 and the
// year is *.
type cron struct {
	hours, months uint32 // bits
	monthDays     uint32 // bits 1 to 31; none if the days are those of the week
	weekDays      uint32 // bits 1 (Sunday) to 7
	lastDay       bool   // the last day of the month
	lastWeekDay   int    // the last such day of the month, 1 to 7
	nth           int    // only the n-th of the month's days of the week; 0 means all
}

var (
	monthNames = []string{"", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func parseCron(text string) (*cron, error) {
	f := strings.Fields(text)
	if len(f) != 6 {
		return nil, badSchedule("A cron expression has six fields.")
	}
	c := &cron{}
	switch {
	case f[0] != "0":
		return nil, badSchedule("The minutes field must be 0.")
	case f[5] != "*":
		return nil, badSchedule("The year field must be *.")
	case (f[2] == "?") == (f[4] == "?"):
		return nil, badSchedule("One of the day-of-month and day-of-week fields must be ?, and the other must not.")
	case !c.parseHours(f[1]):
		return nil, badSchedule("The hours field must be an hour, or increments of at least %d hours.", minHours)
	}
	ok := false
	if c.months, ok = parseSet(f[3], monthNames, 1, 12); !ok {
		return nil, badSchedule("The month field is invalid.")
	}
	if f[2] != "?" && !c.parseMonthDays(f[2]) {
		return nil, badSchedule("The day-of-month field is invalid.")
	}
	if f[4] != "?" && !c.parseWeekDays(f[4]) {
		return nil, badSchedule("The day-of-week field is invalid.")
	}
	if c.next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, badSchedule("There is no such day.")
	}
	return c, nil
}

// parseHours reads an hour, or one with an increment: "8/8", or "/8" for from midnight on.
func (c *cron) parseHours(text string) bool {
	from, step, increments := strings.Cut(text, "/")
	if !increments {
		h, ok := number(text, nil, 0, 23)
		c.hours = 1 << h
		return ok
	}
	h, ok := 0, true
	if from != "" && from != "*" {
		h, ok = number(from, nil, 0, 23)
	}
	n, stepOK := number(step, nil, minHours, 23)
	if !ok || !stepOK {
		return false
	}
	for ; h < 24; h += n {
		c.hours |= 1 << h
	}
	return c.gap() >= minHours*time.Hour
}

func (c *cron) parseMonthDays(text string) (ok bool) {
	if text == "L" {
		c.lastDay = true
		return true
	}
	if c.parseLastWeekDay(text) {
		return true
	}
	c.monthDays, ok = parseSet(text, nil, 1, 31)
	return ok
}

// parseLastWeekDay reads "SUNL": the last Sunday of the month.
func (c *cron) parseLastWeekDay(text string) (ok bool) {
	name, ok := strings.CutSuffix(text, "L")
	if ok {
		c.lastWeekDay, ok = number(name, dayNames, 1, 7)
	}
	return ok
}

func (c *cron) parseWeekDays(text string) (ok bool) {
	if text == "L" {
		text = "SAT"
	}
	if c.parseLastWeekDay(text) {
		return true
	}
	if name, n, nth := strings.Cut(text, "#"); nth {
		d, ok := number(name, dayNames, 1, 7)
		if !ok {
			return false
		}
		c.weekDays = 1 << d
		c.nth, ok = number(n, nil, 1, 5)
		return ok
	}
	c.weekDays, ok = parseSet(text, dayNames, 1, 7)
	return ok
}

// parseSet reads "*", and lists of values, ranges and increments.
func parseSet(text string, names []string, low, high int) (set uint32, ok bool) {
	for _, part := range strings.Split(text, ",") {
		part, step, increments := strings.Cut(part, "/")
		from, to, n := low, high, 1
		first, last, ranged := strings.Cut(part, "-")
		if part != "*" {
			if from, ok = number(first, names, low, high); !ok {
				return 0, false
			}
			if !increments {
				to = from
			}
		}
		if ranged {
			if to, ok = number(last, names, from, high); !ok {
				return 0, false
			}
		}
		if increments {
			if n, ok = number(step, nil, 1, high); !ok {
				return 0, false
			}
		}
		for ; from <= to; from += n {
			set |= 1 << from
		}
	}
	return set, set != 0
}

// number reads a number or a name.
func number(text string, names []string, low, high int) (int, bool) {
	for i, name := range names {
		if i > 0 && strings.EqualFold(name, text) {
			return i, i >= low && i <= high
		}
	}
	if text == "" || len(text) > 3 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= low && n <= high
}

// daily reports whether there is one window in a day.
func (c *cron) daily() bool { return bits.OnesCount32(c.hours) == 1 }

// lastHour is when the last window of a day opens.
func (c *cron) lastHour() int { return bits.Len32(c.hours) - 1 }

// gap is the shortest time between the openings of two windows, of which the later may be on the next day.
func (c *cron) gap() time.Duration {
	first, shortest := bits.TrailingZeros32(c.hours), 24
	before := c.lastHour() - 24
	for h := first; h < 24; h++ {
		if c.hours&(1<<h) != 0 {
			shortest = min(shortest, h-before)
			before = h
		}
	}
	return time.Duration(shortest) * time.Hour
}

// horizon is how many days there may be between two of a schedule: February 29 is not in 2100.
const horizon = 366 * 9

// next is the first opening after a time; zero if there is none.
func (c *cron) next(after time.Time) time.Time {
	today := after.Truncate(day)
	for range horizon {
		for h := 0; h < 24 && c.falls(today); h++ {
			if at := today.Add(time.Duration(h) * time.Hour); c.hours&(1<<h) != 0 && at.After(after) {
				return at
			}
		}
		today = today.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// falls reports whether a day is one of the schedule.
func (c *cron) falls(d time.Time) bool {
	if c.months&(1<<d.Month()) == 0 {
		return false
	}
	weekDay, last := int(d.Weekday())+1, d.AddDate(0, 0, 1).Month() != d.Month()
	switch {
	case c.lastDay:
		return last
	case c.lastWeekDay > 0:
		return weekDay == c.lastWeekDay && d.AddDate(0, 0, 7).Month() != d.Month()
	case c.monthDays != 0:
		return c.monthDays&(1<<d.Day()) != 0
	}
	return c.weekDays&(1<<weekDay) != 0 && (c.nth == 0 || (d.Day()-1)/7+1 == c.nth)
}
