package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"redoubt/internal/app"
)

func envCommand() *command {
	return &command{
		name: "env", summary: "Prints the environment variables that connect the AWS CLI and SDKs to the server.",
		usage: `[flags]

  eval "$(redoubt env)"                                      sh, bash, zsh
  redoubt env --format fish | source                         fish
  redoubt env --format powershell | Out-String | iex         PowerShell`,
		help: `The credentials are those of the user "operator", an administrator of the first account. With --root they are the
root user's; with --account they are a session, of one hour, of the administrator's role in another account of the server.`,
		setup: setupEnv,
	}
}

func setupEnv(flags *flag.FlagSet) func(context.Context, terminal, []string) error {
	var data, seal, format, account string
	var asRoot bool
	dataFlag(flags, &data)
	sealFlag(flags, &seal)
	flags.StringVar(&format, "format", "sh", "print for `FORM`: sh, fish, powershell or json")
	flags.StringVar(&account, "account", "", "enter the account `NUMBER`, made with 'redoubt account create'")
	flags.BoolVar(&asRoot, "root", false, "give the root user's key: for when the administrator has locked itself out")
	return func(ctx context.Context, t terminal, args []string) error {
		if err := noArguments(args); err != nil {
			return err
		}
		write, ok := formats[format]
		if !ok {
			return usagef("--format %q is none of sh, fish, powershell, json", format)
		}
		c, err := client(ctx, data, seal)
		if err != nil {
			return err
		}
		vars, err := environment(ctx, c, account, asRoot)
		if err != nil {
			return err
		}
		return write(t.out, vars)
	}
}

// client reads how to reach the server of a data directory.
func client(ctx context.Context, data, seal string) (*app.Client, error) {
	if data == "" {
		var err error
		if data, err = app.DefaultData(); err != nil {
			return nil, err
		}
	}
	c, err := app.ReadClient(ctx, data, seal)
	if errors.Is(err, app.ErrNoServer) {
		return nil, fmt.Errorf("%w: start one with 'redoubt serve', or name another directory with --data DIR", err)
	}
	return c, err
}

// A variable to set, or to take away where the value is "".
type setting struct{ name, value string }

func environment(ctx context.Context, c *app.Client, account string, asRoot bool) ([]setting, error) {
	keys := c.Operator
	if asRoot {
		keys = c.Root
	}
	vars := []setting{{"AWS_ENDPOINT_URL", c.Endpoint}, {"AWS_REGION", c.Region}, {"AWS_DEFAULT_REGION", c.Region}}
	if c.CAFile != "" {
		vars = append(vars, setting{"AWS_CA_BUNDLE", c.CAFile})
	}
	if account == "" || account == c.Account {
		// A token that an earlier session left makes nothing but a refused signature of these keys.
		return append(vars, setting{"AWS_ACCESS_KEY_ID", keys.AccessKey}, setting{"AWS_SECRET_ACCESS_KEY", keys.SecretKey},
			setting{"AWS_SESSION_TOKEN", ""}), nil
	}
	session, err := assumeAdministrator(ctx, c, account)
	if err != nil {
		return nil, err
	}
	return append(vars, session...), nil
}

var formats = map[string]func(io.Writer, []setting) error{
	"sh": lines("unset ", "", func(s setting) string { return "export " + s.name + "=" + quoted(s.value) }),
	"fish": lines("set -e ", "", func(s setting) string {
		return "set -gx " + s.name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s.value) + "'"
	}),
	"powershell": lines("Remove-Item Env:", " -ErrorAction Ignore", func(s setting) string {
		return "$env:" + s.name + " = '" + strings.ReplaceAll(s.value, "'", "''") + "'"
	}),
	"json": func(w io.Writer, vars []setting) error {
		all := map[string]string{}
		for _, s := range vars {
			if s.value != "" {
				all[s.name] = s.value
			}
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(all)
	},
}

// lines sets one variable a line, or takes it away with the command that has its name between before and after.
func lines(before, after string, set func(setting) string) func(io.Writer, []setting) error {
	return func(w io.Writer, vars []setting) error {
		for _, s := range vars {
			line := before + s.name + after
			if s.value != "" {
				line = set(s)
			}
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		return nil
	}
}

// quoted is a word for a POSIX shell.
func quoted(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+=@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
