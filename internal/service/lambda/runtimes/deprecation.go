package runtimes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Lifecycle is what AWS says of a runtime. Days begin at midnight UTC; a zero day is not scheduled.
type Lifecycle struct {
	Name, System  string // as AWS calls it, the operating system below
	Deprecated    time.Time
	CreateBlocked time.Time
	UpdateBlocked time.Time
	Container     bool // there is a base image only
}

// day is a date as AWS's page writes it, "-" where it has none.
func day(text string) time.Time {
	d, _ := time.Parse("Jan 2, 2006", text)
	return d
}

func managed(name, system, deprecated, create, update string) Lifecycle {
	return Lifecycle{Name: name, System: system, Deprecated: day(deprecated), CreateBlocked: day(create), UpdateBlocked: day(update)}
}

func image(name, system, deprecated string) Lifecycle {
	return Lifecycle{Name: name, System: system, Deprecated: day(deprecated), Container: true}
}

const (
	al1    = "Amazon Linux"
	al2    = "Amazon Linux 2"
	al2023 = "Amazon Linux 2023"
)

// lifecycles are the tables of https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, as of autumn 2026.
var lifecycles = map[string]Lifecycle{
	"nodejs24.x":      managed("Node.js 24", al2023, "Apr 30, 2028", "Jun 1, 2028", "Jul 1, 2028"),
	"nodejs22.x":      managed("Node.js 22", al2023, "Apr 30, 2027", "Jun 1, 2027", "Jul 1, 2027"),
	"python3.14":      managed("Python 3.14", al2023, "Jun 30, 2029", "Jul 31, 2029", "Aug 31, 2029"),
	"python3.13":      managed("Python 3.13", al2023, "Jun 30, 2029", "Jul 31, 2029", "Aug 31, 2029"),
	"python3.12":      managed("Python 3.12", al2023, "Oct 31, 2028", "Nov 30, 2028", "Jan 10, 2029"),
	"python3.11":      managed("Python 3.11", al2, "Jun 30, 2027", "Jul 31, 2027", "Aug 31, 2027"),
	"python3.10":      managed("Python 3.10", al2, "Oct 31, 2026", "Feb 1, 2027", "Mar 3, 2027"),
	"java25":          managed("Java 25", al2023, "Jun 30, 2029", "Jul 31, 2029", "Aug 31, 2029"),
	"java21":          managed("Java 21", al2023, "Jun 30, 2029", "Jul 31, 2029", "Aug 31, 2029"),
	"java17.al2023":   managed("Java 17", al2023, "-", "-", "-"),
	"java11.al2023":   managed("Java 11", al2023, "-", "-", "-"),
	"java8.al2023":    managed("Java 8", al2023, "-", "-", "-"),
	"java17":          managed("Java 17", al2, "Jun 30, 2027", "Jul 31, 2027", "Aug 31, 2027"),
	"java11":          managed("Java 11", al2, "Jun 30, 2027", "Jul 31, 2027", "Aug 31, 2027"),
	"java8.al2":       managed("Java 8", al2, "Jun 30, 2027", "Jul 31, 2027", "Aug 31, 2027"),
	"dotnet10":        managed(".NET 10", al2023, "Nov 14, 2028", "Dec 14, 2028", "Jan 15, 2029"),
	"dotnet9":         image(".NET 9", al2023, "Nov 10, 2026"),
	"dotnet8":         managed(".NET 8", al2023, "Nov 10, 2026", "Feb 1, 2027", "Mar 3, 2027"),
	"ruby4.0":         managed("Ruby 4.0", al2023, "Mar 31, 2029", "Apr 30, 2029", "May 31, 2029"),
	"ruby3.4":         managed("Ruby 3.4", al2023, "Mar 31, 2028", "Apr 30, 2028", "May 31, 2028"),
	"ruby3.3":         managed("Ruby 3.3", al2023, "Mar 31, 2027", "Apr 30, 2027", "May 31, 2027"),
	"provided.al2023": managed("OS-only Runtime", al2023, "Jun 30, 2029", "Jul 31, 2029", "Aug 31, 2029"),

	"provided.al2":   managed("OS-only Runtime", al2, "Jul 31, 2026", "Feb 1, 2027", "Mar 3, 2027"),
	"nodejs20.x":     managed("Node.js 20", al2023, "Apr 30, 2026", "Feb 1, 2027", "Mar 3, 2027"),
	"ruby3.2":        managed("Ruby 3.2", al2, "Mar 31, 2026", "Feb 1, 2027", "Mar 3, 2027"),
	"python3.9":      managed("Python 3.9", al2, "Dec 15, 2025", "Feb 1, 2027", "Mar 3, 2027"),
	"nodejs18.x":     managed("Node.js 18", al2, "Sep 1, 2025", "Feb 1, 2027", "Mar 3, 2027"),
	"dotnet6":        managed(".NET 6", al2, "Dec 20, 2024", "Feb 1, 2027", "Mar 3, 2027"),
	"python3.8":      managed("Python 3.8", al2, "Oct 14, 2024", "Feb 1, 2027", "Mar 3, 2027"),
	"nodejs16.x":     managed("Node.js 16", al2, "Jun 12, 2024", "Feb 1, 2027", "Mar 3, 2027"),
	"dotnet7":        image(".NET 7", al2, "May 14, 2024"),
	"java8":          managed("Java 8", al1, "Jan 8, 2024", "Feb 8, 2024", "Mar 3, 2027"),
	"go1.x":          managed("Go 1.x", al1, "Jan 8, 2024", "Feb 8, 2024", "Mar 3, 2027"),
	"provided":       managed("OS-only Runtime", al1, "Jan 8, 2024", "Feb 8, 2024", "Mar 3, 2027"),
	"ruby2.7":        managed("Ruby 2.7", al2, "Dec 7, 2023", "Jan 9, 2024", "Mar 3, 2027"),
	"nodejs14.x":     managed("Node.js 14", al2, "Dec 4, 2023", "Jan 9, 2024", "Mar 3, 2027"),
	"python3.7":      managed("Python 3.7", al1, "Dec 4, 2023", "Jan 9, 2024", "Mar 3, 2027"),
	"dotnetcore3.1":  managed(".NET Core 3.1", al2, "Apr 3, 2023", "Apr 3, 2023", "May 3, 2023"),
	"nodejs12.x":     managed("Node.js 12", al2, "Mar 31, 2023", "Mar 31, 2023", "Apr 30, 2023"),
	"python3.6":      managed("Python 3.6", al1, "Jul 18, 2022", "Jul 18, 2022", "Aug 29, 2022"),
	"dotnet5.0":      image(".NET 5", al2, "May 10, 2022"),
	"dotnetcore2.1":  managed(".NET Core 2.1", al1, "Jan 5, 2022", "Jan 5, 2022", "Apr 13, 2022"),
	"nodejs10.x":     managed("Node.js 10", al2, "Jul 30, 2021", "Jul 30, 2021", "Feb 14, 2022"),
	"ruby2.5":        managed("Ruby 2.5", al1, "Jul 30, 2021", "Jul 30, 2021", "Mar 31, 2022"),
	"python2.7":      managed("Python 2.7", al1, "Jul 15, 2021", "Jul 15, 2021", "May 30, 2022"),
	"nodejs8.10":     managed("Node.js 8.10", al1, "Mar 6, 2020", "Feb 4, 2020", "Mar 6, 2020"),
	"nodejs4.3":      managed("Node.js 4.3", al1, "Mar 5, 2020", "Feb 3, 2020", "Mar 5, 2020"),
	"nodejs4.3-edge": managed("Node.js 4.3 edge", al1, "Mar 5, 2020", "Mar 31, 2019", "Apr 30, 2019"),
	"nodejs6.10":     managed("Node.js 6.10", al1, "Aug 12, 2019", "Jul 12, 2019", "Aug 12, 2019"),
	"dotnetcore1.0":  managed(".NET Core 1.0", al1, "Jun 27, 2019", "Jun 30, 2019", "Jul 30, 2019"),
	"dotnetcore2.0":  managed(".NET Core 2.0", al1, "May 30, 2019", "Apr 30, 2019", "May 30, 2019"),
	"nodejs":         managed("Node.js 0.10", al1, "Aug 30, 2016", "Sep 30, 2016", "Oct 31, 2016"),
}

// LifecycleOf returns what AWS says of a runtime that it has, or had.
func LifecycleOf(name string) (Lifecycle, bool) {
	l, ok := lifecycles[name]
	return l, ok
}

// MayCreate refuses a runtime that AWS does not have for new functions at this time. Its errors are AWS's messages of an
// InvalidParameterValueException.
func MayCreate(name string, now time.Time) error {
	return check(name, now, func(l Lifecycle) time.Time { return l.CreateBlocked })
}

// MayUpdate refuses a runtime that functions which exist may not have after an update at this time.
func MayUpdate(name string, now time.Time) error {
	return check(name, now, func(l Lifecycle) time.Time { return l.UpdateBlocked })
}

// Deprecated tells whether AWS advises against the runtime at this time. It is run nevertheless.
func Deprecated(name string, now time.Time) bool { return reached(lifecycles[name].Deprecated, now) }

func reached(day, now time.Time) bool { return !day.IsZero() && !now.Before(day) }

func check(name string, now time.Time, blocked func(Lifecycle) time.Time) error {
	l, ok := lifecycles[name]
	if !ok || l.Container {
		return fmt.Errorf("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
			name, strings.Join(creatable(now), ", "))
	}
	if !reached(blocked(l), now) {
		return nil
	}
	text := "The runtime parameter of " + name + " is no longer supported for creating or updating AWS Lambda functions."
	if next := successor(name); next != "" && next != name {
		text += " We recommend you use the new runtime (" + next + ") while creating or updating functions."
	}
	return fmt.Errorf("%s", text)
}

// creatable are the runtimes that new functions may have, the newest of each language first.
func creatable(now time.Time) (names []string) {
	for name, l := range lifecycles {
		if !l.Container && !reached(l.CreateBlocked, now) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, newer)
	return names
}

var parts = regexp.MustCompile(`^([a-z]+)([0-9]*)\.?([0-9]*)`)

// newer orders runtimes by language, and then by their version, the newest first.
func newer(a, b string) int {
	x, y := parts.FindStringSubmatch(a), parts.FindStringSubmatch(b)
	if c := strings.Compare(x[1], y[1]); c != 0 {
		return c
	}
	for i := 2; i < len(x); i++ {
		if c := len(y[i]) - len(x[i]); c != 0 {
			return c
		}
		if c := strings.Compare(y[i], x[i]); c != 0 {
			return c
		}
	}
	return strings.Compare(b, a)
}

// successor is the newest runtime of the same language.
func successor(name string) string {
	if name == "go1.x" {
		return "provided.al2023"
	}
	language := strings.TrimSuffix(parts.FindStringSubmatch(name)[1], "core")
	all := creatable(time.Time{})
	i := slices.IndexFunc(all, func(n string) bool { return parts.FindStringSubmatch(n)[1] == language })
	if i < 0 {
		return ""
	}
	return all[i]
}
