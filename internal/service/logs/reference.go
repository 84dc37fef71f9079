package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/api"
	"redoubt/internal/arn"
)

// A reference names a group of any account.
type reference struct{ account, region, name string }

// arn is the ARN of the group, without the :* that stands for its streams.
func (r reference) arn() string {
	return "arn:aws:logs:" + r.region + ":" + r.account + ":log-group:" + r.name
}

// own is the group of that name in the account and region of the caller.
func own(ctx context.Context, name string) reference {
	c := api.CallerOf(ctx)
	return reference{c.Account, c.Region, name}
}

// identified reads a group's name or its ARN.
func identified(ctx context.Context, identifier string) reference {
	if !strings.HasPrefix(identifier, "arn:") {
		return own(ctx, identifier)
	}
	a, err := arn.Parse(identifier)
	group, ok := strings.CutPrefix(a.Resource, "log-group:")
	if err != nil || !ok || a.Service != name {
		return own(ctx, "")
	}
	return reference{a.Account, a.Region, strings.TrimSuffix(group, ":*")}
}

// either reads the two fields in which reads take a group: its name, or its identifier.
func either(ctx context.Context, name, identifier *string) reference {
	if identifier != nil {
		return identified(ctx, *identifier)
	}
	return own(ctx, aws.ToString(name))
}

// mustBeOne refuses a group that is named twice, or not at all, or in a form that reads do not take.
func mustBeOne(ctx context.Context, name, identifier *string) error {
	switch {
	case name != nil && identifier != nil:
		return invalid("You must specify either logGroupName or logGroupIdentifier, but not both.")
	case name == nil && identifier == nil:
		return invalid("You must specify either logGroupName or logGroupIdentifier.")
	case identifier != nil:
		return validIdentifier(ctx, *identifier)
	}
	return nil
}

// validIdentifier refuses what names no group, and groups of other regions, which AWS does not look for.
func validIdentifier(ctx context.Context, identifier string) error {
	r := identified(ctx, identifier)
	if r.name == "" || strings.ContainsAny(r.name, ":*") || strings.HasSuffix(identifier, "*") {
		return invalid("The specified logGroupIdentifier is not valid: %s", identifier)
	}
	if r.region != api.CallerOf(ctx).Region {
		return noGroup()
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: message(format, args)}
}

func noGroup() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
}

func noStream() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified log stream does not exist.")}
}
