package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func TestARoleGivesItsPermissionsToWhomItTrusts(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := w.user("bob")
	role := *w.role("r", trusting(w.arn("user/bob"))).Role.Arn
	_, err := w.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("iam:ListUsers"))})
	must(t, err)
	assumed, err := assume(ctx, bob, role)
	must(t, err)
	_, err = iam.NewFromConfig(assumed).ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = iam.NewFromConfig(assumed).ListRoles(ctx, &iam.ListRolesInput{})
	refused(t, err, "AccessDenied", "")
	used, err := w.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")})
	must(t, err)
	if used.Role.RoleLastUsed.LastUsedDate == nil {
		t.Error("the role's last use is not known")
	}
}

func TestSessionsEndWithTheirRole(t *testing.T) {
	w := start(t)
	ctx, name := t.Context(), aws.String("r")
	bob := w.user("bob")
	role := *w.role("r", trusting(w.arn("user/bob"))).Role.Arn
	assumed, err := assume(ctx, bob, role)
	must(t, err)
	_, err = w.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	must(t, err)
	w.role("r", trusting(w.arn("user/bob"))) // another one of the same name
	_, err = iam.NewFromConfig(assumed).ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "InvalidClientTokenId", "")
}

func TestTrustIsBoundToTheUserNotToItsName(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.user("bob")
	role := *w.role("r", trusting(w.arn("user/bob"))).Role.Arn
	before, err := w.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("bob")})
	must(t, err)
	keys, err := w.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("bob")})
	must(t, err)
	_, err = w.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId})
	must(t, err)
	_, err = w.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("bob")})
	must(t, err)
	_, err = assume(ctx, w.user("bob"), role)
	refused(t, err, "AccessDenied", "")
	shown, err := w.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")})
	must(t, err)
	if trust := decoded(t, shown.Role.AssumeRolePolicyDocument); !strings.Contains(trust, *before.User.UserId) {
		t.Errorf("trust policy does not show who is gone: %s", trust)
	}
}

func TestOnlyWhoExistsCanBeTrusted(t *testing.T) {
	w := start(t)
	for _, principal := range []string{w.arn("user/nobody"), w.arn("role/none"), "arn:aws:iam::999999999999:root"} {
		_, err := w.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting(principal))})
		refused(t, err, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"`+principal+`"`)
	}
}

func TestATrustPolicyMayHave2048Characters(t *testing.T) {
	w := start(t)
	trust := trusting(w.arn("root"))
	w.role("spaced", trust+strings.Repeat(" ", 3000))
	long := strings.Replace(trust, `"sts:AssumeRole"`, `["sts:AssumeRole"`+strings.Repeat(`,"sts:AssumeRole"`, 120)+"]", 1)
	_, err := w.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("long"), AssumeRolePolicyDocument: &long})
	refused(t, err, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
}

func TestASessionPolicyNarrowsTheRole(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	role := *w.role("r", trusting(w.arn("root"))).Role.Arn
	_, err := w.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	must(t, err)
	narrow := w.policy("narrow", allow("iam:ListUsers"))
	out, err := sts.NewFromConfig(w.cfg).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("session"), PolicyArns: []ststypes.PolicyDescriptorType{{Arn: &narrow}},
	})
	must(t, err)
	assumed := iam.NewFromConfig(session(w.cfg, out.Credentials))
	_, err = assumed.ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = assumed.ListRoles(ctx, &iam.ListRolesInput{})
	refused(t, err, "AccessDenied", "")
	_, err = w.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &narrow})
	must(t, err)
	_, err = assumed.ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "AccessDenied", "")
}

func TestAFederatedUserHasWhatItsSessionPolicyPassesOn(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := sts.NewFromConfig(w.user("bob"))
	w.allowUser("bob", allow("sts:GetFederationToken kms:ListKeys kms:ListAliases"))
	federate := func(policy *string) *kms.Client {
		out, err := bob.GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: policy})
		must(t, err)
		return kms.NewFromConfig(session(w.cfg, out.Credentials))
	}
	_, err := federate(nil).ListKeys(ctx, &kms.ListKeysInput{})
	refused(t, err, "AccessDeniedException", "")
	guest := federate(aws.String(allow("kms:ListKeys kms:GenerateRandom")))
	_, err = guest.ListKeys(ctx, &kms.ListKeysInput{})
	must(t, err)
	_, err = guest.ListAliases(ctx, &kms.ListAliasesInput{})
	refused(t, err, "AccessDeniedException", "")
	_, err = guest.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1)})
	refused(t, err, "AccessDeniedException", "")
}

func TestAServiceLinkedRoleBelongsToItsService(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	made, err := w.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("config.amazonaws.com")})
	must(t, err)
	if want := w.arn("role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"); *made.Role.Arn != want {
		t.Errorf("role is %s, want %s", *made.Role.Arn, want)
	}
	_, err = w.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: made.Role.RoleName})
	refused(t, err, "UnmodifiableEntity", "Cannot perform the operation on the protected role 'AWSServiceRoleForConfig' - this role is only modifiable by AWS")
	task, err := w.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: made.Role.RoleName})
	must(t, err)
	status, err := w.GetServiceLinkedRoleDeletionStatus(ctx, &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: task.DeletionTaskId})
	must(t, err)
	if status.Status != types.DeletionTaskStatusTypeSucceeded {
		t.Errorf("deletion is %s", status.Status)
	}
	_, err = w.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("fake"), Path: aws.String("/aws-service-role/x/"), AssumeRolePolicyDocument: aws.String(trusting(w.arn("root")))})
	refused(t, err, "InvalidInput", "")
}

func TestAnInstanceProfileHoldsOneRole(t *testing.T) {
	w := start(t)
	ctx, p, r := t.Context(), aws.String("p"), aws.String("r")
	w.role("r", trusting(w.arn("root")))
	_, err := w.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: p})
	must(t, err)
	_, err = w.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: p, RoleName: r})
	must(t, err)
	_, err = w.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: p, RoleName: r})
	refused(t, err, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	_, err = w.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r})
	refused(t, err, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	list, err := w.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: r})
	must(t, err)
	if len(list.InstanceProfiles) != 1 || len(list.InstanceProfiles[0].Roles) != 1 {
		t.Errorf("profiles are %v", list.InstanceProfiles)
	}
	_, err = w.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: p, RoleName: r})
	must(t, err)
	_, err = w.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: p})
	must(t, err)
	_, err = w.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r})
	must(t, err)
}
