package policy_test

import (
	"testing"

	"redoubt/internal/policy"
)

func TestConditions(t *testing.T) {
	keys := policy.MapKeys{
		"s": {"blue"}, "empty": {""}, "none": {}, "tags": {"a", "b"}, "n": {"10"}, "neg": {"-1.5e1"},
		"d": {"2020-06-01T12:00:00Z"}, "epoch": {"1591012800"}, "bool": {"True"}, "bin": {"aGVsbG8="},
		"ip": {"203.0.113.7"}, "ip6": {"2001:db8:1234:5678::1"}, "mapped": {"::ffff:203.0.113.7"}, "zoned": {"fe80::1%eth0"},
		"arn": {"arn:aws:sns:eu-west-1:111111111111:a:b"}, "junk": {"junk"}, "aws:username": {"alice"}, "yes": {"true"},
		"dates": {"2020-06-01", "2021-01-01"}, "star": {"*"}, "aws:principaltag/team": {"blue"},
	}
	for _, test := range []struct {
		name, in string
		want     bool
	}{
		{"StringEquals", `"StringEquals":{"s":"blue"}`, true},
		{"StringEquals any of several", `"StringEquals":{"s":["red","blue"]}`, true},
		{"StringEquals is case-sensitive", `"StringEquals":{"s":"Blue"}`, false},
		{"StringEquals knows no wildcards", `"StringEquals":{"s":"b*"}`, false},
		{"StringEquals on a missing key", `"StringEquals":{"x":"blue"}`, false},
		{"StringEquals on a key without values", `"StringEquals":{"none":""}`, false},
		{"StringEquals on an empty value", `"StringEquals":{"empty":""}`, true},
		{"StringEquals without values", `"StringEquals":{"s":[]}`, false},
		{"StringEquals on several values matches any", `"StringEquals":{"tags":"b"}`, true},
		{"key names ignore case", `"StringEquals":{"AWS:PrincipalTag/TEAM":"blue"}`, true},
		{"every line must hold", `"StringEquals":{"s":"blue","tags":"c"}`, false},
		{"every block must hold", `"StringEquals":{"s":"blue"},"StringLike":{"s":"r*"}`, false},
		{"StringNotEquals", `"StringNotEquals":{"s":"red"}`, true},
		{"StringNotEquals of several is neither", `"StringNotEquals":{"s":["red","blue"]}`, false},
		{"StringNotEquals on a missing key", `"StringNotEquals":{"x":"red"}`, true},
		{"StringNotEquals without values", `"StringNotEquals":{"s":[]}`, true},
		{"StringNotEquals on several values matches none", `"StringNotEquals":{"tags":"b"}`, false},
		{"StringEqualsIgnoreCase", `"StringEqualsIgnoreCase":{"s":"BLUE"}`, true},
		{"StringEqualsIgnoreCase with a variable", `"StringEqualsIgnoreCase":{"aws:username":"A${aws:username, 'x'}"}`, false},
		{"StringNotEqualsIgnoreCase", `"StringNotEqualsIgnoreCase":{"s":"BLUE"}`, false},
		{"StringLike", `"StringLike":{"s":"b?u*"}`, true},
		{"StringLike is case-sensitive", `"StringLike":{"s":"B*"}`, false},
		{"StringLike crosses anything", `"StringLike":{"arn":"arn:*:a?b"}`, true},
		{"StringLike with an escaped asterisk", `"StringLike":{"star":"${*}"}`, true},
		{"StringNotLike", `"StringNotLike":{"s":["r*","b*"]}`, false},
		{"StringNotLike on a missing key", `"StringNotLike":{"x":"*"}`, true},
		{"a variable", `"StringEquals":{"s":"${aws:PrincipalTag/team}"}`, true},
		{"a variable between text", `"StringLike":{"arn":"arn:*${n}*","s":"*"}`, false},
		{"a variable without value", `"StringEquals":{"s":["${x}"]}`, false},
		{"a variable without value in a negated operator", `"StringNotEquals":{"s":"${x}"}`, true},
		{"a variable without value beside one that matches", `"StringEquals":{"s":["${x}","blue"]}`, true},

		{"IfExists on a missing key", `"StringEqualsIfExists":{"x":"red"}`, true},
		{"IfExists on a key", `"StringEqualsIfExists":{"s":"red"}`, false},
		{"negated IfExists on a missing key", `"StringNotEqualsIfExists":{"x":"red"}`, true},
		{"Null true on a missing key", `"Null":{"x":"true"}`, true},
		{"Null true on a key", `"Null":{"s":"true"}`, false},
		{"Null false on a key", `"Null":{"s":false}`, true},
		{"Null false on a missing key", `"Null":{"x":"False"}`, false},
		{"Null true on a key without values", `"Null":{"none":"true"}`, true},

		{"ForAllValues", `"ForAllValues:StringEquals":{"tags":["a","b","c"]}`, true},
		{"ForAllValues with one value too many", `"ForAllValues:StringEquals":{"tags":["a"]}`, false},
		{"ForAllValues on a missing key", `"ForAllValues:StringEquals":{"x":"a"}`, true},
		{"ForAllValues on an empty value", `"ForAllValues:StringEquals":{"empty":"a"}`, true},
		{"ForAllValues negated", `"ForAllValues:StringNotEquals":{"tags":["c","d"]}`, true},
		{"ForAllValues negated with one match", `"ForAllValues:StringNotEquals":{"tags":["b","c"]}`, false},
		{"ForAllValues negated on a missing key", `"ForAllValues:StringNotEquals":{"x":"a"}`, true},
		{"ForAnyValue", `"ForAnyValue:StringEquals":{"tags":["b","c"]}`, true},
		{"ForAnyValue without match", `"ForAnyValue:StringEquals":{"tags":["c"]}`, false},
		{"ForAnyValue on a missing key", `"ForAnyValue:StringEquals":{"x":"a"}`, false},
		{"ForAnyValue negated on a missing key", `"ForAnyValue:StringNotEquals":{"x":"a"}`, false},
		{"ForAnyValue with IfExists on a missing key", `"ForAnyValue:StringEqualsIfExists":{"x":"a"}`, true},
		{"ForAnyValue negated", `"ForAnyValue:StringNotEquals":{"tags":"a"}`, true},
		{"ForAnyValue negated with all matching", `"ForAnyValue:StringNotEquals":{"tags":["a","b"]}`, false},
		{"ForAnyValue of dates", `"ForAnyValue:DateGreaterThan":{"dates":"2020-12-31"}`, true},

		{"NumericEquals", `"NumericEquals":{"n":10.0}`, true},
		{"NumericNotEquals", `"NumericNotEquals":{"n":["9","10"]}`, false},
		{"NumericLessThan", `"NumericLessThan":{"neg":"-14"}`, true},
		{"NumericLessThanEquals", `"NumericLessThanEquals":{"n":"10"}`, true},
		{"NumericGreaterThan", `"NumericGreaterThan":{"n":"10"}`, false},
		{"NumericGreaterThanEquals any of several", `"NumericGreaterThanEquals":{"n":["11","10"]}`, true},
		{"Numeric on text", `"NumericGreaterThan":{"s":"0"}`, false},
		{"Numeric on nothing", `"NumericLessThan":{"empty":"1"}`, false},
		{"NumericNotEquals on text", `"NumericNotEquals":{"s":"0"}`, true},

		{"DateEquals", `"DateEquals":{"d":"2020-06-01T14:00:00+02:00"}`, true},
		{"DateEquals with epoch seconds in the request", `"DateEquals":{"epoch":"2020-06-01T12:00:00Z"}`, true},
		{"DateEquals with epoch seconds in the policy", `"DateEquals":{"d":"1591012800"}`, true},
		{"DateNotEquals", `"DateNotEquals":{"d":"2020-06-01T12:00Z"}`, false},
		{"DateLessThan", `"DateLessThan":{"d":"2021"}`, true},
		{"DateLessThanEquals", `"DateLessThanEquals":{"d":"2020-06-01"}`, false},
		{"DateGreaterThan", `"DateGreaterThan":{"d":"2020-06"}`, true},
		{"DateGreaterThanEquals", `"DateGreaterThanEquals":{"d":"2020-06-01T12:00:00.5Z"}`, false},
		{"Date on text", `"DateLessThan":{"s":"2021"}`, false},

		{"Bool", `"Bool":{"bool":"true"}`, true},
		{"Bool of the other value", `"Bool":{"bool":"false"}`, false},
		{"Bool on a missing key", `"Bool":{"x":"false"}`, false},
		{"BoolIfExists on a missing key", `"BoolIfExists":{"x":"false"}`, true},
		{"Bool with a variable", `"Bool":{"bool":"${yes}"}`, true},
		{"BinaryEquals", `"BinaryEquals":{"bin":"aGVsbG8="}`, true},
		{"BinaryEquals of other bytes", `"BinaryEquals":{"bin":"aGVsbG9v"}`, false},
		{"BinaryEquals on text", `"BinaryEquals":{"arn":"aGVsbG8="}`, false},

		{"IpAddress in a range", `"IpAddress":{"ip":"203.0.113.0/24"}`, true},
		{"IpAddress in a range given by any of its addresses", `"IpAddress":{"ip":"203.0.113.99/24"}`, true},
		{"IpAddress outside", `"IpAddress":{"ip":["10.0.0.0/8","203.0.113.8"]}`, false},
		{"IpAddress alone", `"IpAddress":{"ip":"203.0.113.7"}`, true},
		{"IpAddress of version 6", `"IpAddress":{"ip6":"2001:DB8:1234:5678::/64"}`, true},
		{"IpAddress of version 6 alone", `"IpAddress":{"ip6":"2001:db8:1234:5678::2"}`, false},
		{"IpAddress of version 4 written as 6", `"IpAddress":{"mapped":"203.0.113.0/24"}`, true},
		{"IpAddress with a zone", `"IpAddress":{"zoned":"fe80::/10"}`, true},
		{"IpAddress on text", `"IpAddress":{"s":"0.0.0.0/0"}`, false},
		{"NotIpAddress of several is none of them", `"NotIpAddress":{"ip":["10.0.0.0/8","203.0.113.0/24"]}`, false},
		{"NotIpAddress on a missing key", `"NotIpAddress":{"x":"10.0.0.0/8"}`, true},

		{"ArnEquals", `"ArnEquals":{"arn":"arn:aws:sns:eu-west-1:111111111111:a:b"}`, true},
		{"ArnEquals has wildcards", `"ArnEquals":{"arn":"arn:aws:sns:*:111111111111:a*"}`, true},
		{"ArnLike with a question mark", `"ArnLike":{"arn":"arn:aws:sn?:eu-west-1:*:?:b"}`, true},
		{"ArnLike wildcards stay in their field", `"ArnLike":{"arn":"arn:aws:sns:*:a:b"}`, false},
		{"ArnLike is case-sensitive", `"ArnLike":{"arn":"arn:aws:SNS:*:*:*"}`, false},
		{"ArnLike with a variable", `"ArnLike":{"arn":"arn:aws:sns:*:*:${aws:PrincipalTag/none, 'a'}:b"}`, true},
		{"ArnLike with a variable that holds colons in its name", `"ArnLike":{"arn":"arn:aws:sns:${aws:username}:*:*"}`, false},
		{"ArnLike with fewer fields", `"ArnLike":{"arn":"arn:aws:sns:*"}`, true},
		{"ArnLike on text", `"ArnLike":{"s":"*"}`, false},
		{"ArnNotEquals", `"ArnNotEquals":{"arn":["arn:aws:sqs:*:*:*","arn:aws:sns:*:*:*"]}`, false},
		{"ArnNotLike on text", `"ArnNotLike":{"s":"*"}`, true},
		{"ArnNotLike on a missing key", `"ArnNotLike":{"x":"*"}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := anything + `,"Condition":{` + test.in + `}`
			if got := matches(t, in, "s3:GetObject", "arn:aws:s3:::b/k", keys); got != test.want {
				t.Errorf("%s holds: %v, want %v", test.in, got, test.want)
			}
		})
	}
}

func TestConditionsWithoutKeys(t *testing.T) {
	if !matches(t, anything+`,"Condition":{"Null":{"x":"true"}}`, "s3:GetObject", "*", nil) {
		t.Error("a request without keys has a key")
	}
}

func TestDates(t *testing.T) {
	for _, test := range []struct {
		in    string
		valid bool
	}{
		{"2019-07-01T13:20:15Z", true}, {"2016-12-13T21:20:37.593194+00:00", true}, {"2016-12-13t2:00:00.593194+23", true},
		{"-292275054", true}, {"01T", true}, {"2020", true}, {"2020-02-29", true}, {"2020-1-1T1:1-0130", true}, {"2020-01-01T10z", true},
		{"2020-01-01T10:11:12,5", true}, {"9223372036854775807", true},
		{"", false}, {"T", false}, {"x", false}, {"9223372036854775808", false}, {"2019-13-01", false}, {"2019-02-29", false}, {"2019-01-32", false},
		{"2016-12-13t2:00:00.593194+1", false}, {"2016-12-13t2:00:00.1999999999+10:59", false}, {"2020-01-01T25", false}, {"2020-01-01T10:60", false},
		{"2020-01-01T10:10:61", false}, {"2020-01-01T10+25", false}, {"2020-01-01T10+10:61", false}, {"2020-01-01T10+1:11", false}, {"2020-01-01T+10:00", false},
		{"2020-01-01T10:10:10.", false}, {"2020-0x", false},
	} {
		_, err := policy.Parse(given(`{"DateEquals":{"a":"`+test.in+`"}}`), policy.Identity)
		if (err == nil) != test.valid {
			t.Errorf("date %q is valid: %v, want %v", test.in, err == nil, test.valid)
		}
	}
}
