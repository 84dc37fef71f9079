package pattern_test

import (
	"testing"

	"redoubt/internal/service/logs/pattern"
)

const trail = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],` +
	`"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c","yes":true,"no":false,"n":1000}`

const people = `{"user":{"id":1,"email":"John.Stiles@example.com"},"users":[{"id":2,"email":"John.Doe@example.com"},` +
	`{"id":3,"email":"Jane.Doe@example.com"}],"actions":["GET","PUT","DELETE"],"coordinates":[[0,1,2],[4,5,6],[7,8,9]]}`

const access = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{``, `anything`, true},
		{`" "`, `anything`, true},
		{`ERROR`, `[ERROR 400] BAD REQUEST`, true},
		{`ERROR`, `[error 400] BAD REQUEST`, false},
		{`ERROR ARGUMENTS`, `[ERROR 419] MISSING ARGUMENTS`, true},
		{`ERROR ARGUMENTS`, `[ERROR 401] UNAUTHORIZED REQUEST`, false},
		{`?ERROR ?ARGUMENTS`, `INVALID ARGUMENTS`, true},
		{`?ERROR ?ARGUMENTS`, `fine`, false},
		{`?ERROR ?ARGUMENTS REQUEST`, `[INFO] REQUEST FAILED`, true},
		{`"INTERNAL SERVER ERROR"`, `[ERROR 500] INTERNAL SERVER ERROR`, true},
		{`"INTERNAL SERVER ERROR"`, `INTERNAL ERROR OF SERVER`, false},
		{`ERROR -ARGUMENTS`, `[ERROR 400] BAD REQUEST`, true},
		{`ERROR -ARGUMENTS`, `[ERROR 419] MISSING ARGUMENTS`, false},
		{`%AUTHORIZED%`, `[ERROR 401] UNAUTHORIZED REQUEST`, true},
		{`%^[hc]at%`, `that`, false},
		{`%a{,2}b%`, `aab`, true},

		{`{ $.eventType = "UpdateTrail" }`, trail, true},
		{`{ $.eventType = UpdateTrail }`, trail, true},
		{`{ $.eventType = "Update*" }`, trail, true},
		{`{ $.eventType != "UpdateTrail" }`, trail, false},
		{`{ $.missing != "UpdateTrail" }`, trail, false},
		{`{ $.sourceIPAddress != 123.123.* }`, trail, true},
		{`{ $.sourceIPAddress = 111.111.* }`, trail, true},
		{`{ $.arrayKey[0] = "value" }`, trail, true},
		{`{ $.arrayKey[1] = "value" }`, trail, false},
		{`{ $.arrayKey[9] = "value" }`, trail, false},
		{`{ $.arrayKey = "value" }`, trail, false},
		{`{ $.arrayKey[*] = %val.{2}% }`, trail, true},
		{`{ $.eventType = %Trail% }`, trail, true},
		{`{ $.* = %111\.111\.111\.1[0-9]{1,2}% }`, trail, true},
		{`{ $.['cluster.name'] = "c" }`, trail, true},
		{`{ $.objectList[1].id = 2 }`, trail, true},
		{`{ $.objectList[*].id = 2 }`, trail, true},
		{`{ $.SomeObject IS NULL }`, trail, true},
		{`{ $.eventType IS NULL }`, trail, false},
		{`{ $.yes IS TRUE && $.no IS FALSE }`, trail, true},
		{`{ $.SomeOtherObject NOT EXISTS }`, trail, true},
		{`{ $.SomeObject NOT EXISTS }`, trail, false},
		{`{ $.n > 75 }`, trail, true},
		{`{ $.n <= 999.5 }`, trail, false},
		{`{ $.n = 1e+3 }`, trail, true},
		{`{ $.n != 1e3 }`, trail, false},
		{`{ $.n = 10* }`, trail, true},
		{`{ $.n = 1000 }`, `not JSON`, false},
		{`{ $.n = 1000 }`, `{"n":1000} and more`, false},
		{`{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }`, people, true},
		{`{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" && $.actions[2] = "nonmatch" }`, people, true},
		{`{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch") && $.actions[2] = "nonmatch" }`, people, false},
		{`{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }`, people, false},
		{`{ $.coordinates[1][2] = 6 }`, people, true},

		{`[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]`, access, true},
		{`[..., request =*.html*, status_code = 4*, bytes]`, access, true},
		{`[..., status_code = 5*, bytes]`, access, false},
		{`[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]`, access, true},
		{`[ip, user, username, timestamp, request, status_code, bytes > 1000]`, access, true},
		{`[ip, user, username, timestamp, request, status_code, bytes > 2000]`, access, false},
		{`[a, b, c, d, e, f, g, h]`, access, false},
		{`[w1=ERROR, w2]`, `ERROR 09/25/2014 12:00:02 Failed to process request`, true},
		{`[w1=ERROR, w2]`, `INFO 09/25/2014 12:00:00 GET /service/resource/67 1200`, false},
		{`[w1=ERROR || w1=WARNING, w2]`, `WARNING 09/25/2014 12:00:02 Invalid user request`, true},
		{`[w1!=ERROR && w1!=WARNING, w2]`, `INFO 09/25/2014 12:00:00 GET /service/resource/67 1200`, true},
		{`[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]`, `INFO 09/25/2014 12:00:00 GET /service/resource/67 1200`, true},
	} {
		p, err := pattern.Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if got := p.Match(c.message); got != c.want {
			t.Errorf("%s on %s: got %v", c.pattern, c.message, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"open`, `-`, `?`, `{`, `{}`, `{ $.a }`, `{ $.a = }`, `{ $.a = 1`, `{ $.a = 1 } x`, `{ a = 1 }`, `{ $.a > "x" }`, `{ $.a IS NOT NULL }`,
		`{ $.a EXISTS }`, `{ ($.a = 1 }`, `{ $.a[*].b[*] = 1 }`, `{ $.["a"] = 1 }`, `{ $.a && $.b = 1 }`, `{ $.a = %(x)% }`, `{ $.a = %x }`,
		`[a`, `[a,]`, `[..., a, ...]`, `[a = 1 && b = 2]`, `%é%`, `{ $.a = %x% || $.b = %y% || $.c = %z% }`,
	} {
		if _, err := pattern.Parse(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{`a -b ?c "d"`, `{ $.a = 1 && ($.b[0] != "x*" || $.c.* IS NULL) }`, `[a, b=1* || b>2, ...]`, `%a{1,2}%`} {
		f.Add(text, trail)
		f.Add(text, access)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		if p, err := pattern.Parse(text); err == nil {
			p.Match(message)
		}
	})
}
