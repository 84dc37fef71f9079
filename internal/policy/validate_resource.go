package policy

import (
	"fmt"
	"slices"
	"strings"
)

// partitions of AWS that a resource may name; a pattern with wildcards may name several.
var partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}

// iamPaths is what may begin the resource part of an IAM ARN.
var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
	"sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// legacyResource tells whether IAM's older parser fails on a resource: some but not all of the six fields, with an
// empty one among them; a policy variable before the resource part; and in a session policy any incomplete ARN.
func legacyResource(resource string, kind Kind, variables bool) bool {
	if resource == "*" || !strings.Contains(resource, ":") {
		return false
	}
	fields := strings.SplitN(resource, ":", 6)
	if variables && strings.Contains(strings.Join(fields[:min(5, len(fields))], ":"), "${") {
		return true
	}
	if len(fields) < 6 {
		return strings.Contains(resource, "::") && fields[0] == "arn" || kind == Session
	}
	return fields[2] == "" && slices.Contains(partitions, fields[1])
}

// checkResourceARN wants "*" or an ARN. IAM completes an ARN that ends early.
func checkResourceARN(resource string) string {
	if resource == "*" {
		return ""
	}
	first, rest, found := strings.Cut(resource, ":")
	if !found {
		return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", resource)
	}
	partition, rest, hasVendor := strings.Cut(rest, ":")
	if !hasWildcard(partition) && !slices.Contains(partitions, partition) {
		return wrongPartition(partition, rest)
	}
	if first != "arn" {
		return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", resource)
	}
	vendor, rest, _ := strings.Cut(rest, ":")
	if !hasVendor || hasWildcard(vendor) {
		return "Resource vendor must be fully qualified and cannot contain regexes."
	}
	region, rest, _ := strings.Cut(rest, ":")
	account, path, hasPath := strings.Cut(rest, ":")
	switch vendor {
	case "iam":
		return checkIAMResource(resource, region, path, hasPath)
	case "s3":
		// Access points and batch jobs live in a region and an account; buckets and objects in neither.
		if region != "" && account == "" && !hasWildcard(region) && hasPath {
			return fmt.Sprintf("Resource %s can not contain region information.", resource)
		}
	}
	return ""
}

func checkIAMResource(resource, region, path string, hasPath bool) string {
	if region != "" && !hasWildcard(region) {
		return fmt.Sprintf("IAM resource %s cannot contain region information.", resource)
	}
	if !hasPath || path == "*" || slices.ContainsFunc(iamPaths, func(p string) bool { return strings.HasPrefix(path, p) }) {
		return ""
	}
	return `IAM resource path must either be "*" or start with ` + strings.Join(iamPaths, ", ") + "."
}

// wrongPartition shows the resource the way IAM completed it.
func wrongPartition(partition, rest string) string {
	fields := strings.SplitN(rest, ":", 4)
	if len(fields) == 1 && fields[0] == "" {
		fields[0] = "*"
	}
	for len(fields) < 4 {
		fields = append(fields, "*")
	}
	return fmt.Sprintf("Partition %q is not valid for resource \"arn:%s:%s\".", partition, partition, strings.Join(fields, ":"))
}

func hasWildcard(s string) bool { return strings.ContainsAny(s, "*?") }
