package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestLayerIsSharedWithAnOrganization(t *testing.T) {
	t.Parallel()
	server := redoubttest.Run(t, app.Config{})
	operator := server.Config(t, server.App.Operator.AccessKey, server.App.Operator.SecretKey, "")
	owner, stranger := worldOf(t, operator), worldOf(t, server.Account(t))
	org := organizations.NewFromConfig(operator)
	made, err := org.CreateAccount(owner.ctx, &organizations.CreateAccountInput{AccountName: aws.String("member"), Email: aws.String("member@localhost.localdomain")})
	owner.must(err)
	done, err := org.DescribeCreateAccountStatus(owner.ctx, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: made.CreateAccountStatus.Id})
	owner.must(err)
	role, err := sts.NewFromConfig(operator).AssumeRole(owner.ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + *done.CreateAccountStatus.AccountId + ":role/OrganizationAccountAccessRole"), RoleSessionName: aws.String("admin"),
	})
	owner.must(err)
	member := worldOf(t, redoubttest.With(operator, *role.Credentials.AccessKeyId, *role.Credentials.SecretAccessKey, *role.Credentials.SessionToken))
	described, err := org.DescribeOrganization(owner.ctx, &organizations.DescribeOrganizationInput{})
	owner.must(err)

	arn := owner.layer("l", files{"x": "x"})
	_, err = owner.permit("l", "engineering", "*", func(in *lambda.AddLayerVersionPermissionInput) { in.OrganizationId = described.Organization.Id })
	owner.must(err)
	in := provided(t)
	in.Layers = []string{arn}
	member.create("f", in)
	_, err = stranger.lambda.GetLayerVersionByArn(stranger.ctx, &lambda.GetLayerVersionByArnInput{Arn: &arn})
	wantError(t, err, "AccessDeniedException", "because no resource-based policy allows the lambda:GetLayerVersion action")
}
