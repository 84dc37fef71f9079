package cli

import (
	"context"
	"errors"
	"flag"

	"redoubt/internal/policyeval"
)

func policyCommand() *command {
	return &command{
		name: "policy", summary: "Works with IAM policies, without a server.",
		sub: []*command{{
			name: "eval", summary: "Decides requests, one JSON object a line: policy tests for CI.",
			usage: "< requests > decisions",
			help: `Each line of standard input is an object with: id, principal (an ARN, or {"service": "s3.amazonaws.com"}), action,
resource, resourceAccount, context {key: string or list}, identityPolicies [documents], resourcePolicy,
permissionsBoundary, sessionPolicies [documents], serviceControlPolicies and resourceControlPolicies
[[documents of one level], ...] root first, endpointPolicy.

Each line of standard output answers one: id, decision (allowed, explicitDeny or implicitDeny), by (the statements that
decided). A malformed line is answered with id and error, and makes the exit code 1.`,
			setup: func(*flag.FlagSet) func(context.Context, terminal, []string) error { return evalPolicies },
		}},
	}
}

func evalPolicies(ctx context.Context, t terminal, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	malformed, err := policyeval.Run(ctx, t.in, t.out)
	if err == nil && malformed > 0 {
		return errors.New("") // each malformed line has its own error already
	}
	return err
}
