package lambda

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/signer"

	"redoubt/internal/api"
	"redoubt/internal/codesign"
	"redoubt/internal/store"
)

// Signature is what was found out about who signed a package, when it was uploaded.
type Signature struct {
	Profile, Job    string // ARNs
	Signed, Expires time.Time
	Certificates    []string
	Broken          bool // it does not fit the package, or nobody known has made it
}

// whoSigned reads the signature of a package; nil if it has none.
func (s *Service) whoSigned(ctx context.Context, archive []byte) (*Signature, error) {
	if !codesign.Signed(archive) {
		return nil, nil
	}
	var roots *x509.CertPool
	err := s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		roots, err = codesign.NewAuthority(s.deps.DB).Roots(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	found, err := codesign.Verify(ctx, archive, roots)
	if errors.Is(err, codesign.ErrBroken) {
		return &Signature{Broken: true}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("verifying the signature of a package: %w", err)
	}
	return &Signature{
		Profile: found.Profile, Job: found.Job, Signed: found.Signed, Expires: found.Expires, Certificates: found.Certificates,
	}, nil
}

// profile and job are the ARNs of a good signature, and nil of none.
func (g *Signature) profile() *string {
	if g == nil {
		return nil
	}
	return optional(g.Profile)
}

func (g *Signature) job() *string {
	if g == nil {
		return nil
	}
	return optional(g.Job)
}

// A verdict is what a configuration says of a signature, in the words of CloudTrail.
type verdict string

const (
	valid    verdict = "VALID"
	broken   verdict = "INVALID"
	expired  verdict = "EXPIRED"
	mismatch verdict = "MISMATCH"
	revoked  verdict = "REVOKED"
)

// complaints are Lambda's, but for the words for signatures that are expired or revoked.
var complaints = map[verdict]string{
	broken:   "The function or layer code is not properly signed. This can mean that the code was signed incorrectly or modified after it was signed.",
	expired:  "The signature of the function or layer code has expired.",
	mismatch: "The function or layer might be signed using a signature that the client is not configured to accept.",
	revoked:  "The signature of the function or layer code has been revoked.",
}

// A deployment is what is about to become a function's code.
type deployment struct {
	f      *Function
	name   string       // of the function in refusals
	code   *Code        // nil if it stays as it is
	layers []Attachment // all of them
	config *CodeSigningConfig
}

// admit checks a deployment against the function's code signing configuration, if it has one. The package's own integrity
// is enforced whatever the configuration's policy says; all else as it says.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html#config-codesigning-valid
func (s *Service) admit(ctx context.Context, d *deployment) error {
	if d.f.Signing == "" {
		return nil
	}
	err := s.deps.DB.View(ctx, func(tx *store.Tx) error {
		c, err := s.usableSigning(tx, d.f, d.f.Signing)
		d.config = &c
		return err
	})
	if err != nil {
		return err
	}
	if d.code != nil {
		if err := s.judge(ctx, d, d.name, d.code.Signature); err != nil {
			return err
		}
	}
	for _, l := range d.layers {
		if err := s.judge(ctx, d, l.ARN, l.Code.Signature); err != nil {
			return err
		}
	}
	return nil
}

// judge refuses one package, or notes in the trail what was found.
func (s *Service) judge(ctx context.Context, d *deployment, name string, g *Signature) error {
	v, err := s.verdict(ctx, d, g)
	if err != nil {
		return err
	}
	if v == broken || v != valid && d.config.Policy == types.CodeSigningPolicyEnforce {
		return &types.CodeVerificationFailedException{Type: aws.String(user), Message: aws.String(
			"Lambda cannot deploy the function. " + complaints[v] + " Check the provided signature for " + name + ".")}
	}
	if name == d.name {
		note(ctx, v, g)
	} else if v != valid { // of layers, only what is wrong
		api.Remark(ctx, "signatureStatus", string(v))
	}
	return nil
}

// note is what CloudTrail shows of a deployment.
func note(ctx context.Context, v verdict, g *Signature) {
	api.Remark(ctx, "signatureStatus", string(v))
	if g != nil {
		api.Remark(ctx, "signingProfileVersionArn", g.Profile)
		api.Remark(ctx, "signingJobArn", g.Job)
	}
}

func (s *Service) verdict(ctx context.Context, d *deployment, g *Signature) (verdict, error) {
	switch {
	case g == nil:
		return mismatch, nil
	case g.Broken:
		return broken, nil
	case !time.Now().Before(g.Expires):
		return expired, nil
	case !slices.Contains(d.config.Publishers, g.Profile):
		return mismatch, nil
	}
	out, err := api.Call[signer.GetRevocationStatusOutput](api.As(ctx, principal, d.f.arn()), s.deps.API, &signer.GetRevocationStatusInput{
		PlatformId: aws.String("AWSLambda-SHA384-ECDSA"), ProfileVersionArn: &g.Profile, JobArn: &g.Job, CertificateHashes: g.Certificates,
		SignatureTimestamp: &g.Signed,
	})
	if err != nil {
		return "", fmt.Errorf("asking whether a signature was revoked: %w", err)
	}
	if len(out.RevokedEntities) > 0 {
		return revoked, nil
	}
	return valid, nil
}

// stands refuses a deployment whose function got, or whose configuration became, another since it was admitted.
func (s *Service) stands(tx *store.Tx, d *deployment, now *Function) error {
	if d == nil {
		return nil
	}
	changed := conflict("The function could not be updated due to a concurrent update operation.")
	if now.Signing != d.f.Signing {
		return changed
	}
	if d.config == nil {
		return nil
	}
	c, ok, err := s.signing.Get(tx, d.config.Place.key()...)
	if err == nil && (!ok || !c.Modified.Equal(d.config.Modified)) {
		err = changed
	}
	return err
}
