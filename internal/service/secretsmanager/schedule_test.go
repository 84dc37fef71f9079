package secretsmanager

import (
	"testing"
	"time"
)

func TestSchedulesOpenWindows(t *testing.T) {
	for _, c := range []struct{ expression, after, want, window string }{
		{"rate(4 hours)", "2026-03-01T10:20:00Z", "2026-03-01T14:00:00Z", "1h0m0s"},
		{"rate(10 days)", "2026-02-25T10:20:00Z", "2026-03-07T00:00:00Z", "24h0m0s"},
		{"cron(0 /8 * * ? *)", "2026-03-01T16:00:00Z", "2026-03-02T00:00:00Z", "1h0m0s"},
		{"cron(0 8/8 * * ? *)", "2026-03-01T08:00:00Z", "2026-03-01T16:00:00Z", "1h0m0s"},
		{"cron(0 2/10 * * ? *)", "2026-03-01T12:00:00Z", "2026-03-01T22:00:00Z", "1h0m0s"},
		{"cron(0 10 * * ? *)", "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z", "14h0m0s"},
		{"cron(0 18 ? * SAT *)", "2026-03-01T00:00:00Z", "2026-03-07T18:00:00Z", "6h0m0s"},
		{"cron(0 8 1 * ? *)", "2026-03-01T08:00:00Z", "2026-04-01T08:00:00Z", "16h0m0s"},
		{"cron(0 1 ? 1/3 SUN#1 *)", "2026-03-01T00:00:00Z", "2026-04-05T01:00:00Z", "23h0m0s"},
		{"cron(0 17 L * ? *)", "2026-02-01T00:00:00Z", "2026-02-28T17:00:00Z", "7h0m0s"},
		{"cron(0 8 ? * MON-FRI *)", "2026-02-27T09:00:00Z", "2026-03-02T08:00:00Z", "16h0m0s"},
		{"cron(0 16 1,15 * ? *)", "2026-03-02T00:00:00Z", "2026-03-15T16:00:00Z", "8h0m0s"},
		{"cron(0 0 ? 1/11 2#1 *)", "2026-03-02T00:00:00Z", "2026-12-07T00:00:00Z", "24h0m0s"},
		{"cron(0 9 SUNL * ? *)", "2026-03-01T00:00:00Z", "2026-03-29T09:00:00Z", "15h0m0s"},
		{"cron(0 9 ? * L *)", "2026-03-01T00:00:00Z", "2026-03-07T09:00:00Z", "15h0m0s"},
		{"cron(0 9 29 2 ? *)", "2026-03-01T00:00:00Z", "2028-02-29T09:00:00Z", "15h0m0s"},
		{"cron(0 9 1/2 * ? *)", "2026-03-30T00:00:00Z", "2026-03-31T09:00:00Z", "15h0m0s"},
	} {
		sc, err := Rules{Expression: c.expression}.schedule()
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		after, _ := time.Parse(time.RFC3339, c.after)
		if got := sc.next(after).Format(time.RFC3339); got != c.want || sc.window.String() != c.window {
			t.Errorf("%s opens at %s for %s, want %s for %s", c.expression, got, sc.window, c.want, c.window)
		}
	}
}

func TestSchedulesThatCannotBeAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "rate(4)", "rate(3 hours)", "rate(0 days)", "rate(1000 days)", "rate(24000 hours)", "rate(-1 day)", "every day", "cron()", "cron(0 8 * * ? *) ",
		"cron(5 8 * * ? *)", "cron(0 8 * * ? 2027)", "cron(0 8 * * * *)", "cron(0 8 ? * ? *)", "cron(0 24 * * ? *)", "cron(0 0/3 * * ? *)", "cron(0 0/23 * * ? *)",
		"cron(0 * * * ? *)", "cron(0 8 32 * ? *)", "cron(0 8 30 2 ? *)", "cron(0 8 ? * SUN#6 *)", "cron(0 8 ? * FOO *)", "cron(0 8 5-3 * ? *)", "cron(0 8 1 13 ? *)",
		"cron(0 8 1/0 * ? *)", "cron(0 8 XL * ? *)",
	} {
		if sc, err := (Rules{Expression: text}).schedule(); err == nil && sc != nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"rate(4 hours)", "cron(0 8/8 * * ? *)", "cron(0 1 ? 1/3 SUN#1 *)", "cron(0 9 SUNL FEB,3-5 ? *)", "cron(0 9 ? * 2L *)"} {
		f.Add(s, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		after := time.Unix(at%(1<<33), 0).UTC()
		sc, err := Rules{Expression: text}.schedule()
		if err != nil || sc == nil {
			return
		}
		next := sc.next(after)
		if !next.After(after) || next.Minute() != 0 || sc.window < time.Hour || sc.window > day {
			t.Errorf("%q opens at %s after %s, for %s", text, next, after, sc.window)
		}
		if again := sc.next(next); again.Sub(next) < minHours*time.Hour {
			t.Errorf("%q opens at %s and %s", text, next, again)
		}
	})
}
