package lambda

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"redoubt/internal/api"
)

// A source is where a request has a package: in itself, or in S3.
type source struct {
	zip                  []byte
	bucket, key, version *string
	mode                 types.S3ObjectStorageMode
}

func (f source) inS3() bool { return f.bucket != nil || f.key != nil || f.version != nil }

// fetch returns the package, from S3 as the caller.
func (s *Service) fetch(ctx context.Context, from source) ([]byte, error) {
	switch {
	case from.mode == types.S3ObjectStorageModeReference:
		return nil, unsupported("Code that stays in S3 (S3ObjectStorageMode REFERENCE)")
	case len(from.zip) > 0 && from.inS3():
		return nil, invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case len(from.zip) > maxZipped:
		return nil, tooLarge("Zipped size must be smaller than %d bytes", maxZipped)
	case len(from.zip) > 0:
		return from.zip, nil
	case from.bucket == nil || from.key == nil:
		return nil, invalid("Please provide a source for function code.")
	}
	return s.download(ctx, from)
}

// receive is the one way for code into a function, which the trail calls name: the package is fetched, looked at beside
// the layers, and admitted by what the function demands of signatures. It is not kept yet.
func (s *Service) receive(ctx context.Context, f *Function, name string, from source) (*deployment, []byte, error) {
	archive, err := s.fetch(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	code, err := inspectBeside(archive, f.Layers)
	if err != nil {
		return nil, nil, err
	}
	if code.Signature, err = s.whoSigned(ctx, archive); err != nil {
		return nil, nil, err
	}
	d := &deployment{f: f, name: name, code: &code, layers: f.Layers}
	return d, archive, s.admit(ctx, d)
}

func (s *Service) download(ctx context.Context, from source) ([]byte, error) {
	out, err := api.Call[s3.GetObjectOutput](api.Via(ctx, principal), s.deps.API, &s3.GetObjectInput{
		Bucket: from.bucket, Key: from.key, VersionId: from.version,
	})
	if err != nil {
		return nil, s3Error(err, from)
	}
	defer out.Body.Close()
	archive, err := io.ReadAll(io.LimitReader(out.Body, maxUnzipped+1))
	if err != nil {
		return nil, fmt.Errorf("reading a package from S3: %w", err)
	}
	if len(archive) > maxUnzipped { // it does not shrink when it is unzipped
		return nil, tooLargeUnzipped(maxUnzipped)
	}
	return archive, nil
}

// s3Error says in Lambda's words why S3 does not give a package.
func s3Error(err error, from source) error {
	code, message, ok := codeOf(err)
	switch {
	case !ok:
		return fmt.Errorf("reading a package from S3: %w", err)
	case code == "AccessDenied":
		return denied(fmt.Sprintf("Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. "+
			"S3 Error Code: %s. S3 Error Message: %s", aws.ToString(from.bucket), aws.ToString(from.key), code, message))
	}
	return invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message)
}
