package secretsmanager

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A Rotation is how and when a secret gets a new value by itself.
type Rotation struct {
	Enabled  bool
	Function string // its ARN
	Rules    Rules
	Last     time.Time // when it was rotated
	Next     time.Time // when the next rotation window opens; zero without a schedule
	Latest   time.Time // the last second of that window
	Pending  *Pending  `cbor:",omitempty"` // the rotation under way
}

// Rules say when. They are Days or an Expression.
type Rules struct {
	Days                 int64
	Expression, Duration string
}

// A Pending rotation goes on after a restart: all steps of a rotation can be taken again with the same token.
type Pending struct {
	Token         string // the id of the version to be
	RotationToken string
	Test          bool // only tests the function
	Attempts      int
	Next          time.Time // of the next attempt
}

// shown is the rules as answers have them; the days between rotations are told of any schedule.
func (r Rules) shown() *types.RotationRulesType {
	out := &types.RotationRulesType{}
	if r.Duration != "" {
		out.Duration = &r.Duration
	}
	if r.Expression != "" {
		out.ScheduleExpression = &r.Expression
	}
	if sc, err := r.schedule(); err == nil && sc != nil && sc.days() > 0 {
		out.AutomaticallyAfterDays = ptr(sc.days())
	}
	if out.Duration == nil && out.ScheduleExpression == nil && out.AutomaticallyAfterDays == nil {
		return nil
	}
	return out
}

// plan finds the next rotation window after a time.
func (r *Rotation) plan(after time.Time) {
	r.Next, r.Latest = time.Time{}, time.Time{}
	if sc, err := r.Rules.schedule(); err == nil && sc != nil && r.Enabled {
		r.Next = sc.next(after.UTC())
		r.Latest = r.Next.Add(sc.window).Add(-time.Second)
	}
}

// abandon ends a rotation that is under way.
func (x *Secret) abandon() {
	r := x.Rotation
	if r == nil {
		return
	}
	r.Pending = nil
	if r.Rules.Days > 0 { // a value that somebody sets counts as a rotation (RotationRulesType, AutomaticallyAfterDays)
		r.plan(time.Now())
	}
}

// RotateSecret sets up the rotation of a secret, and begins one: a real one, or one that only tests the function.
func (s *Service) RotateSecret(ctx context.Context, in *sdk.RotateSecretInput) (*sdk.RotateSecretOutput, error) {
	switch {
	case in.ExternalSecretRotationMetadata != nil || in.ExternalSecretRotationRoleArn != nil:
		return nil, badParameter("Rotation of secrets of external partners is not supported by Redoubt.")
	case in.ClientRequestToken == nil:
		return nil, badParameter("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	x, err := s.read(ctx, *in.SecretId)
	if err != nil {
		return nil, err
	}
	out := &sdk.RotateSecretOutput{ARN: ptr(x.arn()), Name: &x.Name, VersionId: in.ClientRequestToken}
	if done, err := s.rotatedBefore(ctx, x, *in.ClientRequestToken); done || err != nil {
		return out, err
	}
	r, err := x.configure(in)
	if err == nil {
		err = s.mayInvoke(ctx, x.arn(), r.Function)
	}
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, x.arn(), func(tx *store.Tx, x *Secret) error {
		r, err := x.configure(in) // again, of the secret as it is now
		if err != nil {
			return err
		}
		x.Rotation = r
		r.plan(time.Now())
		test := in.RotateImmediately != nil && !*in.RotateImmediately
		return s.begin(tx, x, *in.ClientRequestToken, test, stamp())
	})
	s.ring()
	return out, err
}

// rotatedBefore reports whether a request was sent before: its token is that of a version.
func (s *Service) rotatedBefore(ctx context.Context, x *Secret, token string) (done bool, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		done, err = s.versions.Has(tx, x.place().version(token)...)
		return err
	})
	return done, err
}

// configure is the secret's rotation as a request wants it.
func (x *Secret) configure(in *sdk.RotateSecretInput) (*Rotation, error) {
	r := &Rotation{}
	if x.Rotation != nil {
		*r = *x.Rotation
	}
	if f := aws.ToString(in.RotationLambdaARN); f != "" {
		r.Function = f
	}
	if r.Function == "" {
		return nil, badRequest("No Lambda rotation function ARN is associated with this secret.")
	}
	if held := x.holder(pending); held != "" && held != x.holder(current) {
		return nil, badRequest("A previous rotation isn't complete. That rotation will be reattempted.")
	}
	r.Enabled = true
	if in.RotationRules == nil {
		return r, nil
	}
	r.Rules = Rules{
		Days:       aws.ToInt64(in.RotationRules.AutomaticallyAfterDays),
		Expression: aws.ToString(in.RotationRules.ScheduleExpression), Duration: aws.ToString(in.RotationRules.Duration),
	}
	sc, err := r.Rules.schedule()
	if err == nil && sc == nil {
		err = badParameter("You must specify AutomaticallyAfterDays or ScheduleExpression in RotationRules.")
	}
	return r, err
}

// mayInvoke asks whether the function's own policy lets Secrets Manager invoke it for the secret.
func (s *Service) mayInvoke(ctx context.Context, secret, function string) error {
	_, err := api.Call[lambda.InvokeOutput](api.As(ctx, principal, secret), s.api, &lambda.InvokeInput{
		FunctionName: &function, InvocationType: lambdatypes.InvocationTypeDryRun,
	})
	var known smithy.APIError
	switch {
	case err == nil || !errors.As(err, &known):
		return err
	case known.ErrorCode() == "AccessDeniedException" || known.ErrorCode() == "ResourceNotFoundException":
		return denied("Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal " +
			principal + ".")
	}
	return badRequest("Secrets Manager cannot invoke the specified Lambda function: %s", known.ErrorMessage())
}

// begin makes the version that a rotation is to fill. To test a function, it has the present value already.
func (s *Service) begin(tx *store.Tx, x *Secret, token string, test bool, now time.Time) error {
	v := Version{Created: now}
	if test && x.holder(current) != "" {
		at := x.holder(current)
		from, _, err := s.versions.Get(tx, x.place().version(at)...)
		if err != nil {
			return err
		}
		v = from
		v.Created, v.Accessed, v.Of = now, time.Time{}, at
	}
	if err := s.putVersion(tx, x, token, &v); err != nil {
		return err
	}
	x.attach(token, pending)
	x.Rotation.Pending = &Pending{Token: token, RotationToken: api.NewUUID(), Test: test, Next: now}
	return x.checkLabels()
}

// CancelRotateSecret turns rotation off. A version that was to be stays behind with its label, as on AWS.
func (s *Service) CancelRotateSecret(ctx context.Context, in *sdk.CancelRotateSecretInput) (*sdk.CancelRotateSecretOutput, error) {
	out := &sdk.CancelRotateSecretOutput{}
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *Secret) error {
		r := x.Rotation
		if r == nil {
			return nil
		}
		if r.Pending != nil {
			out.VersionId = ptr(r.Pending.Token)
		}
		r.Enabled, r.Pending, r.Next, r.Latest = false, nil, time.Time{}, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.ARN, out.Name = ptr(x.arn()), &x.Name
	return out, nil
}
