package iam

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

const testAccount = "111122223333"

// trail is a recorder that keeps nothing.
type trail struct{}

func (trail) Record(context.Context, *api.Event) error { return nil }
func (trail) WantsData(string, *api.Event) bool        { return false }

// a bench is the service alone, behind the pipeline, without a server.
type bench struct {
	*Service
	t        testing.TB
	registry *api.Registry
	operator *Operator
}

func newBench(t testing.TB) *bench {
	t.Helper()
	ring, err := seal.Open(t.Context(), "", t.TempDir())
	check(t, err)
	engine, err := embedded.Open(t.TempDir(), ring)
	check(t, err)
	db, err := store.Open(engine, ring)
	check(t, err)
	t.Cleanup(func() { db.Close(); ring.Close() })
	sessions, err := api.NewSessions(ring)
	check(t, err)
	log := slog.New(slog.DiscardHandler)
	registry := api.NewRegistry(db, sessions, log)
	s, err := New(api.Deps{DB: db, Ring: ring, API: registry, Sessions: sessions, Log: log})
	check(t, err)
	check(t, registry.Fill(s, trail{}, s))
	op, err := s.Bootstrap(t.Context(), testAccount)
	check(t, err)
	return &bench{s, t, registry, op}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as returns a context in which the holder of an access key calls.
func (b *bench) as(id string) context.Context {
	b.t.Helper()
	k, err := b.Key(b.t.Context(), id)
	check(b.t, err)
	return api.WithCaller(b.t.Context(), callerOf(k))
}

func callerOf(k *api.Key) *api.Caller {
	return &api.Caller{
		Kind: k.Kind, Principal: policy.Principal{ARN: k.ARN, Account: k.Account, Root: k.Kind == api.Root},
		Account: k.Account, ID: k.UserID, Name: k.Name, AccessKey: k.ID,
	}
}

func (b *bench) admin() context.Context { return b.as(b.operator.AccessKey) }

func do[Out, In any](b *bench, ctx context.Context, in *In) *Out {
	b.t.Helper()
	out, err := api.Call[Out](ctx, b.registry, in)
	check(b.t, err)
	return out
}

func (b *bench) user(name string) context.Context {
	b.t.Helper()
	do[iam.CreateUserOutput](b, b.admin(), &iam.CreateUserInput{UserName: &name})
	return b.as(*b.key(name).AccessKeyId)
}

func (b *bench) key(name string) *types.AccessKey {
	b.t.Helper()
	return do[iam.CreateAccessKeyOutput](b, b.admin(), &iam.CreateAccessKeyInput{UserName: &name}).AccessKey
}

func allowing(action string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`)
}

func TestANewUserMayDoNothing(t *testing.T) {
	b := newBench(t)
	bob := b.user("bob")
	_, err := api.Call[iam.ListUsersOutput](bob, b.registry, &iam.ListUsersInput{})
	want(t, err, "AccessDenied", "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action")
}

func TestAPolicyCountsFromTheNextCallOn(t *testing.T) {
	b := newBench(t)
	bob := b.user("bob")
	name := aws.String("bob")
	for range 3 {
		do[iam.PutUserPolicyOutput](b, b.admin(), &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("p"), PolicyDocument: allowing("iam:ListUsers")})
		do[iam.ListUsersOutput](b, bob, &iam.ListUsersInput{})
		do[iam.DeleteUserPolicyOutput](b, b.admin(), &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
		_, err := api.Call[iam.ListUsersOutput](bob, b.registry, &iam.ListUsersInput{})
		want(t, err, "AccessDenied", "")
	}
}

func TestAnInactiveOrDeletedKeyIsUnknown(t *testing.T) {
	b := newBench(t)
	b.user("bob")
	k := b.key("bob")
	do[iam.UpdateAccessKeyOutput](b, b.admin(), &iam.UpdateAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: k.AccessKeyId, Status: types.StatusTypeInactive})
	if _, err := b.Key(t.Context(), *k.AccessKeyId); !errors.Is(err, api.ErrUnknown) {
		t.Errorf("an inactive key is found: %v", err)
	}
	do[iam.UpdateAccessKeyOutput](b, b.admin(), &iam.UpdateAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: k.AccessKeyId, Status: types.StatusTypeActive})
	_, err := b.Key(t.Context(), *k.AccessKeyId)
	check(t, err)
	do[iam.DeleteAccessKeyOutput](b, b.admin(), &iam.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: k.AccessKeyId})
	if _, err := b.Key(t.Context(), *k.AccessKeyId); !errors.Is(err, api.ErrUnknown) {
		t.Errorf("a deleted key is found: %v", err)
	}
}

// want checks an error by its code and, unless it is "", its message.
func want(t testing.TB, err error, code, message string) {
	t.Helper()
	var known interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &known) {
		t.Fatalf("error is %v, want %s", err, code)
	}
	if known.ErrorCode() != code || message != "" && known.ErrorMessage() != message {
		t.Errorf("error is %s: %s\nwant     %s: %s", known.ErrorCode(), known.ErrorMessage(), code, message)
	}
}

func BenchmarkIdentity(b *testing.B) {
	x := newBench(b)
	k, err := x.Key(b.Context(), x.operator.AccessKey)
	check(b, err)
	c := callerOf(k)
	for b.Loop() {
		if _, err := x.Identity(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		if _, err := x.Key(b.Context(), k.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAChangeIsSeenByTheNextCallWhileOthersRead(t *testing.T) {
	b := newBench(t)
	bob := api.CallerOf(b.user("bob"))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				b.Identity(t.Context(), bob)
			}
		}
	}()
	name, p := aws.String("bob"), aws.String("p")
	for range 200 {
		do[iam.PutUserPolicyOutput](b, b.admin(), &iam.PutUserPolicyInput{UserName: name, PolicyName: p, PolicyDocument: allowing("iam:ListUsers")})
		if id, err := b.Identity(t.Context(), bob); err != nil || len(id.Policies) != 1 {
			t.Fatalf("%d policies after one was put: %v", len(id.Policies), err)
		}
		do[iam.DeleteUserPolicyOutput](b, b.admin(), &iam.DeleteUserPolicyInput{UserName: name, PolicyName: p})
		if id, err := b.Identity(t.Context(), bob); err != nil || len(id.Policies) != 0 {
			t.Fatalf("%d policies after the only one was deleted: %v", len(id.Policies), err)
		}
	}
	close(stop)
	<-done
}

func TestAManagementAccountEntersTheAccountsItOpens(t *testing.T) {
	b := newBench(t)
	check(t, b.OpenAccount(t.Context(), "444455556666", "dev", "dev@example.com", testAccount))
	role, err := b.Role(t.Context(), "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole")
	check(t, err)
	trust := func(account string) policy.Effect {
		return policy.Evaluate(&policy.Request{
			Principal: policy.Principal{ARN: "arn:aws:iam::" + account + ":user/x", Account: account},
			Action:    "sts:AssumeRole", Resource: role.ARN, ResourceAccount: "444455556666",
		}, &policy.Set{
			Resource: role.Trust, MustDelegate: true, Identity: []*policy.Document{policy.MustParse(everything, policy.Identity)},
		}).Effect
	}
	if trust(testAccount) != policy.Allowed || trust("777788889999") == policy.Allowed {
		t.Error("the role trusts others than the management account")
	}
	ids, err := b.Accounts(t.Context())
	check(t, err)
	if len(ids) != 2 || ids[0] != testAccount {
		t.Errorf("accounts are %v", ids)
	}
}

func TestBootstrapAgainFindsTheSameKeys(t *testing.T) {
	b := newBench(t)
	again, err := b.Bootstrap(t.Context(), testAccount)
	check(t, err)
	if again.AccessKey != b.operator.AccessKey || !again.Secret.Equal(b.operator.Secret) || again.RootKey != b.operator.RootKey {
		t.Error("a second start made other keys")
	}
}

func TestLastUsesAreWrittenDown(t *testing.T) {
	b := newBench(t)
	k, err := b.Key(t.Context(), b.operator.AccessKey)
	check(t, err)
	b.Used(k, "kms", "eu-west-1")
	check(t, b.writeUsage(t.Context()))
	if _, fresh := b.usage.of(owned{testAccount, k.ID}); fresh {
		t.Error("the use is still to be written")
	}
	out := do[iam.GetAccessKeyLastUsedOutput](b, b.admin(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &k.ID})
	if u := out.AccessKeyLastUsed; *u.ServiceName != "kms" || *u.Region != "eu-west-1" {
		t.Errorf("last use is %v", u)
	}
}

func TestSecretsStayOutOfRecords(t *testing.T) {
	b := newBench(t)
	b.user("bob")
	wire := b.registry.Services()[0].Wire
	key := &iam.CreateAccessKeyOutput{AccessKey: b.key("bob")}
	if text := string(wire.Elements("CreateAccessKey", key)); strings.Contains(text, *key.AccessKey.SecretAccessKey) || !strings.Contains(text, *key.AccessKey.AccessKeyId) {
		t.Errorf("record of a new key is %s", text)
	}
	device := do[iam.CreateVirtualMFADeviceOutput](b, b.admin(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("d")})
	seed := base64.StdEncoding.EncodeToString(device.VirtualMFADevice.Base32StringSeed)
	if text := string(wire.Elements("CreateVirtualMFADevice", device)); strings.Contains(text, seed) {
		t.Errorf("record of a new device is %s", text)
	}
}
