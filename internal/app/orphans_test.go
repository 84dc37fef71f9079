package app

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
)

// A package whose function was never recorded goes; that of a function stays.
func TestOrphanedPackagesAreRemoved(t *testing.T) {
	a, err := Open(t.Context(), Config{Data: t.TempDir(), AllowWeakSandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	orphan, _, err := a.blobs.Put(t.Context(), strings.NewReader("orphan"))
	if err != nil {
		t.Fatal(err)
	}
	deploy(t, a)
	old := time.Now().Add(-2 * young)
	before := 0
	err = filepath.WalkDir(blobDir(a.Config.Data), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			before++
			err = os.Chtimes(path, old, old)
		}
		return err
	})
	if err != nil || before != 2 {
		t.Fatalf("%d objects, %v, want 2", before, err)
	}
	if err := a.sweepBlobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.blobs.Open(t.Context(), orphan); err == nil {
		t.Error("the orphan is still there")
	}
	kept, err := a.services.lambda.Keeps(t.Context())
	if err != nil || len(kept) != 1 {
		t.Fatalf("the function keeps %v, %v", kept, err)
	}
	for id := range kept {
		if _, _, err := a.blobs.Open(t.Context(), id); err != nil {
			t.Errorf("the function's package: %v", err)
		}
	}
}

// deploy makes a function, by way of the registry.
func deploy(t *testing.T, a *App) {
	t.Helper()
	root := &api.Caller{Kind: api.Root, Account: a.Config.Account, Region: a.Config.Region}
	root.Principal.ARN, root.Principal.Account, root.Principal.Root = "arn:aws:iam::"+a.Config.Account+":root", a.Config.Account, true
	ctx := api.WithCaller(t.Context(), root)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	role, err := api.Call[iam.CreateRoleOutput](ctx, a.registry, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap"}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("#!/bin/sh\n"))
	w.Close()
	_, err = api.Call[lambda.CreateFunctionOutput](ctx, a.registry, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: role.Role.Arn, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: b.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
}
