package lambda

import (
	"context"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/arn"
)

// latest is the qualifier of the version that can be changed.
const latest = "$LATEST"

// maxName is the limit for the name alone; the API's own limit of 140 is for all of an ARN.
const maxName = 64

// A reference is a function as a request names it.
type reference struct {
	Account, Region, Name string
	Qualifier             string // "" if the request names none
}

// nameForm takes apart the four forms of a name: name, account:function:name, the same with a region before it, and an ARN;
// each with or without :qualifier.
var nameForm = regexp.MustCompile(`^(?:arn:[a-zA-Z-]+:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9_-]+)(?::(\$LATEST|[a-zA-Z0-9_-]+))?$`)

// refer reads a name and the qualifier given beside it.
func refer(ctx context.Context, name, qualifier *string) (reference, error) {
	c := api.CallerOf(ctx)
	m := nameForm.FindStringSubmatch(aws.ToString(name))
	if m == nil {
		return reference{}, invalid("Invalid function name: %s", aws.ToString(name))
	}
	r := reference{Account: m[2], Region: m[1], Name: m[3], Qualifier: m[4]}
	if r.Account == "" {
		r.Account = c.Account
	}
	if r.Region == "" {
		r.Region = c.Region
	}
	if len(r.Name) > maxName {
		return r, api.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", r.Name, maxName)
	}
	if q := aws.ToString(qualifier); q != "" {
		if r.Qualifier != "" && r.Qualifier != q {
			return r, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		r.Qualifier = q
	}
	return r, nil
}

// base is the ARN without a qualifier.
func (r reference) base() string {
	return arn.ARN{Partition: "aws", Service: "lambda", Region: r.Region, Account: r.Account, Resource: "function:" + r.Name}.String()
}

// String is the ARN as the request qualified it.
func (r reference) String() string {
	if r.Qualifier == "" {
		return r.base()
	}
	return r.base() + ":" + r.Qualifier
}

// check refuses what this server cannot have: other regions.
func (r reference) check(ctx context.Context) error {
	if here := api.CallerOf(ctx).Region; r.Region != here {
		return &types.ResourceNotFoundException{
			Type:    aws.String("User"),
			Message: aws.String(fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", r.Region, here)),
		}
	}
	return nil
}

func (r reference) notFound() error {
	return &types.ResourceNotFoundException{Type: aws.String("User"), Message: aws.String("Function not found: " + r.String())}
}
