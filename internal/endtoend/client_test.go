//go:build linux

package endtoend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"

	"redoubt/internal/patient"
)

const (
	trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	mayLog      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`
)

// A client has connections of its own, and remembers which calls were answered well.
type client struct {
	*server
	ctx    context.Context
	cfg    aws.Config
	iam    *iam.Client
	kms    *kms.Client
	lambda *lambda.Client
	logs   *cloudwatchlogs.Client
	trail  *cloudtrail.Client
	http   *http.Transport
}

// client connects the real SDK. What is acknowledged is written into the ledger, if there is one.
func (s *server) client(l *ledger) *client {
	s.Helper()
	text, err := os.ReadFile(s.connect["AWS_CA_BUNDLE"])
	must(s, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	c := &client{server: s, ctx: s.Context(), http: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 16,
	}}
	s.Cleanup(c.http.CloseIdleConnections)
	c.cfg = aws.Config{
		Region: s.connect["AWS_REGION"], BaseEndpoint: aws.String(s.connect["AWS_ENDPOINT_URL"]), RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: patient.Transport{Transport: c.http}, Timeout: time.Minute},
		Credentials: credentials.NewStaticCredentialsProvider(s.connect["AWS_ACCESS_KEY_ID"], s.connect["AWS_SECRET_ACCESS_KEY"], ""),
	}
	if l != nil {
		c.cfg.APIOptions = append(c.cfg.APIOptions, l.watch)
	}
	c.iam, c.kms, c.lambda = iam.NewFromConfig(c.cfg), kms.NewFromConfig(c.cfg), lambda.NewFromConfig(c.cfg)
	c.logs, c.trail = cloudwatchlogs.NewFromConfig(c.cfg), cloudtrail.NewFromConfig(c.cfg)
	return c
}

// A ledger is the calls that were acknowledged: request id to operation.
type ledger struct {
	mu    sync.Mutex
	calls map[string]string
}

func newLedger() *ledger { return &ledger{calls: map[string]string{}} }

// watch writes each success down.
func (l *ledger) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("ledger", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, data, err := next.HandleInitialize(ctx, in)
		if id, ok := awsmiddleware.GetRequestIDMetadata(data); ok && err == nil {
			l.mu.Lock()
			l.calls[id] = awsmiddleware.GetOperationName(ctx)
			l.mu.Unlock()
		}
		return out, data, err
	}), middleware.Before)
}

// missing returns the acknowledged calls that the trail does not know, but for operations that are not recorded.
func (l *ledger) missing(c *client, unrecorded ...string) map[string]string {
	c.Helper()
	l.mu.Lock()
	left := map[string]string{}
	for id, name := range l.calls {
		left[id] = name
	}
	l.mu.Unlock()
	for id, name := range left {
		for _, u := range unrecorded {
			if name == u {
				delete(left, id)
			}
		}
	}
	pages := cloudtrail.NewLookupEventsPaginator(c.trail, &cloudtrail.LookupEventsInput{})
	for pages.HasMorePages() && len(left) > 0 {
		page, err := pages.NextPage(c.ctx)
		must(c, err)
		for _, e := range page.Events {
			delete(left, requestID(c, e))
		}
	}
	return left
}

// requestID reads the id of the call that an event records, under the name of its operation.
func requestID(c *client, e trailtypes.Event) string {
	c.Helper()
	var record struct{ RequestID string }
	must(c, json.Unmarshal([]byte(*e.CloudTrailEvent), &record))
	return record.RequestID
}

// role makes an execution role and returns its ARN.
func (c *client) role(name string, policies ...string) string {
	c.Helper()
	out, err := c.iam.CreateRole(c.ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trustLambda)})
	must(c, err)
	for i, p := range policies {
		_, err := c.iam.PutRolePolicy(c.ctx, &iam.PutRolePolicyInput{
			RoleName: &name, PolicyName: aws.String("p" + string(rune('0'+i))), PolicyDocument: &p,
		})
		must(c, err)
	}
	return *out.Role.Arn
}

// functionInput describes a function of the worker program.
func (h *home) functionInput(name, role string, vars map[string]string) *lambda.CreateFunctionInput {
	h.Helper()
	code, err := worker()
	must(h, err)
	return &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: code}, Environment: &types.Environment{Variables: vars}, Timeout: aws.Int32(60),
	}
}

// An answered invocation is what the worker says.
type answered struct{ Said, Value, ARN string }

func (c *client) invoke(name, payload string) (a answered, err error) {
	out, err := c.lambda.Invoke(c.ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)})
	if err != nil {
		return a, err
	}
	if out.FunctionError != nil {
		return a, &functionFailed{*out.FunctionError, string(out.Payload)}
	}
	return a, json.Unmarshal(out.Payload, &a)
}

type functionFailed struct{ kind, payload string }

func (f *functionFailed) Error() string { return f.kind + ": " + f.payload }
