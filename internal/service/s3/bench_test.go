package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

func BenchmarkPut1KiB(b *testing.B) { benchmarkPut(b, 1<<10) }

func BenchmarkPut64MiB(b *testing.B) { benchmarkPut(b, 64<<20) }

func benchmarkPut(b *testing.B, size int) {
	c := start(b)
	name := bucket(b, c)
	data := random(size)
	b.SetBytes(int64(size))
	b.SetParallelism(8)
	b.ResetTimer()
	if size > 1<<20 {
		for b.Loop() {
			putBytes(b, c, name, "k", data)
		}
		return
	}
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			putBytes(b, c, name, fmt.Sprintf("k%d", i), data)
		}
	})
}

func putBytes(b *testing.B, c *s3.Client, name *string, key string, data []byte) {
	if _, err := c.PutObject(b.Context(), &s3.PutObjectInput{Bucket: name, Key: &key, Body: bytes.NewReader(data)}); err != nil {
		b.Error(err)
	}
}

func BenchmarkGet1KiB(b *testing.B) { benchmarkGet(b, 1<<10) }

func BenchmarkGet64MiB(b *testing.B) { benchmarkGet(b, 64<<20) }

func benchmarkGet(b *testing.B, size int) {
	c := start(b)
	name := bucket(b, c)
	putBytes(b, c, name, "k", random(size))
	b.SetBytes(int64(size))
	b.SetParallelism(8)
	b.ResetTimer()
	read := func() {
		out, err := c.GetObject(b.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("k")})
		if err != nil {
			b.Error(err)
			return
		}
		if _, err := io.Copy(io.Discard, out.Body); err != nil {
			b.Error(err)
		}
		out.Body.Close()
	}
	if size > 1<<20 {
		for b.Loop() {
			read()
		}
		return
	}
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			read()
		}
	})
}

// BenchmarkList1000 lists pages of a bucket with 20,000 keys, and what has a common prefix.
func BenchmarkList1000(b *testing.B) {
	c := start(b)
	name := bucket(b, c)
	var group errgroup.Group
	group.SetLimit(32)
	for i := range 20_000 {
		group.Go(func() error {
			_, err := c.PutObject(b.Context(), &s3.PutObjectInput{Bucket: name, Key: aws.String(fmt.Sprintf("%05d/%d", i, i)), Body: bytes.NewReader(nil)})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	for _, delimiter := range []string{"", "/"} {
		b.Run("delimiter"+delimiter, func(b *testing.B) {
			for b.Loop() {
				out, err := c.ListObjectsV2(b.Context(), &s3.ListObjectsV2Input{Bucket: name, Delimiter: &delimiter, StartAfter: aws.String("10000")})
				if err != nil || *out.KeyCount != 1000 {
					b.Fatal(err)
				}
			}
		})
	}
}
