package lambda

import (
	"context"
	"encoding/base64"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/store"
)

// PublishVersion freezes $LATEST as a version. If nothing has changed since the last one, that one is the answer.
func (s *Service) PublishVersion(ctx context.Context, in *lambda.PublishVersionInput) (*lambda.PublishVersionOutput, error) {
	if err := onlyLatest(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	var published Configuration
	f, err := s.modify(ctx, in.FunctionName, nil, func(tx *store.Tx, f *Function) (err error) {
		if err := f.expect(in.RevisionId); err != nil {
			return err
		}
		if err := f.expectCode(in.CodeSha256); err != nil {
			return err
		}
		published, err = s.publish(tx, f, in.Description)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.Configuration = published
	c, err := s.describe(ctx, f, f.version())
	if err != nil {
		return nil, err
	}
	out := lambda.PublishVersionOutput(configurationFields(c))
	return &out, nil
}

// expectCode refuses to publish other code than the caller means.
func (f *Function) expectCode(sum *string) error {
	now := base64.StdEncoding.EncodeToString(f.Code.SHA256)
	if given := aws.ToString(sum); given != "" && given != now {
		return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", given, now)
	}
	return nil
}

// publish makes the next version of what f is, and changes f; the caller saves it.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html#configuration-versions-config
func (s *Service) publish(tx *store.Tx, f *Function, description *string) (Configuration, error) {
	last, ok, err := s.versions.Get(tx, versionKey(f.reference(), strconv.FormatInt(f.Published, 10))...)
	if err != nil || ok && last.of(f) {
		return last.Configuration, err
	}
	f.Published++
	v := Version{Configuration: f.Configuration, Latest: f.Description}
	v.Version = strconv.FormatInt(f.Published, 10)
	v.touch()
	set(&v.Description, description)
	f.touch()
	if err := s.count(tx, f, func(a *Account) error { return a.grow(v.Code.Size) }); err != nil {
		return v.Configuration, err
	}
	return v.Configuration, s.versions.Put(tx, v, v.place(f.reference())...)
}

// of reports whether the version is what $LATEST of f is now.
func (v *Version) of(f *Function) bool {
	was := v.content()
	was.Description = v.Latest
	return reflect.DeepEqual(was, f.content())
}

// content is what makes a difference between versions.
func (c Configuration) content() Configuration {
	c.Version, c.Revision, c.Generation, c.Modified = "", "", "", time.Time{}
	c.Code.Blob, c.Pin = "", Pin{}
	return c
}

// version names a function together with the version that it was read as.
func (f *Function) version() reference {
	ref := f.reference()
	ref.Qualifier = f.Version
	return ref
}

// onlyLatest refuses to change a version or an alias.
func onlyLatest(ctx context.Context, name *string) error {
	ref, err := refer(ctx, name, nil)
	if err == nil && ref.Qualifier != "" && ref.Qualifier != latest {
		err = invalid("Current operation does not support versions other than $LATEST")
	}
	return err
}
