package runtimes_test

import (
	"testing"
	"time"

	"redoubt/internal/service/lambda/runtimes"
)

func on(t *testing.T, day string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const recommended = " is no longer supported for creating or updating AWS Lambda functions. We recommend you use the new runtime ("

func TestDeprecatedRuntimesAreRefusedFromTheirDays(t *testing.T) {
	for _, c := range []struct{ name, day, create, update string }{
		{"python3.14", "2026-11-22", "", ""},
		{"nodejs20.x", "2026-11-22", "", ""},
		{"nodejs20.x", "2027-01-31", "", ""},
		{"nodejs20.x", "2027-02-01", "nodejs24.x", ""},
		{"nodejs20.x", "2027-03-03", "nodejs24.x", "nodejs24.x"},
		{"nodejs14.x", "2026-11-22", "nodejs24.x", ""},
		{"nodejs12.x", "2026-11-22", "nodejs24.x", "nodejs24.x"},
		{"python2.7", "2026-11-22", "python3.14", "python3.14"},
		{"go1.x", "2026-11-22", "provided.al2023", ""},
		{"provided", "2026-11-22", "provided.al2023", ""},
		{"java8", "2026-11-22", "java25", ""},
		{"dotnetcore3.1", "2026-11-22", "dotnet10", "dotnet10"},
		{"ruby2.5", "2026-11-22", "ruby4.0", "ruby4.0"},
		{"java17.al2023", "2050-01-01", "", ""},
	} {
		now := on(t, c.day)
		for _, x := range []struct {
			what string
			err  error
			want string
		}{{"create", runtimes.MayCreate(c.name, now), c.create}, {"update", runtimes.MayUpdate(c.name, now), c.update}} {
			got, want := "", ""
			if x.err != nil {
				got = x.err.Error()
			}
			if x.want != "" {
				want = "The runtime parameter of " + c.name + recommended + x.want + ") while creating or updating functions."
			}
			wantText(t, x.what+" with "+c.name+" on "+c.day, got, want)
		}
	}
}

func TestUnknownRuntimesAreRefusedWithWhatThereIs(t *testing.T) {
	const want = "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: " +
		"[dotnet10, dotnet8, dotnet6, java25, java21, java17.al2023, java17, java11.al2023, java11, java8.al2023, java8.al2, " +
		"nodejs24.x, nodejs22.x, nodejs20.x, nodejs18.x, nodejs16.x, provided.al2023, provided.al2, " +
		"python3.14, python3.13, python3.12, python3.11, python3.10, python3.9, python3.8, ruby4.0, ruby3.4, ruby3.3, ruby3.2] or be a valid ARN"
	err := runtimes.MayCreate("cobol", on(t, "2026-11-22"))
	if err == nil {
		t.Fatal("it was taken")
	}
	wantText(t, "the refusal", err.Error(), want)
	for _, image := range []string{"dotnet9", "dotnet7"} { // there are images of them only
		if err := runtimes.MayCreate(image, on(t, "2026-11-22")); err == nil {
			t.Errorf("%s was taken", image)
		}
	}
}

func TestLifecyclesAreThoseOfAWS(t *testing.T) {
	for name, want := range map[string]bool{"nodejs20.x": true, "python3.9": true, "provided.al2": true, "python3.11": false, "nodejs24.x": false, "cobol": false} {
		if got := runtimes.Deprecated(name, on(t, "2026-11-22")); got != want {
			t.Errorf("%s: deprecated is %v", name, got)
		}
	}
	l, ok := runtimes.LifecycleOf("python3.12")
	if !ok || l.Name != "Python 3.12" || l.System != "Amazon Linux 2023" || !l.UpdateBlocked.Equal(on(t, "2029-01-10")) {
		t.Errorf("got %+v", l)
	}
}
