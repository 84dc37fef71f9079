package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/fleet"
	"redoubt/internal/service/lambda/runtimes"
)

// Limits of an environment (gettingstarted-limits). A processor's worth is what 1,769 MB of memory come with.
const (
	processes   = 1024
	openFiles   = 1024
	memoryByCPU = 1769
)

// initCPU is what an environment has at least while it initialises: small functions would start slowly with their own share.
const initCPU = 1.0

func (f *Function) cpu() float64 { return float64(f.Memory) / memoryByCPU }

// renewBefore is how long before their end credentials are not given to another event.
const renewBefore = 5 * time.Minute

// blueprint gathers what an environment of the function is made of: credentials of its role, its variables, decrypted
// as that role, and what runs it.
func (s *Service) blueprint(ctx context.Context, f *Function) (*fleet.Blueprint, error) {
	r, err := s.catalog.Find(string(f.Runtime))
	if err != nil {
		return nil, &types.InvalidRuntimeException{Type: aws.String(user), Message: aws.String(err.Error())}
	}
	version := runtimeARN(f.Region, r)
	if err := f.Pin.holds(version); err != nil {
		return nil, err
	}
	c, err := s.assume(ctx, f)
	if err != nil {
		return nil, assumeError(err)
	}
	token := aws.ToString(c.SessionToken)
	asRole, err := s.asRole(ctx, token)
	if err != nil {
		return nil, err
	}
	variables, key, err := s.openEnvironment(asRole, f)
	if err != nil {
		return nil, kmsError(err)
	}
	stream := newStreamName(time.Now(), f.Version)
	p := &fleet.Blueprint{
		Spec: sandbox.Spec{
			Env: f.environ(r.Environ(), c, stream, variables), Code: f.Code.id(), Interpreter: r.Roots,
			Memory: int64(f.Memory) << 20, Tmp: int64(f.Storage) << 20, CPU: max(initCPU, f.cpu()),
			Processes: processes, Files: openFiles,
		},
		CPU:    f.cpu(),
		Format: f.Logging.format(),
		Check:  func(ctx context.Context) error { return s.mayRead(ctx, f, token, key) },
		Sink:   s.sink(f, stream, token),
	}
	p.RuntimeVersion, p.RuntimeVersionARN = r.Version(), version
	if c.Expiration != nil {
		p.Expires = c.Expiration.Add(-renewBefore)
	}
	p.Spec.Layers, p.Extensions = f.layerIDs(), f.extensions()
	p.Load = func(ctx context.Context, id string) error { return s.loadCode(ctx, f, r, id) }
	s.program(p, f, r, variables)
	return p, nil
}

// program sets what is run: the interpreter with our client, or what the package brings.
func (s *Service) program(p *fleet.Blueprint, f *Function, r *runtimes.Runtime, variables map[string]string) {
	if r.Client != nil {
		p.Marks = true
		p.Spec.Runtime = r.Client.ID
		p.Spec.Argv = r.Argv(int(f.Memory), variables)
		return
	}
	program, kind := "/var/task/bootstrap", f.Code.Bootstrap
	if kind == NoBootstrap {
		program, kind = "/opt/bootstrap", f.optBootstrap()
	}
	p.Spec.Argv = []string{program}
	switch kind {
	case NoBootstrap:
		p.Broken = &fleet.Failure{Type: "Runtime.InvalidEntrypoint", Message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
	case PlainBootstrap:
		p.Broken = &fleet.Failure{Type: "Runtime.InvalidEntrypoint", Message: "fork/exec " + program + ": permission denied"}
	}
}

// loadCode gives the sandbox engine the package or the runtime's client.
func (s *Service) loadCode(ctx context.Context, f *Function, r *runtimes.Runtime, id string) error {
	if r.Client != nil && id == r.Client.ID {
		if err := s.engine.LoadCode(ctx, id, r.Client.Archive); err != nil {
			return fmt.Errorf("loading the runtime client: %w", err)
		}
		return nil
	}
	return s.loaded.load(id, func() error {
		archive, err := s.packages.open(ctx, f.packageOf(id))
		if err != nil {
			return err
		}
		if err := s.engine.LoadCode(ctx, id, archive); err != nil {
			return fmt.Errorf("loading the code of %s: %w", f.arn(), err)
		}
		return nil
	})
}

// environ is the environment of the runtime
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
func (f *Function) environ(all map[string]string, c *ststypes.Credentials, stream string, variables map[string]string) []string {
	all["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566" // the server itself, on an address that only this sandbox has
	maps.Copy(all, variables)
	maps.Copy(all, f.Logging.environ())
	for k, v := range map[string]string{
		"_HANDLER": f.Handler, "AWS_REGION": f.Region, "AWS_DEFAULT_REGION": f.Region,
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(int(f.Memory)), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": f.logGroup(), "AWS_LAMBDA_LOG_STREAM_NAME": stream,
		"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"AWS_ACCESS_KEY_ID": aws.ToString(c.AccessKeyId), "AWS_SECRET_ACCESS_KEY": aws.ToString(c.SecretAccessKey),
		"AWS_SESSION_TOKEN": aws.ToString(c.SessionToken),
	} {
		all[k] = v
	}
	list := make([]string, 0, len(all))
	for k, v := range all {
		list = append(list, k+"="+v)
	}
	return list
}

// newStreamName names the log stream of one environment.
func newStreamName(now time.Time, version string) string {
	var b [16]byte
	rand.Read(b[:])
	return now.UTC().Format("2006/01/02") + "/[" + version + "]" + hex.EncodeToString(b[:])
}
