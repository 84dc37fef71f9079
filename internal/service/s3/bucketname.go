package s3

import (
	"net/netip"
	"regexp"
	"strings"
)

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Names that begin or end so are AWS's own.
var reservedPrefixes, reservedSuffixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}, []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}

// validBucketName follows the rules for general purpose buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validBucketName(name string) bool {
	if !bucketForm.MatchString(name) || strings.Contains(name, "..") {
		return false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	for _, p := range reservedSuffixes {
		if strings.HasSuffix(name, p) {
			return false
		}
	}
	return true
}
