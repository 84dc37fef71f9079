package s3

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// maxCORS is how many rules a bucket has at most (AmazonS3/latest/userguide/ManageCorsUsing.html).
const maxCORS = 100

var corsMethods = []string{"GET", "PUT", "POST", "DELETE", "HEAD"}

// GetBucketCors shows from where browsers may use a bucket.
func (s *Service) GetBucketCors(ctx context.Context, in *s3.GetBucketCorsInput) (*s3.GetBucketCorsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.CORS) == 0 {
		return nil, refuse("NoSuchCORSConfiguration")
	}
	return &s3.GetBucketCorsOutput{CORSRules: b.CORS}, nil
}

// PutBucketCors sets it.
func (s *Service) PutBucketCors(ctx context.Context, in *s3.PutBucketCorsInput) (*s3.PutBucketCorsOutput, error) {
	c := in.CORSConfiguration
	if c == nil || len(c.CORSRules) == 0 || len(c.CORSRules) > maxCORS {
		return nil, refuse("MalformedXML")
	}
	for _, r := range c.CORSRules {
		if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 {
			return nil, refuse("MalformedXML")
		}
		for _, m := range r.AllowedMethods {
			if !slices.Contains(corsMethods, m) {
				return nil, refusef("InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
			}
		}
		for _, o := range r.AllowedOrigins {
			if strings.Count(o, "*") > 1 {
				return nil, refusef("InvalidRequest", `AllowedOrigin "%s" can not have more than one wildcard.`, o)
			}
		}
		for _, h := range r.AllowedHeaders {
			if strings.Count(h, "*") > 1 {
				return nil, refusef("InvalidRequest", `AllowedHeader "%s" can not have more than one wildcard.`, h)
			}
		}
	}
	return &s3.PutBucketCorsOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.CORS = c.CORSRules
		return nil
	})
}

// DeleteBucketCors removes it.
func (s *Service) DeleteBucketCors(ctx context.Context, in *s3.DeleteBucketCorsInput) (*s3.DeleteBucketCorsOutput, error) {
	return &s3.DeleteBucketCorsOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.CORS = nil
		return nil
	})
}

// CrossOrigin returns the headers that let a browser use the answer to a request from another origin: for a preflight with
// the headers that it asks about. The error is S3's refusal of a preflight.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
func (s *Service) CrossOrigin(ctx context.Context, bucket, origin, method string, headers []string, preflight bool) (http.Header, error) {
	b, err := s.find(ctx, bucket)
	if err != nil {
		return nil, err
	}
	if b == nil || len(b.CORS) == 0 {
		return nil, refusef("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
	}
	for i := range b.CORS {
		r := &b.CORS[i]
		if slices.ContainsFunc(r.AllowedOrigins, func(p string) bool { return wild(p, origin) }) && slices.Contains(r.AllowedMethods, method) && allHeaders(r, headers) {
			return corsHeaders(r, origin, headers, preflight), nil
		}
	}
	return nil, refusef("AccessForbidden", "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.")
}

func corsHeaders(r *types.CORSRule, origin string, headers []string, preflight bool) http.Header {
	h := http.Header{"Vary": {"Origin, Access-Control-Request-Headers, Access-Control-Request-Method"}}
	h.Set("Access-Control-Allow-Methods", strings.Join(r.AllowedMethods, ", "))
	if slices.Contains(r.AllowedOrigins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(r.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(r.ExposeHeaders, ", "))
	}
	if preflight && len(headers) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.ToLower(strings.Join(headers, ", ")))
	}
	if preflight && aws.ToInt32(r.MaxAgeSeconds) > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(*r.MaxAgeSeconds)))
	}
	return h
}

func allHeaders(r *types.CORSRule, asked []string) bool {
	for _, h := range asked {
		if !slices.ContainsFunc(r.AllowedHeaders, func(p string) bool { return wild(strings.ToLower(p), strings.ToLower(h)) }) {
			return false
		}
	}
	return true
}

// wild matches a pattern with at most one star.
func wild(pattern, s string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	return len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
}
