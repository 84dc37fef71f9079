package secretsmanager_test

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func TestPasswordsAreMadeAsAskedFor(t *testing.T) {
	p := start(t)
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	const marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	yes := ptr(true)
	for _, c := range []struct {
		in     sdk.GetRandomPasswordInput
		length int
		of     string
		each   []string
	}{
		{sdk.GetRandomPasswordInput{}, 32, lower + upper + digits + marks, []string{lower, upper, digits, marks}},
		{sdk.GetRandomPasswordInput{PasswordLength: ptr[int64](4)}, 4, lower + upper + digits + marks, []string{lower, upper, digits, marks}},
		{sdk.GetRandomPasswordInput{PasswordLength: ptr[int64](4096), ExcludePunctuation: yes, IncludeSpace: yes}, 4096, lower + upper + digits + " ", []string{" "}},
		{sdk.GetRandomPasswordInput{PasswordLength: ptr[int64](2), ExcludePunctuation: yes, ExcludeLowercase: yes, ExcludeCharacters: ptr("0O1I")}, 2, upper + digits, []string{upper, "23456789"}},
		{sdk.GetRandomPasswordInput{PasswordLength: ptr[int64](1), RequireEachIncludedType: ptr(false), ExcludeUppercase: yes, ExcludeLowercase: yes, ExcludePunctuation: yes}, 1, digits, nil},
	} {
		out, err := p.GetRandomPassword(ctx, &c.in)
		must(t, err)
		password := *out.RandomPassword
		if len(password) != c.length || strings.Trim(password, c.of) != "" {
			t.Errorf("%q does not fit %+v", password, c.in)
		}
		for _, set := range c.each {
			if !strings.ContainsAny(password, set) {
				t.Errorf("%q has none of %q", password, set)
			}
		}
	}
	_, err := p.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{PasswordLength: ptr[int64](3)})
	refused(t, err, "InvalidParameterException", "Password length is too short based on the required types.")
	_, err = p.GetRandomPassword(ctx, &sdk.GetRandomPasswordInput{ExcludeLowercase: yes, ExcludeUppercase: yes, ExcludeNumbers: yes, ExcludePunctuation: yes})
	refused(t, err, "InvalidParameterException", "")
}
