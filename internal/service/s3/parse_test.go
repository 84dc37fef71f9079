package s3

import (
	"bytes"
	"hash/crc32"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/minio/crc64nvme"
)

func TestCRCsOfPartsAreCombined(t *testing.T) {
	data := bytes.Repeat([]byte("some text, and more of it "), 1000)
	for _, cut := range []int{0, 1, 7, 4096, len(data) - 1, len(data)} {
		a, b := data[:cut], data[cut:]
		if got, want := combine(crc32.IEEE, uint64(crc32.ChecksumIEEE(a)), uint64(crc32.ChecksumIEEE(b)), int64(len(b))), uint64(crc32.ChecksumIEEE(data)); got != want {
			t.Errorf("CRC32 cut at %d: %x, not %x", cut, got, want)
		}
		table := crc32.MakeTable(crc32.Castagnoli)
		if got, want := combine(crc32.Castagnoli, uint64(crc32.Checksum(a, table)), uint64(crc32.Checksum(b, table)), int64(len(b))), uint64(crc32.Checksum(data, table)); got != want {
			t.Errorf("CRC32C cut at %d: %x, not %x", cut, got, want)
		}
		if got, want := combine(polynomials["CRC64NVME"], crc64nvme.Checksum(a), crc64nvme.Checksum(b), int64(len(b))), crc64nvme.Checksum(data); got != want {
			t.Errorf("CRC64NVME cut at %d: %x, not %x", cut, got, want)
		}
	}
}

func TestPublicPoliciesAreRecognised(t *testing.T) {
	for statement, want := range map[string]bool{
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`:                                                                                    true,
		`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*"}`:                                                                            true,
		`{"Effect":"Allow","Principal":{"AWS":["123456789012","*"]},"Action":"s3:GetObject","Resource":"*"}`:                                                           true,
		`{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"*"}`:                                                              true,
		`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}`:                                                                                     false,
		`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"*"}`:                                                                 false,
		`{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"*"}`:                                                 false,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`:                            false,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/0"]}}}`:              true,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`:                          false,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}}`:                            true,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}}`:                  true,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}}`:                          true,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a"}}}`:                                     true,
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-1/r-1/ou-1/"}}}`: false,
	} {
		for _, text := range []string{`{"Statement":[` + statement + `]}`, `{"Statement":` + statement + `}`} {
			if got := isPublic(text); got != want {
				t.Errorf("%s: %v", text, got)
			}
		}
	}
}

func TestExpiryIsAtMidnight(t *testing.T) {
	at := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	if got := due(at, 3); !got.Equal(time.Date(2026, 1, 19, 0, 0, 0, 0, time.UTC)) { // the example of intro-lifecycle-rules
		t.Errorf("due %v", got)
	}
}

func FuzzSources(f *testing.F) {
	for _, s := range []string{"b/k", "/b/k%20a?versionId=x", "b", "%zz/k", "arn:aws:s3:::b/k"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseSource(&text)
		if (err == nil) != (n.bucket != "" && n.key != "") {
			t.Errorf("%q: %+v, %v", text, n, err)
		}
	})
}

func FuzzRanges(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=9223372036854775807-", "bytes=--1"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		p, err := parseRange(text, size)
		if err == nil && (p.offset < 0 || p.length < 0 || p.offset+p.length > size || p.partial && p.length == 0) {
			t.Errorf("%q of %d: %+v", text, size, p)
		}
	})
}

func FuzzTagging(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a", "%zz=1", "=1", "a=1&a=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := parseTagging(text)
		if err == nil {
			for _, tag := range tags {
				if aws.ToString(tag.Key) == "" {
					t.Errorf("%q: a tag without a key", text)
				}
			}
		}
	})
}

func FuzzPublic(f *testing.F) {
	f.Add(`{"Statement":{"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["1.2.3.4/8"]}}}}`)
	f.Fuzz(func(_ *testing.T, text string) {
		isPublic(text)
		ownResources(text, "b")
	})
}
