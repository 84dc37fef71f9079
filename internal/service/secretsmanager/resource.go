package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

const secretType = "AWS::SecretsManager::Secret"

// secret resolves the secret that a name or an ARN means. What is missing has the ARN as far as it is known: nobody may
// use a pattern of random ends to find out what there is.
func (s *Service) secret(ctx context.Context, id string) (api.Resource, error) {
	r, err := parseReference(ctx, id)
	if err != nil {
		c := here(ctx)
		return api.Resource{ARN: "arn:aws:secretsmanager:" + c.region + ":" + c.account + ":secret:" + id, Account: c.account}, nil
	}
	var x *Secret
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		x, err = s.look(tx, r)
		return err
	})
	if err != nil {
		return api.Resource{}, err
	}
	if x == nil {
		return api.Resource{ARN: r.arn(), Type: secretType, Account: r.account}, nil
	}
	return s.resource(x)
}

func (r reference) arn() string {
	if r.suffix != "" {
		return arnOf(r.place, r.suffix)
	}
	return "arn:aws:secretsmanager:" + r.region + ":" + r.account + ":secret:" + r.name
}

func (s *Service) resource(x *Secret) (api.Resource, error) {
	document, err := s.policies.of(x)
	keys := policy.MapKeys{"secretsmanager:secretprimaryregion": {x.Region}}
	if x.Rotation != nil && x.Rotation.Function != "" {
		keys["secretsmanager:resource/allowrotationlambdaarn"] = []string{x.Rotation.Function}
	}
	return api.Resource{ARN: x.arn(), Type: secretType, Account: x.Account, Tags: x.Tags, Policy: document, Keys: keys}, err
}

// newborn is what a CreateSecret makes: it has a random end already when permission is asked, as policies expect that name
// secrets as "name-??????". Its tags are those that it will have.
func (s *Service) newborn(ctx context.Context, in *sdk.CreateSecretInput) (api.Resource, error) {
	c := here(ctx)
	c.name = aws.ToString(in.Name)
	tags := map[string]string{}
	for _, t := range in.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return api.Resource{ARN: arnOf(c, newSuffix()), Account: c.account, Tags: tags}, nil
}

// rotates resolves the function that is to rotate a secret: the one that the request names, or the one it has.
func (s *Service) rotates(ctx context.Context, in *sdk.RotateSecretInput) (api.Resource, error) {
	function := aws.ToString(in.RotationLambdaARN)
	if function != "" {
		return api.Resource{ARN: function, Type: "AWS::Lambda::Function"}, nil
	}
	r, err := parseReference(ctx, *in.SecretId)
	if err != nil {
		return api.Resource{ARN: "*"}, nil
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		x, err := s.look(tx, r)
		if x != nil && x.Rotation != nil {
			function = x.Rotation.Function
		}
		return err
	})
	if function == "" {
		function = "*"
	}
	return api.Resource{ARN: function, Type: "AWS::Lambda::Function"}, err
}
