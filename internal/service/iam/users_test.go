package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestAUserHasAnArnWithItsPath(t *testing.T) {
	w := start(t)
	out, err := w.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("bob"), Path: aws.String("/dev/")})
	must(t, err)
	if want := w.arn("user/dev/bob"); *out.User.Arn != want || !strings.HasPrefix(*out.User.UserId, "AIDA") {
		t.Errorf("user is %s %s, want %s", *out.User.Arn, *out.User.UserId, want)
	}
}

func TestNamesAreUniqueWhateverTheirCase(t *testing.T) {
	w := start(t)
	w.user("bob")
	_, err := w.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("BOB")})
	refused(t, err, "EntityAlreadyExists", "User with name BOB already exists.")
	_, err = w.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("BOB")})
	refused(t, err, "NoSuchEntity", "The user with name BOB cannot be found.")
}

func TestListsComeInPages(t *testing.T) {
	w := start(t)
	for i := range 5 {
		_, err := w.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String(fmt.Sprint("u", i)), Path: aws.String("/x/")})
		must(t, err)
	}
	var names []string
	pages := iam.NewListUsersPaginator(w, &iam.ListUsersInput{MaxItems: aws.Int32(2), PathPrefix: aws.String("/x/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, u := range page.Users {
			names = append(names, *u.UserName)
		}
	}
	if got := strings.Join(names, " "); got != "u0 u1 u2 u3 u4" {
		t.Errorf("users are %s", got)
	}
	_, err := w.ListUsers(t.Context(), &iam.ListUsersInput{Marker: aws.String("!")})
	refused(t, err, "ValidationError", "")
}

func TestUsersMayAskAboutThemselves(t *testing.T) {
	w := start(t)
	bob := w.user("bob")
	w.allowUser("bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GetUser","iam:ListAccessKeys"],"Resource":"arn:aws:iam::*:user/${aws:username}"}]}`)
	self := iam.NewFromConfig(bob)
	out, err := self.GetUser(t.Context(), &iam.GetUserInput{})
	must(t, err)
	if *out.User.UserName != "bob" {
		t.Errorf("caller is %s", *out.User.UserName)
	}
	keys, err := self.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{})
	must(t, err)
	if len(keys.AccessKeyMetadata) != 1 {
		t.Errorf("%d keys", len(keys.AccessKeyMetadata))
	}
	_, err = self.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("operator")})
	refused(t, err, "AccessDenied", "")
}

func TestStrangersAreDeniedBeforeLearningWhatIsMissing(t *testing.T) {
	w := start(t)
	bob := iam.NewFromConfig(w.user("bob"))
	_, err := bob.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("nobody")})
	refused(t, err, "AccessDenied", "User: "+w.arn("user/bob")+" is not authorized to perform: iam:GetUser on resource: "+
		w.arn("user/nobody")+" because no identity-based policy allows the iam:GetUser action")
}

func TestAUserInUseCannotBeDeleted(t *testing.T) {
	w := start(t)
	ctx, bob := t.Context(), aws.String("bob")
	w.user("bob")
	w.allowUser("bob", allow("iam:*"))
	_, err := w.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")})
	must(t, err)
	_, err = w.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: bob})
	must(t, err)
	attached := aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
	_, err = w.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: bob, PolicyArn: attached})
	must(t, err)
	deleteBob := func() error { _, err := w.DeleteUser(ctx, &iam.DeleteUserInput{UserName: bob}); return err }

	refused(t, deleteBob(), "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	_, err = w.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String("g"), UserName: bob})
	must(t, err)
	refused(t, deleteBob(), "DeleteConflict", "Cannot delete entity, must delete access keys first.")
	keys, err := w.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: bob})
	must(t, err)
	_, err = w.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: bob, AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId})
	must(t, err)
	refused(t, deleteBob(), "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	_, err = w.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: bob, PolicyArn: attached})
	must(t, err)
	refused(t, deleteBob(), "DeleteConflict", "Cannot delete entity, must delete policies first.")
	_, err = w.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: bob, PolicyName: aws.String("p")})
	must(t, err)
	must(t, deleteBob())
}

func TestARenamedUserKeepsItsKeysGroupsAndPolicies(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := iam.NewFromConfig(w.user("bob"))
	_, err := w.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")})
	must(t, err)
	_, err = w.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: aws.String("bob")})
	must(t, err)
	arn := w.policy("list", allow("iam:ListUsers iam:GetUser"))
	_, err = w.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: &arn})
	must(t, err)
	_, err = w.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("bob"), NewUserName: aws.String("robert"), NewPath: aws.String("/x/")})
	must(t, err)
	out, err := bob.GetUser(ctx, &iam.GetUserInput{})
	must(t, err)
	if *out.User.Arn != w.arn("user/x/robert") {
		t.Errorf("user is %s", *out.User.Arn)
	}
	group, err := w.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("g")})
	must(t, err)
	if len(group.Users) != 1 || *group.Users[0].UserName != "robert" {
		t.Errorf("members are %v", group.Users)
	}
	users, err := w.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: &arn})
	must(t, err)
	if len(users.PolicyUsers) != 1 || *users.PolicyUsers[0].UserName != "robert" {
		t.Errorf("policy is used by %v", users.PolicyUsers)
	}
}

func TestAUserHasTwoKeysAtMost(t *testing.T) {
	w := start(t)
	w.user("bob")
	_, err := w.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("bob")})
	must(t, err)
	_, err = w.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("bob")})
	refused(t, err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
}

func TestAKeyStopsWorkingWhenItIsSwitchedOff(t *testing.T) {
	w := start(t)
	bob := w.user("bob")
	w.allowUser("bob", allow("iam:ListUsers"))
	_, err := iam.NewFromConfig(bob).ListUsers(t.Context(), &iam.ListUsersInput{})
	must(t, err)
	creds, err := bob.Credentials.Retrieve(t.Context())
	must(t, err)
	_, err = w.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{
		UserName: aws.String("bob"), AccessKeyId: &creds.AccessKeyID, Status: types.StatusTypeInactive,
	})
	must(t, err)
	_, err = iam.NewFromConfig(bob).ListUsers(t.Context(), &iam.ListUsersInput{})
	refused(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

func TestTheLastUseOfAKeyIsKnown(t *testing.T) {
	w := start(t)
	bob := w.user("bob")
	creds, err := bob.Credentials.Retrieve(t.Context())
	must(t, err)
	before, err := w.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &creds.AccessKeyID})
	must(t, err)
	if u := before.AccessKeyLastUsed; u.LastUsedDate != nil || *u.ServiceName != "N/A" || *u.Region != "N/A" {
		t.Errorf("an unused key was used: %v", u)
	}
	iam.NewFromConfig(bob).ListUsers(t.Context(), &iam.ListUsersInput{}) // denied, and a use all the same
	after, err := w.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &creds.AccessKeyID})
	must(t, err)
	if u := after.AccessKeyLastUsed; u.LastUsedDate == nil || *u.ServiceName != "iam" || *after.UserName != "bob" {
		t.Errorf("last use is %v", u)
	}
}

func TestTagKeysAreNotDistinguishedByCase(t *testing.T) {
	w := start(t)
	ctx, bob := t.Context(), aws.String("bob")
	w.user("bob")
	tag := func(tags ...types.Tag) error {
		_, err := w.TagUser(ctx, &iam.TagUserInput{UserName: bob, Tags: tags})
		return err
	}
	team := types.Tag{Key: aws.String("Team"), Value: aws.String("a")}
	must(t, tag(team))
	must(t, tag(types.Tag{Key: aws.String("team"), Value: aws.String("b")}))
	refused(t, tag(team, types.Tag{Key: aws.String("TEAM"), Value: aws.String("x")}), "InvalidInput",
		"Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	out, err := w.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: bob})
	must(t, err)
	if len(out.Tags) != 1 || *out.Tags[0].Key != "Team" || *out.Tags[0].Value != "b" {
		t.Errorf("tags are %v", out.Tags)
	}
	_, err = w.UntagUser(ctx, &iam.UntagUserInput{UserName: bob, TagKeys: []string{"tEAM"}})
	must(t, err)
	out, err = w.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: bob})
	must(t, err)
	if len(out.Tags) != 0 {
		t.Errorf("tags are %v", out.Tags)
	}
}

func TestATaggedUserNeedsThePermissionToTag(t *testing.T) {
	w := start(t)
	bob := iam.NewFromConfig(w.user("bob"))
	w.allowUser("bob", allow("iam:CreateUser"))
	_, err := bob.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("a")})
	must(t, err)
	_, err = bob.CreateUser(t.Context(), &iam.CreateUserInput{
		UserName: aws.String("b"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	refused(t, err, "AccessDenied", "User: "+w.arn("user/bob")+" is not authorized to perform: iam:TagUser on resource: "+
		w.arn("user/b")+" because no identity-based policy allows the iam:TagUser action")
}

func TestARootUserHasKeysOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := redoubttest.Run(t, app.Config{Data: dir})
	client, err := app.ReadClient(t.Context(), dir, "")
	must(t, err)
	root := iam.NewFromConfig(s.Config(t, client.Root.AccessKey, client.Root.SecretKey, ""))
	out, err := root.GetUser(t.Context(), &iam.GetUserInput{})
	must(t, err)
	if !strings.HasSuffix(*out.User.Arn, ":root") {
		t.Errorf("root is %s", *out.User.Arn)
	}
	made, err := root.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{})
	must(t, err)
	_, err = iam.NewFromConfig(s.Config(t, *made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey, "")).ListUsers(t.Context(), &iam.ListUsersInput{})
	must(t, err)
}

func TestThereIsNothingOfWhatRedoubtDoesNotOffer(t *testing.T) {
	w := start(t)
	w.user("bob")
	_, err := w.GetLoginProfile(t.Context(), &iam.GetLoginProfileInput{UserName: aws.String("bob")})
	refused(t, err, "NoSuchEntity", "Login Profile for User bob cannot be found.")
	out, err := w.ListSSHPublicKeys(t.Context(), &iam.ListSSHPublicKeysInput{UserName: aws.String("bob")})
	must(t, err)
	if len(out.SSHPublicKeys) != 0 {
		t.Errorf("keys are %v", out.SSHPublicKeys)
	}
	_, err = w.ListSigningCertificates(t.Context(), &iam.ListSigningCertificatesInput{UserName: aws.String("nobody")})
	refused(t, err, "NoSuchEntity", "The user with name nobody cannot be found.")
}
