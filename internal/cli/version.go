package cli

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version in development; see CHANGELOG.md.
const release = "0.1.0-dev"

func versionCommand() *command {
	return &command{
		name: "version", summary: "Prints the version.",
		setup: func(*flag.FlagSet) func(context.Context, terminal, []string) error {
			return func(_ context.Context, t terminal, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				_, err := fmt.Fprintf(t.out, "redoubt %s %s/%s %s\n", versionText(), runtime.GOOS, runtime.GOARCH, runtime.Version())
				return err
			}
		},
	}
}

// versionText is the release, with the commit where the build knows it.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return release + "+" + s.Value[:12]
		}
	}
	return release
}
