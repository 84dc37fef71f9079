package signer

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/api"
	"redoubt/internal/arn"
)

const profileKind, jobKind = "/signing-profiles/", "/signing-jobs/"

// A place is where a profile or a job is.
type place struct{ Account, Region, Name string }

// here is a place in the caller's account and region, or in another account if owner names one.
func here(ctx context.Context, owner *string, name string) place {
	c := api.CallerOf(ctx)
	p := place{c.Account, c.Region, name}
	if a := aws.ToString(owner); a != "" {
		p.Account = a
	}
	return p
}

func (p place) key() []string { return []string{p.Account, p.Region, p.Name} }

func (p place) arn(kind string) string {
	return "arn:aws:signer:" + p.Region + ":" + p.Account + ":" + kind + p.Name
}

// parse reads the ARN of a profile, with or without its version, or that of a job.
func parse(text, kind string) (p place, version string, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != name || a.Region == "" || a.Account == "" {
		return place{}, "", false
	}
	rest, ok := strings.CutPrefix(a.Resource, kind)
	id, version, _ := strings.Cut(rest, "/")
	return place{a.Account, a.Region, id}, version, ok && id != "" && (kind == profileKind || version == "")
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newVersion is the random name of a profile's version: ten letters and digits.
func newVersion() string {
	var b [10]byte
	for i := range b {
		for b[i] = 0xff; b[i] >= 4*byte(len(alphabet)); {
			rand.Read(b[i : i+1])
		}
		b[i] = alphabet[b[i]%byte(len(alphabet))]
	}
	return string(b[:])
}
