package signer_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"
)

func TestNewProfileIsDescribedAsAWSDoes(t *testing.T) {
	p := start(t)
	made, err := p.PutSigningProfile(ctx, &sdk.PutSigningProfileInput{
		ProfileName: ptr("mine"), PlatformId: ptr(lambdaPlatform), Tags: map[string]string{"team": "a"},
		SignatureValidityPeriod: &types.SignatureValidityPeriod{Type: types.ValidityTypeDays, Value: 10},
	})
	must(t, err)
	out, err := p.GetSigningProfile(ctx, &sdk.GetSigningProfileInput{ProfileName: ptr("mine")})
	must(t, err)
	got := fmt.Sprintln(*out.Arn, *out.ProfileVersionArn, *out.PlatformId, *out.PlatformDisplayName, *out.SignatureValidityPeriod, out.Status, out.Tags)
	want := fmt.Sprintln(*made.Arn, p.arn("/signing-profiles/mine/"+*made.ProfileVersion), lambdaPlatform, "AWS Lambda",
		types.SignatureValidityPeriod{Type: "DAYS", Value: 10}, "Active", map[string]string{"team": "a"})
	if got != want || *made.Arn != p.arn("/signing-profiles/mine") || !regexp.MustCompile(`^[a-zA-Z0-9]{10}$`).MatchString(*made.ProfileVersion) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestProfilesThatAreNotMadeAreRefused(t *testing.T) {
	p := start(t)
	put := func(change func(*sdk.PutSigningProfileInput)) error {
		in := &sdk.PutSigningProfileInput{ProfileName: ptr("other"), PlatformId: ptr(lambdaPlatform)}
		change(in)
		_, err := p.PutSigningProfile(ctx, in)
		return err
	}
	for want, change := range map[string]func(*sdk.PutSigningProfileInput){
		"Signing platform Notation-OCI-SHA384-ECDSA is not supported by Redoubt yet.": func(in *sdk.PutSigningProfileInput) {
			in.PlatformId = ptr("Notation-OCI-SHA384-ECDSA")
		},
		"Invalid platformId: nonsense": func(in *sdk.PutSigningProfileInput) { in.PlatformId = ptr("nonsense") },
		"Signature validity period must be between 1 day and 135 months": func(in *sdk.PutSigningProfileInput) {
			in.SignatureValidityPeriod = &types.SignatureValidityPeriod{Type: "MONTHS", Value: 136}
		},
		"Signing material is not supported for platform " + lambdaPlatform: func(in *sdk.PutSigningProfileInput) {
			in.SigningMaterial = &types.SigningMaterial{CertificateArn: ptr("arn:aws:acm:us-east-1:1:certificate/x")}
		},
		"Hash algorithm SHA1 is not supported for platform " + lambdaPlatform: func(in *sdk.PutSigningProfileInput) {
			in.Overrides = &types.SigningPlatformOverrides{SigningConfiguration: &types.SigningConfigurationOverrides{HashAlgorithm: "SHA1"}}
		},
	} {
		refused(t, put(change), "ValidationException", want)
	}
	p.profile(t, "mine")
	again := func(in *sdk.PutSigningProfileInput) { in.ProfileName = ptr("mine") }
	refused(t, put(again), "ValidationException", "Profile with name mine already exists")
	_, err := p.CancelSigningProfile(ctx, &sdk.CancelSigningProfileInput{ProfileName: ptr("mine")})
	must(t, err)
	refused(t, put(again), "ValidationException", "Profile with name mine already exists")
}

func TestListingShowsActiveProfilesOnly(t *testing.T) {
	p := start(t)
	for i := range 4 {
		p.profile(t, fmt.Sprintf("profile_%d", i))
	}
	_, err := p.CancelSigningProfile(ctx, &sdk.CancelSigningProfileInput{ProfileName: ptr("profile_1")})
	must(t, err)
	list := func(in *sdk.ListSigningProfilesInput) (names string) {
		in.MaxResults = ptr(int32(2))
		pages := sdk.NewListSigningProfilesPaginator(p, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			must(t, err)
			for _, x := range page.Profiles {
				names += (*x.ProfileName)[len("profile_"):]
			}
			names += ";"
		}
		return names
	}
	for want, in := range map[string]*sdk.ListSigningProfilesInput{
		"02;3;": {}, "01;23;": {IncludeCanceled: true}, "1;": {Statuses: []types.SigningProfileStatus{"Canceled"}}, ";": {PlatformId: ptr("Notation-OCI-SHA384-ECDSA")},
	} {
		if got := list(in); got != want {
			t.Errorf("%+v lists %q, want %q", in, got, want)
		}
	}
	_, err = p.ListSigningProfiles(ctx, &sdk.ListSigningProfilesInput{NextToken: ptr("*")})
	refused(t, err, "ValidationException", "Invalid nextToken")
}

func TestRevokedProfileCannotBeCanceled(t *testing.T) {
	p := start(t)
	version := p.profile(t, "mine")
	revoke := func(version string, at time.Time) error {
		_, err := p.RevokeSigningProfile(ctx, &sdk.RevokeSigningProfileInput{
			ProfileName: ptr("mine"), ProfileVersion: &version, Reason: ptr("stolen"), EffectiveTime: &at,
		})
		return err
	}
	hourAgo := time.Now().Add(-time.Hour).Truncate(time.Second)
	refused(t, revoke("0123456789", hourAgo), "ResourceNotFoundException", "")
	refused(t, revoke(version, time.Now().Add(time.Hour)), "ValidationException", "Effective time cannot be in the future")
	must(t, revoke(version, hourAgo))
	refused(t, revoke(version, hourAgo.Add(time.Minute)), "ValidationException", "")
	must(t, revoke(version, hourAgo.Add(-time.Minute)))
	out, err := p.GetSigningProfile(ctx, &sdk.GetSigningProfileInput{ProfileName: ptr("mine")})
	must(t, err)
	if r := out.RevocationRecord; out.Status != "Revoked" || *out.StatusReason != "stolen" || !r.RevocationEffectiveFrom.Equal(hourAgo.Add(-time.Minute)) {
		t.Errorf("got %+v %+v", out, r)
	}
	_, err = p.CancelSigningProfile(ctx, &sdk.CancelSigningProfileInput{ProfileName: ptr("mine")})
	refused(t, err, "ValidationException", "Signing Profile mine cannot be canceled because it has been revoked. A revoked profile cannot be canceled.")
}

func TestMissingProfileIsMissed(t *testing.T) {
	p := start(t)
	_, err := p.GetSigningProfile(ctx, &sdk.GetSigningProfileInput{ProfileName: ptr("none")})
	refused(t, err, "ResourceNotFoundException", "profile with name none does not exist")
	_, err = p.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: ptr(p.arn("/signing-profiles/none"))})
	refused(t, err, "NotFoundException", "")
	_, err = p.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: ptr("none")})
	refused(t, err, "BadRequestException", "")
}

func TestTagsOfProfiles(t *testing.T) {
	p := start(t)
	p.profile(t, "mine")
	arn := ptr(p.arn("/signing-profiles/mine"))
	_, err := p.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	must(t, err)
	_, err = p.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	must(t, err)
	out, err := p.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: arn})
	must(t, err)
	if len(out.Tags) != 1 || out.Tags["b"] != "2" {
		t.Errorf("tags are %v", out.Tags)
	}
	_, err = p.CancelSigningProfile(ctx, &sdk.CancelSigningProfileInput{ProfileName: ptr("mine")})
	must(t, err)
	_, err = p.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"c": "3"}})
	refused(t, err, "BadRequestException", "")
}

func TestPlatformOfLambda(t *testing.T) {
	p := start(t)
	list, err := p.ListSigningPlatforms(ctx, &sdk.ListSigningPlatformsInput{})
	must(t, err)
	got, err := p.GetSigningPlatform(ctx, &sdk.GetSigningPlatformInput{PlatformId: ptr(lambdaPlatform)})
	must(t, err)
	if len(list.Platforms) != 1 || *list.Platforms[0].PlatformId != *got.PlatformId || got.MaxSizeInMB != 250 || !got.RevocationSupported {
		t.Errorf("got %+v and %+v", list.Platforms, got)
	}
	_, err = p.GetSigningPlatform(ctx, &sdk.GetSigningPlatformInput{PlatformId: ptr("nonsense")})
	refused(t, err, "ResourceNotFoundException", "")
}

// A policy can name the version of a profile that may be used.
func TestConditionOnTheVersionOfAProfile(t *testing.T) {
	p := start(t)
	version := p.profile(t, "mine")
	allow := func(version string) string {
		return `{"Effect":"Allow","Action":"signer:GetSigningProfile","Resource":"` + p.arn("/signing-profiles/mine") +
			`","Condition":{"StringEquals":{"signer:ProfileVersion":"` + version + `"}}}`
	}
	_, err := p.user(t, "one", allow(version)).GetSigningProfile(ctx, &sdk.GetSigningProfileInput{ProfileName: ptr("mine")})
	must(t, err)
	_, err = p.user(t, "two", allow("0123456789")).GetSigningProfile(ctx, &sdk.GetSigningProfileInput{ProfileName: ptr("mine")})
	refused(t, err, "AccessDeniedException", "")
}

// sameHost sends what is meant for the host of revocations to the host of everything else, which is the same server.
type sameHost struct{ aws.HTTPClient }

func (s sameHost) Do(r *http.Request) (*http.Response, error) {
	r.Host = r.URL.Host
	r.URL.Host = strings.TrimPrefix(r.URL.Host, "data-")
	return s.HTTPClient.Do(r)
}

// As on AWS, this is asked about containers only; Lambda finds out for itself.
func TestNobodyElseAsksForLambdasRevocations(t *testing.T) {
	p := start(t)
	version := p.profile(t, "mine")
	p.cfg.HTTPClient = sameHost{p.cfg.HTTPClient}
	_, err := sdk.NewFromConfig(p.cfg).GetRevocationStatus(ctx, &sdk.GetRevocationStatusInput{
		PlatformId: ptr(lambdaPlatform), ProfileVersionArn: ptr(p.arn("/signing-profiles/mine/" + version)),
		JobArn: ptr(p.arn("/signing-jobs/x")), CertificateHashes: []string{"x"}, SignatureTimestamp: ptr(time.Now()),
	})
	refused(t, err, "ValidationException", "Invalid platformId: "+lambdaPlatform)
}
