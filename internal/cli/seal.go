package cli

import (
	"context"
	"flag"
	"fmt"

	"redoubt/internal/app"
)

func sealCommand() *command {
	return &command{
		name: "seal", summary: "Manages the root key that seals all data.",
		sub: []*command{{
			name: "rotate", summary: "Puts a new root key in place of the old one, without rewriting data.",
			usage: "[flags]",
			help:  "Only the data keys are wrapped anew. A server may be running: it goes on with the keys it has opened.",
			setup: setupSealRotate,
		}},
	}
}

func setupSealRotate(flags *flag.FlagSet) func(context.Context, terminal, []string) error {
	var data, url string
	dataFlag(flags, &data)
	sealFlag(flags, &url)
	return func(ctx context.Context, t terminal, args []string) error {
		if err := noArguments(args); err != nil {
			return err
		}
		if err := app.RotateRoot(ctx, data, url); err != nil {
			return err
		}
		_, err := fmt.Fprintln(t.out, "The root key is new.")
		return err
	}
}
