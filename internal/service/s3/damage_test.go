package s3_test

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestAFlippedBitIsAnErrorNeverData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: dir, Log: slog.New(slog.DiscardHandler)})
	c := client(server.Account(t))
	b := bucket(t, c)
	data := random(300_000)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: bytes.NewReader(data)})
	ok(t, err)
	var file string
	ok(t, filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			file = path
		}
		return err
	}))
	sealed, err := os.ReadFile(file)
	ok(t, err)
	if bytes.Contains(sealed, data[:64]) {
		t.Error("the object is readable on the disk")
	}
	for _, at := range []int{0, 20, 39, 40, 70_000, 200_000, len(sealed) - 1} {
		bad := bytes.Clone(sealed)
		bad[at] ^= 4
		ok(t, os.WriteFile(file, bad, 0o600))
		for _, asked := range []*string{nil, aws.String("bytes=65000-250000")} {
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), Range: asked})
			if err != nil {
				continue
			}
			got, err := io.ReadAll(out.Body)
			out.Body.Close()
			want := data
			if asked != nil {
				want = data[65000:250001]
			}
			if err == nil && !bytes.Equal(got, want) || !bytes.HasPrefix(want, got) || err == nil && asked == nil {
				t.Errorf("a bit flipped at %d: %d bytes, %v", at, len(got), err)
			}
		}
	}
	ok(t, os.WriteFile(file, sealed[:len(sealed)-65536], 0o600))
	if err := tryGet(t, c, b, "k"); err == nil {
		t.Error("a file that was cut is read")
	}
	ok(t, os.WriteFile(file, sealed, 0o600))
	same(t, []byte(get(t, c, b, "k")), data)
}
