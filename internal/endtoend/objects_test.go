//go:build linux

package endtoend

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

func (s *server) objects() *s3.Client {
	return s3.NewFromConfig(s.client(nil).cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

const objectBucket = "survivors"

// TestUploadsSurviveKill kills a server amid uploads in parts. What was acknowledged is there and is what was sent, what was
// not is not half there; and once all is deleted nothing of it is left on the disk.
func TestUploadsSurviveKill(t *testing.T) {
	h := newHome(t)
	s := h.serve()
	_, err := s.objects().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(objectBucket)})
	must(t, err)
	kept := map[string]string{} // key to MD5 of what was acknowledged
	workers := 8
	if campaign(t, 0) > 0 {
		workers = 200
	}
	for round := range 2 {
		var all sync.WaitGroup
		var mu sync.Mutex
		warm := make(chan struct{}, workers)
		for n := range workers {
			all.Go(func() {
				c := s.objects()
				for i := 0; ; i++ {
					key := fmt.Sprintf("%d-%d-%d", round, n, i)
					sum, err := uploadObject(t.Context(), c, key)
					if err != nil {
						return // the server is gone
					}
					mu.Lock()
					kept[key] = sum
					mu.Unlock()
					select {
					case warm <- struct{}{}:
					default:
					}
				}
			})
		}
		<-warm
		<-time.After(time.Duration(200+rand.IntN(600)) * time.Millisecond) // the moment is of no matter
		s.kill()
		all.Wait()
		s = h.serve()
		checkObjects(t, s.objects(), kept)
	}
	t.Logf("%d objects were acknowledged", len(kept))
	removeObjects(t, s.objects())
	s.stop()
	age(t, filepath.Join(h.data, "blobs"))
	s = h.serve() // which sweeps
	eventually(t, func() bool { return len(blobFiles(t, h)) == 0 }, func() string {
		return fmt.Sprintf("files are left: %v", blobFiles(t, h))
	})
	s.stop()
}

// uploadObject uploads two parts, the second of them small, and returns the MD5 of both together.
func uploadObject(ctx context.Context, c *s3.Client, key string) (string, error) {
	bucket := aws.String(objectBucket)
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key})
	if err != nil {
		return "", err
	}
	sum := md5.New()
	done := &types.CompletedMultipartUpload{}
	for n, size := range []int{5 << 20, 100} {
		data := bytes.Repeat([]byte(key+"\n"), size/(len(key)+1)+1)[:size]
		sum.Write(data)
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(int32(n + 1)), Body: bytes.NewReader(data)})
		if err != nil {
			return "", err
		}
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: aws.Int32(int32(n + 1)), ETag: part.ETag})
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: up.UploadId, MultipartUpload: done})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func readObject(ctx context.Context, c *s3.Client, key string) (string, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(objectBucket), Key: &key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	sum := md5.New()
	_, err = io.Copy(sum, out.Body)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// checkObjects reads all that was acknowledged, and all else that is listed: that must be whole as well.
func checkObjects(t *testing.T, c *s3.Client, kept map[string]string) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(8)
	seen := map[string]bool{}
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(objectBucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, o := range page.Contents {
			seen[*o.Key] = true
			group.Go(func() error {
				sum, err := readObject(t.Context(), c, *o.Key)
				if want := kept[*o.Key]; err != nil || want != "" && sum != want {
					t.Errorf("%s: %v, MD5 %s in place of %q", *o.Key, err, sum, want)
				}
				return nil
			})
		}
	}
	must(t, group.Wait())
	for key := range kept {
		if !seen[key] {
			t.Errorf("%s was acknowledged, and is gone", key)
		}
	}
}

// removeObjects deletes everything, and gives up what was being uploaded.
func removeObjects(t *testing.T, c *s3.Client) {
	t.Helper()
	bucket := aws.String(objectBucket)
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, o := range page.Contents {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: o.Key})
			must(t, err)
		}
	}
	uploads, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: bucket})
	must(t, err)
	for _, u := range uploads.Uploads {
		_, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: bucket, Key: u.Key, UploadId: u.UploadId})
		must(t, err)
	}
	_, err = c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
	must(t, err)
}

func blobFiles(t *testing.T, h *home) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(h.data, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	must(t, err)
	return files
}

// age makes files as old as those that a sweep removes.
func age(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, old, old)
	}))
}

// streaming is the client without its limit of time, which is for whole answers.
func streaming(cfg aws.Config) *http.Client {
	c := *cfg.HTTPClient.(*http.Client)
	c.Timeout = 0
	return &c
}

// zeros is a body that takes no memory.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestMemoryStaysFlatWhileAnObjectStreams puts and gets an object far larger than what the server may take for it.
func TestMemoryStaysFlatWhileAnObjectStreams(t *testing.T) {
	size := int64(384 << 20)
	if campaign(t, 0) > 0 {
		size = 5 << 30
	}
	s := newHome(t).serve()
	cfg := s.client(nil).cfg
	c := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle, o.RequestChecksumCalculation = true, aws.RequestChecksumCalculationWhenRequired
		o.HTTPClient = streaming(cfg)
	}, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	bucket, key := aws.String("large"), aws.String("k")
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	must(t, err)
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("warm")})
	must(t, err)
	before := resident(t, s.pid())
	began := time.Now()
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: io.LimitReader(zeros{}, size), ContentLength: &size})
	must(t, err)
	up := time.Since(began)
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	must(t, err)
	n, err := io.Copy(io.Discard, out.Body)
	must(t, err)
	out.Body.Close()
	if n != size {
		t.Errorf("got %d bytes of %d", n, size)
	}
	grown := peak(t, s.pid()) - before
	t.Logf("%d MiB up in %v, up and down in %v; the server grew by %d MiB at most", size>>20, up, time.Since(began), grown>>20)
	if grown > 64<<20 {
		t.Errorf("the server grew by %d MiB", grown>>20)
	}
	s.stop()
}

// peak is the most memory that a process has had.
func peak(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	must(t, err)
	return kib << 10
}
