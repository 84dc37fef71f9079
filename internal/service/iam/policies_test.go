package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestAPolicyHasFiveVersionsAtMost(t *testing.T) {
	w := start(t)
	ctx, arn := t.Context(), aws.String(w.policy("p", allow("iam:GetUser")))
	version := func() (*iam.CreatePolicyVersionOutput, error) {
		return w.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allow("iam:ListUsers"))})
	}
	for range 4 {
		_, err := version()
		must(t, err)
	}
	_, err := version()
	refused(t, err, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	_, err = w.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	refused(t, err, "DeleteConflict", "Cannot delete the default version of a policy.")
	_, err = w.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")})
	must(t, err)
	out, err := version()
	must(t, err)
	if *out.PolicyVersion.VersionId != "v6" {
		t.Errorf("a version id is used twice: %s", *out.PolicyVersion.VersionId)
	}
	list, err := w.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
	must(t, err)
	if len(list.Versions) != 5 || *list.Versions[0].VersionId != "v6" {
		t.Errorf("versions are %v", list.Versions)
	}
}

func TestTheDefaultVersionCounts(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob, arn := iam.NewFromConfig(w.user("bob")), aws.String(w.policy("p", allow("iam:ListGroups")))
	_, err := w.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: arn})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "AccessDenied", "")
	_, err = w.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allow("iam:ListUsers")), SetAsDefault: true})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = w.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "AccessDenied", "")
}

func TestDocumentsComeBackAsTheyWerePut(t *testing.T) {
	w := start(t)
	document := "{\n \"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/a+b c\"}]}"
	arn := w.policy("p", document)
	out, err := w.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v1")})
	must(t, err)
	if strings.ContainsAny(*out.PolicyVersion.Document, " +\"{") {
		t.Errorf("document is not percent-encoded: %s", *out.PolicyVersion.Document)
	}
	if got := decoded(t, out.PolicyVersion.Document); got != document {
		t.Errorf("document is %s", got)
	}
}

func TestAPolicyInUseCannotBeDeleted(t *testing.T) {
	w := start(t)
	ctx, arn := t.Context(), aws.String(w.policy("p", allow("iam:ListUsers")))
	w.user("bob")
	_, err := w.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("bob"), PermissionsBoundary: arn})
	must(t, err)
	_, err = w.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	refused(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	shown, err := w.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	must(t, err)
	if p := shown.Policy; *p.AttachmentCount != 0 || *p.PermissionsBoundaryUsageCount != 1 {
		t.Errorf("policy is attached %d times and a boundary %d times", *p.AttachmentCount, *p.PermissionsBoundaryUsageCount)
	}
	_, err = w.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: aws.String("bob")})
	must(t, err)
	_, err = w.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	must(t, err)
	_, err = w.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	refused(t, err, "NoSuchEntity", "Policy "+*arn+" was not found.")
}

func TestABoundaryLimitsWhatPoliciesGive(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := iam.NewFromConfig(w.user("bob"))
	w.allowUser("bob", allow("iam:*"))
	arn := w.policy("limit", allow("iam:ListUsers"))
	_, err := w.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("bob"), PermissionsBoundary: &arn})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = bob.ListRoles(ctx, &iam.ListRolesInput{})
	refused(t, err, "AccessDenied", "User: "+w.arn("user/bob")+" is not authorized to perform: iam:ListRoles on resource: "+w.arn("role/")+
		" because no permissions boundary allows the iam:ListRoles action")
}

func TestWhoMayAttachCanBeLimitedToSomePolicies(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := iam.NewFromConfig(w.user("bob"))
	w.allowUser("bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*",
		"Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}]}`)
	_, err := bob.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	refused(t, err, "AccessDenied", "")
	_, err = bob.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})
	must(t, err)
}

func TestWhoMayCreateUsersCanBeMadeToBoundThem(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob, arn := iam.NewFromConfig(w.user("bob")), w.policy("limit", allow("s3:*"))
	w.allowUser("bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:CreateUser","iam:PutUserPolicy"],"Resource":"*",
		"Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+arn+`"}}}]}`)
	_, err := bob.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("free")})
	refused(t, err, "AccessDenied", "")
	_, err = bob.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bound"), PermissionsBoundary: &arn})
	must(t, err)
	put := func(name string) error {
		_, err := bob.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("*"))})
		return err
	}
	must(t, put("bound"))
	refused(t, put("bob"), "AccessDenied", "")
}

func TestGroupsShareTheirPolicies(t *testing.T) {
	w := start(t)
	ctx, g := t.Context(), aws.String("g")
	bob := iam.NewFromConfig(w.user("bob"))
	_, err := w.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: g})
	must(t, err)
	_, err = w.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: g, PolicyName: aws.String("p"), PolicyDocument: aws.String(allow("iam:ListUsers"))})
	must(t, err)
	_, err = w.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: g, UserName: aws.String("bob")})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = w.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: g})
	refused(t, err, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	_, err = w.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: g, NewGroupName: aws.String("h")})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = w.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String("h"), UserName: aws.String("bob")})
	must(t, err)
	_, err = bob.ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "AccessDenied", "")
}

func TestPoliciesOfAWSCanBeAttachedButNotChanged(t *testing.T) {
	w := start(t)
	ctx, arn := t.Context(), aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	out, err := w.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	must(t, err)
	if *out.Policy.Path != "/service-role/" {
		t.Errorf("path is %s", *out.Policy.Path)
	}
	_, err = w.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allow("*"))})
	refused(t, err, "AccessDenied", "")
	list, err := w.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, MaxItems: aws.Int32(1000)})
	must(t, err)
	if len(list.Policies) < 30 {
		t.Errorf("AWS has %d policies", len(list.Policies))
	}
}

func TestWhatIsNotAPolicyIsRefused(t *testing.T) {
	w := start(t)
	w.user("bob")
	for _, document := range []string{"{}", "x", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*"}]}`} {
		_, err := w.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: &document})
		refused(t, err, "MalformedPolicyDocument", "")
		_, err = w.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("p"), PolicyDocument: &document})
		refused(t, err, "MalformedPolicyDocument", "")
	}
}

func TestInlinePoliciesShareARoom(t *testing.T) {
	w := start(t)
	w.user("bob")
	put := func(name string, n int) error {
		document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + strings.Repeat("x", n) + `"}]}`
		_, err := w.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: &name, PolicyDocument: &document})
		return err
	}
	must(t, put("a", 900))
	must(t, put("a", 901)) // in place of the first
	refused(t, put("b", 1000), "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user bob")
}

func TestAnEntityHasTenPoliciesAtMost(t *testing.T) {
	w := start(t)
	w.user("bob")
	attach := func(name string) error {
		arn := w.policy(name, allow("iam:GetUser"))
		_, err := w.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: &arn})
		return err
	}
	for _, name := range strings.Split("abcdefghij", "") {
		must(t, attach(name))
	}
	refused(t, attach("k"), "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10")
}
