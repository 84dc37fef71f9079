package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// CodeSigningConfig says whose packages a function takes, and what becomes of others.
type CodeSigningConfig struct {
	Place       signingPlace
	Description *string
	Publishers  []string // ARNs of versions of signing profiles
	Policy      types.CodeSigningPolicy
	Tags        map[string]string
	Modified    time.Time
}

// A signingPlace is where a code signing configuration is.
type signingPlace struct{ Account, Region, ID string }

var (
	signingForm   = regexp.MustCompile(`^arn:aws:lambda:([a-z0-9-]+):(\d{12}):code-signing-config:(csc-[a-z0-9]{17})$`)
	publisherForm = regexp.MustCompile(`^arn:aws:signer:[a-z0-9-]+:\d{12}:/signing-profiles/\w{2,64}/[a-zA-Z0-9]{10}$`)
)

// signingPlaceOf reads the ARN of a code signing configuration.
func signingPlaceOf(arn string) (p signingPlace, ok bool) {
	m := signingForm.FindStringSubmatch(arn)
	if m == nil {
		return p, false
	}
	return signingPlace{Region: m[1], Account: m[2], ID: m[3]}, true
}

func (p signingPlace) key() []string { return []string{p.Account, p.Region, p.ID} }

func (p signingPlace) arn() string {
	return "arn:aws:lambda:" + p.Region + ":" + p.Account + ":code-signing-config:" + p.ID
}

// newSigningID is 17 hexadecimal digits, as on AWS.
func newSigningID() string {
	var b [9]byte
	rand.Read(b[:])
	return "csc-" + hex.EncodeToString(b[:])[:17]
}

const signingType = "AWS::Lambda::CodeSigningConfig"

// signingConfig resolves a code signing configuration; none named means all of them.
func (s *Service) signingConfig(ctx context.Context, arn string) (api.Resource, error) {
	c := api.CallerOf(ctx)
	res := api.Resource{ARN: signingPlace{c.Account, c.Region, "*"}.arn(), Type: signingType}
	p, ok := signingPlaceOf(arn)
	if !ok {
		return res, nil
	}
	res.ARN = p.arn()
	err := s.deps.DB.View(ctx, func(tx *store.Tx) error {
		config, _, err := s.signing.Get(tx, p.key()...)
		res.Tags = config.Tags
		return err
	})
	return res, err
}

// tagged resolves what can have tags: functions and code signing configurations.
func (s *Service) tagged(ctx context.Context, name string) (api.Resource, error) {
	if _, ok := signingPlaceOf(name); ok {
		return s.signingConfig(ctx, name)
	}
	return s.function(ctx, name)
}

// CreateCodeSigningConfig makes a configuration. Whether its publishers exist is of no matter before something is deployed.
func (s *Service) CreateCodeSigningConfig(ctx context.Context, in *lambda.CreateCodeSigningConfigInput) (*lambda.CreateCodeSigningConfigOutput, error) {
	caller := api.CallerOf(ctx)
	c := CodeSigningConfig{
		Place: signingPlace{caller.Account, caller.Region, newSigningID()}, Description: in.Description,
		Publishers: in.AllowedPublishers.SigningProfileVersionArns, Policy: types.CodeSigningPolicyWarn, Tags: in.Tags,
	}
	c.choose(in.CodeSigningPolicies)
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Modified = time.Now().UTC()
	err := s.deps.DB.Update(ctx, func(tx *store.Tx) error { return s.signing.Put(tx, c, c.Place.key()...) })
	if err != nil {
		return nil, err
	}
	api.Touch(ctx, api.Resource{ARN: c.Place.arn(), Type: signingType})
	return &lambda.CreateCodeSigningConfigOutput{CodeSigningConfig: c.shown()}, nil
}

// choose takes over the policy that a request gives.
func (c *CodeSigningConfig) choose(p *types.CodeSigningPolicies) {
	if p != nil && p.UntrustedArtifactOnDeployment != "" {
		c.Policy = p.UntrustedArtifactOnDeployment
	}
}

func (c *CodeSigningConfig) check() error {
	for _, p := range c.Publishers {
		if !publisherForm.MatchString(p) {
			return invalid("%s is not the ARN of a version of a signing profile.", p)
		}
	}
	return checkTags(c.Tags)
}

func (c *CodeSigningConfig) shown() *types.CodeSigningConfig {
	return &types.CodeSigningConfig{
		CodeSigningConfigId: aws.String(c.Place.ID), CodeSigningConfigArn: aws.String(c.Place.arn()), Description: c.Description,
		AllowedPublishers:   &types.AllowedPublishers{SigningProfileVersionArns: c.Publishers},
		CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: c.Policy},
		LastModified:        aws.String(c.Modified.Format(time.RFC3339Nano)),
	}
}

// getSigning reads a configuration, or returns the error for its absence.
func (s *Service) getSigning(tx *store.Tx, arn string) (CodeSigningConfig, error) {
	p, _ := signingPlaceOf(arn)
	c, ok, err := s.signing.Get(tx, p.key()...)
	if err == nil && !ok {
		err = missing("The Lambda code signing configuration %s can not be found.", arn)
	}
	return c, err
}

// changeSigning applies fn to a configuration.
func (s *Service) changeSigning(ctx context.Context, arn string, fn func(*CodeSigningConfig) error) (c CodeSigningConfig, err error) {
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		if c, err = s.getSigning(tx, arn); err != nil {
			return err
		}
		if err := fn(&c); err != nil {
			return err
		}
		return s.signing.Put(tx, c, c.Place.key()...)
	})
	return c, err
}

// GetCodeSigningConfig implements the operation.
func (s *Service) GetCodeSigningConfig(ctx context.Context, in *lambda.GetCodeSigningConfigInput) (*lambda.GetCodeSigningConfigOutput, error) {
	var c CodeSigningConfig
	err := s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		c, err = s.getSigning(tx, *in.CodeSigningConfigArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lambda.GetCodeSigningConfigOutput{CodeSigningConfig: c.shown()}, nil
}

// UpdateCodeSigningConfig changes what is given and keeps the rest, but for a description that there never was: AWS then
// shows an empty one.
func (s *Service) UpdateCodeSigningConfig(ctx context.Context, in *lambda.UpdateCodeSigningConfigInput) (*lambda.UpdateCodeSigningConfigOutput, error) {
	c, err := s.changeSigning(ctx, *in.CodeSigningConfigArn, func(c *CodeSigningConfig) error {
		if in.Description != nil || c.Description == nil {
			c.Description = aws.String(aws.ToString(in.Description))
		}
		if in.AllowedPublishers != nil {
			c.Publishers = in.AllowedPublishers.SigningProfileVersionArns
		}
		c.choose(in.CodeSigningPolicies)
		c.Modified = time.Now().UTC()
		return c.check()
	})
	if err != nil {
		return nil, err
	}
	return &lambda.UpdateCodeSigningConfigOutput{CodeSigningConfig: c.shown()}, nil
}

// DeleteCodeSigningConfig deletes a configuration that no function has.
func (s *Service) DeleteCodeSigningConfig(ctx context.Context, in *lambda.DeleteCodeSigningConfigInput) (*lambda.DeleteCodeSigningConfigOutput, error) {
	return &lambda.DeleteCodeSigningConfigOutput{}, s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := s.getSigning(tx, *in.CodeSigningConfigArn)
		if err != nil {
			return err
		}
		used, _, err := s.signedFunctions(tx, c.Place, "", 1)
		if err == nil && len(used) > 0 {
			err = conflict("Lambda cannot delete the code signing configuration at this time — another operation is in progress. Try again later.")
		}
		if err != nil {
			return err
		}
		return s.signing.Delete(tx, c.Place.key()...)
	})
}

// ListCodeSigningConfigs implements the operation.
func (s *Service) ListCodeSigningConfigs(ctx context.Context, in *lambda.ListCodeSigningConfigsInput) (*lambda.ListCodeSigningConfigsOutput, error) {
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	c := api.CallerOf(ctx)
	r := store.Range{Prefix: []string{c.Account, c.Region}}
	if after != "" {
		r.After = []string{c.Account, c.Region, after}
	}
	out := &lambda.ListCodeSigningConfigsOutput{CodeSigningConfigs: []types.CodeSigningConfig{}}
	return out, s.deps.DB.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.signing.Scan(tx, r) {
			if err != nil {
				return err
			}
			if n := len(out.CodeSigningConfigs); n == limitOf(in.MaxItems) {
				out.NextMarker = aws.String(marker(*out.CodeSigningConfigs[n-1].CodeSigningConfigId))
				return nil
			}
			out.CodeSigningConfigs = append(out.CodeSigningConfigs, *rec.Value.shown())
		}
		return nil
	})
}
