// Package arn parses and builds Amazon Resource Names.
package arn

import (
	"fmt"
	"strings"
)

// ARN is the six fields of an Amazon Resource Name. Resource is everything after the fifth colon and may hold
// colons and slashes of its own.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// Parse splits an ARN into its fields. Partition, service and resource must not be empty; region and account may be.
func Parse(s string) (ARN, error) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, fmt.Errorf("%q is not an ARN: it does not start with \"arn:\"", s)
	}
	var fields [4]string
	for i := range fields {
		if fields[i], rest, ok = strings.Cut(rest, ":"); !ok {
			return ARN{}, fmt.Errorf("%q is not an ARN: it has fewer than six fields", s)
		}
	}
	a := ARN{Partition: fields[0], Service: fields[1], Region: fields[2], Account: fields[3], Resource: rest}
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, fmt.Errorf("%q is not an ARN: partition, service and resource must not be empty", s)
	}
	return a, nil
}

// String joins the fields again. String of a parsed ARN is the text it was parsed from.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Split divides the resource at its first slash or colon into a type and a name: "role/dev/R" is "role" and "dev/R",
// "function:f" is "function" and "f". A resource without either is all name, as an S3 bucket's is.
func (a ARN) Split() (kind, name string) {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i], a.Resource[i+1:]
	}
	return "", a.Resource
}
