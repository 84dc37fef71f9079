package secretsmanager

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// The characters of a password by type (API_GetRandomPassword).
const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numbers     = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// defaultPassword is the length of a password that is not told.
const defaultPassword = 32

// GetRandomPassword makes a password. Every one that fits the request is as likely as any other.
func (s *Service) GetRandomPassword(_ context.Context, in *sdk.GetRandomPasswordInput) (*sdk.GetRandomPasswordOutput, error) {
	n := defaultPassword
	if in.PasswordLength != nil {
		n = int(*in.PasswordLength)
	}
	sets := characterSets(in)
	all := strings.Join(sets, "")
	if aws.ToBool(in.IncludeSpace) && !strings.Contains(aws.ToString(in.ExcludeCharacters), " ") {
		all += " "
	}
	each := in.RequireEachIncludedType == nil || *in.RequireEachIncludedType
	switch {
	case all == "":
		return nil, badParameter("Your request excludes all characters: there are none to make a password of.")
	case each && n < len(sets):
		return nil, badParameter("Password length is too short based on the required types.")
	}
	password := draw(all, n)
	for each && !coversAll(password, sets) {
		password = draw(all, n)
	}
	return &sdk.GetRandomPasswordOutput{RandomPassword: &password}, nil
}

// characterSets are the types that a password is made of, without what is excluded.
func characterSets(in *sdk.GetRandomPasswordInput) (sets []string) {
	for _, t := range []struct {
		set     string
		exclude *bool
	}{
		{lowercase, in.ExcludeLowercase}, {uppercase, in.ExcludeUppercase}, {numbers, in.ExcludeNumbers}, {punctuation, in.ExcludePunctuation},
	} {
		if aws.ToBool(t.exclude) {
			continue
		}
		left := strings.Map(func(r rune) rune {
			if strings.ContainsRune(aws.ToString(in.ExcludeCharacters), r) {
				return -1
			}
			return r
		}, t.set)
		if left != "" {
			sets = append(sets, left)
		}
	}
	return sets
}

func coversAll(password string, sets []string) bool {
	for _, set := range sets {
		if !strings.ContainsAny(password, set) {
			return false
		}
	}
	return true
}
