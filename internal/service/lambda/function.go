package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/blob"
	"redoubt/internal/store"
)

// Function is a function as it is stored, under its account, region and name. What is read of it under a qualifier has the
// configuration of the version that the qualifier names.
type Function struct {
	Account, Region, Name string

	Configuration // of $LATEST

	Tags       map[string]string
	Reserved   *int32                 // concurrency, nil if none is reserved
	Statements map[string][]Statement // of the resource policy, by qualifier
	Published  int64                  // number of the version that was published last, whether it still exists or not

	Provisioned map[string]Provision // concurrency, by the version or alias for which it is asked
	Signing     string               // ARN of the code signing configuration, or ""
	Recursion   types.RecursiveLoop  // "" is Terminate
}

// Configuration is what a version freezes of a function.
type Configuration struct {
	Version     string // $LATEST or a number
	Description string
	Role        string
	Runtime     types.Runtime
	Handler     string
	Memory      int32 // MB
	Timeout     int32 // seconds
	Storage     int32 // MB of /tmp
	Logging     Logging
	Isolation   types.TenantIsolationMode // of tenants, "" if they share environments

	Code        Code
	Layers      []Attachment       // merged at /opt in this order
	KMSKey      string             // ARN of the owner's key, or ""
	Environment *SealedEnvironment // nil without variables
	Pin         Pin                // to a version of the runtime

	// Revision changes with everything, Generation only with what an environment is made of.
	Revision, Generation string
	Modified             time.Time
}

// Code is a deployment package.
type Code struct {
	Blob       blob.ID
	SHA256     []byte
	Size       int64
	Unzipped   int64
	Bootstrap  Bootstrap
	Extensions []string // programs in its folder of that name, which count in a layer
	Signature  *Signature
}

// SealedEnvironment is the environment variables as KMS encrypted them.
type SealedEnvironment struct {
	Ciphertext []byte
}

// Account is what Lambda counts in one account and region.
type Account struct {
	Functions int64
	CodeSize  int64
	Reserved  int32 // concurrency reserved or provisioned by all functions
}

func (f *Function) reference() reference {
	return reference{Account: f.Account, Region: f.Region, Name: f.Name}
}

// arn is the unqualified ARN.
func (f *Function) arn() string { return f.reference().base() }

// touch marks a change that running environments need not know of.
func (c *Configuration) touch() { c.Revision = api.NewUUID() }

// change marks a change that makes running environments outdated.
func (c *Configuration) change() {
	c.touch()
	c.Generation, c.Modified = c.Revision, time.Now().UTC()
}

// find reads the function that a request names, under the qualifier that it gives.
func (s *Service) find(ctx context.Context, name, qualifier *string) (*Function, reference, error) {
	ref, err := refer(ctx, name, qualifier)
	if err != nil {
		return nil, ref, err
	}
	if err := ref.check(ctx); err != nil {
		return nil, ref, err
	}
	var f Function
	err = s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		f, err = s.load(tx, ref)
		return err
	})
	return &f, ref, err
}

// load reads a function with the configuration of the version that ref names.
func (s *Service) load(tx *store.Tx, ref reference) (Function, error) {
	f, err := s.head(tx, ref)
	if err == nil {
		err = s.pick(tx, &f, ref)
	}
	return f, err
}

// head reads a function as it is stored, whatever version ref names.
func (s *Service) head(tx *store.Tx, ref reference) (Function, error) {
	f, ok, err := s.functions.Get(tx, ref.Account, ref.Region, ref.Name)
	if err == nil && !ok {
		err = ref.notFound()
	}
	return f, err
}

func (s *Service) save(tx *store.Tx, f Function) error {
	return s.functions.Put(tx, f, f.Account, f.Region, f.Name)
}

// modify changes the function that a request names in one transaction; never a version of it.
func (s *Service) modify(ctx context.Context, name, qualifier *string, fn func(tx *store.Tx, f *Function) error) (*Function, error) {
	ref, err := refer(ctx, name, qualifier)
	if err != nil {
		return nil, err
	}
	if err := ref.check(ctx); err != nil {
		return nil, err
	}
	var f Function
	err = s.deps.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if f, err = s.head(tx, ref); err != nil {
			return err
		}
		if err := fn(tx, &f); err != nil {
			return err
		}
		return s.save(tx, f)
	})
	return &f, err
}

// count changes what is counted in the account of f.
func (s *Service) count(tx *store.Tx, f *Function, fn func(*Account) error) error {
	return s.countIn(tx, f.Account, f.Region, fn)
}

func (s *Service) countIn(tx *store.Tx, account, region string, fn func(*Account) error) error {
	a, _, err := s.accounts.Get(tx, account, region)
	if err != nil {
		return err
	}
	if err := fn(&a); err != nil {
		return err
	}
	return s.accounts.Put(tx, a, account, region)
}

// GetFunction returns the configuration. Code.Location is left out: AWS gives a link to a bucket of its own, and packages lie
// in none here.
func (s *Service) GetFunction(ctx context.Context, in *lambda.GetFunctionInput) (*lambda.GetFunctionOutput, error) {
	f, ref, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.describe(ctx, f, ref)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionOutput{Configuration: c, Code: &types.FunctionCodeLocation{RepositoryType: aws.String("S3")}}
	if out.Tags, out.TagsError, err = s.showTags(ctx, f); err != nil {
		return nil, err
	}
	if f.Reserved != nil {
		out.Concurrency = &types.Concurrency{ReservedConcurrentExecutions: f.Reserved}
	}
	return out, nil
}

// GetFunctionConfiguration returns the configuration.
func (s *Service) GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput) (*lambda.GetFunctionConfigurationOutput, error) {
	f, ref, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.describe(ctx, f, ref)
	if err != nil {
		return nil, err
	}
	out := lambda.GetFunctionConfigurationOutput(configurationFields(c))
	return &out, nil
}

// ListFunctions lists the functions of the caller's account, or all their versions, 50 a page.
func (s *Service) ListFunctions(ctx context.Context, in *lambda.ListFunctionsInput) (*lambda.ListFunctionsOutput, error) {
	c := api.CallerOf(ctx)
	if aws.ToString(in.MasterRegion) != "" {
		return nil, unsupported("Listing functions that are replicated to the edge (MasterRegion)")
	}
	after, err := readMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	read, all := s.page, in.FunctionVersion == types.FunctionVersionAll
	if all {
		read = s.versionsPage
	}
	page, next, err := read(ctx, c.Account, c.Region, after, limitOf(in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &lambda.ListFunctionsOutput{NextMarker: next}
	out.Functions, err = s.summaries(ctx, page, all)
	return out, err
}
