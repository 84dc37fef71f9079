package kms_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/api"
	"redoubt/internal/front"
	"redoubt/internal/policy"
	"redoubt/internal/seal"
	"redoubt/internal/service/kms"
	"redoubt/internal/sigv4"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

const region = "us-east-1"

// A world is KMS behind the real door, with identities that a test makes up.
type world struct {
	api.Directory // what KMS does not ask
	url           string
	registry      *api.Registry
	db            *store.DB
	service       *kms.Service

	mu      sync.Mutex
	people  map[string]*person // by access key
	events  []*api.Event
	roles   map[string]bool
	account int
}

type person struct {
	key      *api.Key
	policies []*policy.Document
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{people: map[string]*person{}, roles: map[string]bool{}, account: 111111111110}
	ctx := context.Background()
	dir := t.TempDir()
	ring, err := seal.Open(ctx, "", dir)
	must(t, err)
	engine, err := embedded.Open(dir+"/store", ring)
	must(t, err)
	w.db, err = store.Open(engine, ring)
	must(t, err)
	sessions, err := api.NewSessions(ring)
	must(t, err)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.registry = api.NewRegistry(w.db, sessions, log)
	w.service, err = kms.New(api.Deps{DB: w.db, Ring: ring, API: w.registry, Sessions: sessions, Log: log, Account: "111111111111", Region: region})
	must(t, err)
	must(t, w.registry.Fill(w, w, w.service))
	server := httptest.NewServer(front.New(w.registry, "111111111111", region))
	w.url = server.URL
	t.Cleanup(func() {
		server.Close()
		w.db.Close()
		ring.Close()
	})
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// newAccount returns the administrator of a new account.
func (w *world) newAccount(t testing.TB) (*sdk.Client, string) {
	w.mu.Lock()
	w.account++
	account := fmt.Sprint(w.account)
	w.mu.Unlock()
	return w.user(t, account, "admin", allowAll), account
}

func (w *world) user(t testing.TB, account, name string, policies ...string) *sdk.Client {
	t.Helper()
	p := &person{key: &api.Key{
		ID: api.NewKeyID("AKIA", account), Secret: sigv4.NewSecret("secret"), Kind: api.IAMUser,
		ARN: "arn:aws:iam::" + account + ":user/" + name, Account: account, UserID: "AIDA" + name, Name: name,
	}}
	for _, text := range policies {
		p.policies = append(p.policies, policy.MustParse(text, policy.Identity))
	}
	w.mu.Lock()
	w.people[p.key.ID] = p
	w.mu.Unlock()
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: aws.String(w.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(p.key.ID, "secret", ""),
	})
}

func (w *world) Key(_ context.Context, id string) (*api.Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.people[id]; p != nil {
		return p.key, nil
	}
	return nil, api.ErrUnknown
}

func (w *world) Identity(_ context.Context, c *api.Caller) (api.Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.people[c.AccessKey]; p != nil {
		return api.Identity{Policies: p.policies}, nil
	}
	return api.Identity{}, nil
}

func (w *world) Role(_ context.Context, arn string) (*api.Role, error) {
	if strings.HasSuffix(arn, "/there") {
		return &api.Role{ARN: arn}, nil
	}
	return nil, api.ErrUnknown
}

func (w *world) Used(*api.Key, string, string) {}

func (w *world) Record(_ context.Context, e *api.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	return nil
}

func (w *world) WantsData(string, *api.Event) bool { return true }

// caller is a user as services see it.
func (w *world) caller(arn string) *api.Caller {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.people {
		if p.key.ARN == arn {
			return &api.Caller{
				Kind: api.IAMUser, Principal: policy.Principal{ARN: arn, Account: p.key.Account}, Account: p.key.Account,
				ID: p.key.UserID, Name: p.key.Name, AccessKey: p.key.ID, Region: region, Request: api.Request{Time: time.Now()},
			}
		}
	}
	return nil
}
