package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// AddLayerVersionPermission adds a statement to the policy of a layer version: who else may use it.
func (s *Service) AddLayerVersionPermission(ctx context.Context, in *lambda.AddLayerVersionPermissionInput) (*lambda.AddLayerVersionPermissionOutput, error) {
	var added Statement
	v, err := s.changeLayerPolicy(ctx, in.LayerName, in.VersionNumber, in.RevisionId, func(v *LayerVersion) error {
		added = Statement{Sid: *in.StatementId, Action: *in.Action, Resource: v.reference().String(), AWS: layerPrincipal(*in.Principal)}
		added.when("StringEquals", "aws:PrincipalOrgID", in.OrganizationId)
		return v.permit(added)
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(added)
	return &lambda.AddLayerVersionPermissionOutput{Statement: aws.String(string(text)), RevisionId: aws.String(v.Revision)}, err
}

// layerPrincipal is an account as policies name it; "" is everybody. The API's model lets nothing else pass.
func layerPrincipal(who string) string {
	switch {
	case who == "*":
		return ""
	case strings.HasPrefix(who, "arn:"):
		return who
	}
	return "arn:aws:iam::" + who + ":root"
}

func (v *LayerVersion) permit(added Statement) error {
	if slices.ContainsFunc(v.Statements, func(s Statement) bool { return s.Sid == added.Sid }) {
		return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", added.Sid)
	}
	v.Statements = append(v.Statements, added)
	text, err := policyText(v.Statements)
	if err == nil && len(text) > maxPolicy {
		err = &types.PolicyLengthExceededException{Type: aws.String(user), Message: aws.String(
			fmt.Sprintf("The final policy size (%d) is bigger than the limit (%d).", len(text), maxPolicy))}
	}
	return err
}

// RemoveLayerVersionPermission removes a statement.
func (s *Service) RemoveLayerVersionPermission(ctx context.Context, in *lambda.RemoveLayerVersionPermissionInput) (*lambda.RemoveLayerVersionPermissionOutput, error) {
	_, err := s.changeLayerPolicy(ctx, in.LayerName, in.VersionNumber, in.RevisionId, func(v *LayerVersion) error {
		left := slices.DeleteFunc(slices.Clone(v.Statements), func(s Statement) bool { return s.Sid == *in.StatementId })
		if len(left) == len(v.Statements) {
			return missing("Statement %s is not found in resource policy.", *in.StatementId)
		}
		v.Statements = left
		return nil
	})
	return &lambda.RemoveLayerVersionPermissionOutput{}, err
}

func (s *Service) changeLayerPolicy(ctx context.Context, name *string, number *int64, revision *string, change func(*LayerVersion) error) (v LayerVersion, err error) {
	ref := referLayer(ctx, name, aws.ToInt64(number))
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) error {
		var ok bool
		v, ok, err = s.layerVersions.Get(tx, ref.versionKey()...)
		switch given := aws.ToString(revision); {
		case err != nil:
			return err
		case !ok:
			return ref.notFound()
		case given != "" && given != v.Revision:
			return stale("GetLayerPolicy")
		}
		if err := change(&v); err != nil {
			return err
		}
		v.Revision = api.NewUUID()
		return s.layerVersions.Put(tx, v, ref.versionKey()...)
	})
	return v, err
}

func (r layerReference) notFound() error { return missing("Layer version %s does not exist.", r) }

// GetLayerVersionPolicy returns the policy of a layer version.
func (s *Service) GetLayerVersionPolicy(ctx context.Context, in *lambda.GetLayerVersionPolicyInput) (*lambda.GetLayerVersionPolicyOutput, error) {
	ref := referLayer(ctx, in.LayerName, aws.ToInt64(in.VersionNumber))
	v, err := s.findLayer(ctx, ref, ref.notFound())
	if err != nil {
		return nil, err
	}
	if len(v.Statements) == 0 {
		return nil, missing("No policy is associated with the given resource.")
	}
	text, err := policyText(v.Statements)
	return &lambda.GetLayerVersionPolicyOutput{Policy: aws.String(text), RevisionId: aws.String(v.Revision)}, err
}
