package lambda_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/sandbox"
)

// linkTo packs a symbolic link.
func linkTo(t *testing.T, target string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "link"}
	h.SetMode(fs.ModeSymlink | 0o777)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(target)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackageThatNoSandboxWouldUnpackIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("f", provided(t))
	role := w.role("role")
	for name, c := range map[string]struct {
		code   []byte
		reason string
	}{
		"escaping name": {files{"../x": "x"}.zip(), "(unpacking \"../x\": not a relative path within the archive)"},
		"escaping link": {linkTo(t, "/etc/passwd"), "(unpacking \"link\": symbolic link leaves the archive)"},
		"many entries":  {[]byte(strings.Repeat("PK\x01\x02", sandbox.MaxEntries+1)), "(more than 200000 entries)"},
	} {
		want := "Could not unzip uploaded file. Please check your file, then try to upload again. " + c.reason
		_, err := w.lambda.CreateFunction(w.ctx, &lambda.CreateFunctionInput{
			FunctionName: aws.String("new"), Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Code: &types.FunctionCode{ZipFile: c.code},
		})
		t.Run(name+" at creation", func(t *testing.T) { wantError(t, err, "InvalidParameterValueException", want) })
		_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: c.code})
		t.Run(name+" at an update", func(t *testing.T) { wantError(t, err, "InvalidParameterValueException", want) })
	}
	if _, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: linkTo(t, "/opt/lib/x")}); err != nil {
		t.Error("a link to a layer:", err)
	}
}
