package kms_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// A principal is a client with what a test needs to know of who it is.
type principal struct {
	*sdk.Client
	world   *world
	account string
	arn     string
}

// start returns the administrator of a new account.
func start(t testing.TB) *principal {
	t.Helper()
	return newWorld(t).admin(t)
}

// neighbour returns the administrator of another account of the same server.
func (p *principal) neighbour(t testing.TB) *principal {
	t.Helper()
	return p.world.admin(t)
}

func (w *world) admin(t testing.TB) *principal {
	t.Helper()
	c, account := w.newAccount(t)
	return &principal{c, w, account, "arn:aws:iam::" + account + ":user/admin"}
}

// user makes a user in the account, with one inline policy.
func (p *principal) user(t testing.TB, name, policy string) *principal {
	t.Helper()
	return &principal{p.world.user(t, p.account, name, policy), p.world, p.account, "arn:aws:iam::" + p.account + ":user/" + name}
}

// nobody makes a user without any permission.
func (p *principal) nobody(t testing.TB, name string) *principal {
	t.Helper()
	return p.user(t, name, allow("redoubt:Nothing", "*"))
}

// allow is an identity policy for one action.
func allow(action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource)
}

// keyPolicy is a key policy: the account's administrators may do all, and what is added.
func (p *principal) keyPolicy(statements ...string) string {
	root := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + p.account + `:root"},"Action":"kms:*","Resource":"*"}`
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(append(statements, root), ",") + `]}`
}

func (p *principal) createKey(t testing.TB, policy string) string {
	t.Helper()
	in := &sdk.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := p.CreateKey(context.Background(), in)
	must(t, err)
	return *out.KeyMetadata.Arn
}

func (p *principal) encrypt(key string, pairs ...string) ([]byte, error) {
	out, err := p.Encrypt(context.Background(), &sdk.EncryptInput{
		KeyId: &key, Plaintext: []byte("attack at dawn"), EncryptionContext: contextOf(pairs),
	})
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

func (p *principal) mustEncrypt(t testing.TB, key string, pairs ...string) []byte {
	t.Helper()
	b, err := p.encrypt(key, pairs...)
	must(t, err)
	return b
}

func (p *principal) decrypt(b []byte, pairs ...string) (string, error) {
	out, err := p.Decrypt(context.Background(), &sdk.DecryptInput{CiphertextBlob: b, EncryptionContext: contextOf(pairs)})
	if err != nil {
		return "", err
	}
	return string(out.Plaintext), nil
}

func contextOf(pairs []string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// refused checks an error's code and message. "..." at the end of a message stands for anything.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) {
		t.Fatalf("got %v, want %s: %s", err, code, message)
	}
	prefix, open := strings.CutSuffix(message, "...")
	got := known.ErrorMessage()
	if known.ErrorCode() != code || got != message && !(open && strings.HasPrefix(got, prefix)) {
		t.Fatalf("got  %s: %s\nwant %s: %s", known.ErrorCode(), got, code, message)
	}
}

func idOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

var ctx = context.Background()

func ptr[T any](v T) *T { return &v }

func (p *principal) state(t testing.TB, key string) types.KeyState {
	t.Helper()
	out, err := p.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
	must(t, err)
	return out.KeyMetadata.KeyState
}

func (p *principal) arnOf(resource string) string {
	return "arn:aws:kms:" + region + ":" + p.account + ":" + resource
}
