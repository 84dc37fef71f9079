package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"redoubt/internal/app"
	"redoubt/internal/network"
)

func serveCommand() *command {
	return &command{
		name: "serve", summary: "Starts the server: all services, on one address, with everything enforced.",
		usage: "[flags]",
		help: `It keeps everything it knows, encrypted, in one data directory, and makes an account with an administrator at its
first start. 'redoubt env' prints what a client needs. SIGTERM or Ctrl-C drains: calls and invocations in flight finish.

Functions reach nothing but this server. --egress opens the network for them, a rule at a time: TARGET[:PORT[-PORT]][/tcp|/udp]
where TARGET is
  internet               all public addresses
  10.0.0.0/8, [fd00::]/8 addresses; without a port, all of TCP and UDP
  127.0.0.1, [::1]       the loopback of this machine, at the same address inside; needs a port
  example.com, *.a.org   whatever addresses a name has; only these names are resolved then
Metadata services of clouds, link-local addresses and other functions are never reached; this machine only by its address alone.`,
		setup: setupServe,
	}
}

func setupServe(flags *flag.FlagSet) func(context.Context, terminal, []string) error {
	cfg := app.Config{Runtimes: map[string]string{}}
	var level slog.Level
	dataFlag(flags, &cfg.Data)
	sealFlag(flags, &cfg.Seal)
	flags.StringVar(&cfg.Listen, "listen", app.DefaultListen, "listen on `ADDR`")
	flags.StringVar(&cfg.Region, "region", app.DefaultRegion, "serve the region `NAME`")
	flags.StringVar(&cfg.Account, "account", "", "make the account `NUMBER` at the first start; default: "+app.DefaultAccount)
	flags.Var(runtimes(cfg.Runtimes), "runtime", "run a runtime with an interpreter, `NAME=PATH`, such as python3.12=/opt/py/bin/python3; repeated, or separated by commas")
	flags.Var((*egress)(&cfg.Egress), "egress", "let functions reach what `RULE` says, such as internet:443, 10.0.0.0/8:5432, 127.0.0.1:5432 or example.com:443; repeated, or separated by commas; default: nothing")
	flags.StringVar(&cfg.TLSCert, "tls-cert", "", "take the server's certificate chain from `FILE`; default: one from a local authority in the data directory")
	flags.StringVar(&cfg.TLSKey, "tls-key", "", "take the certificate's key from `FILE`")
	flags.BoolVar(&cfg.InsecureHTTP, "insecure-http", false, "speak plain HTTP; refused unless --listen is a loopback address")
	flags.BoolVar(&cfg.AllowWeakSandbox, "allow-weaker-sandbox", false, "run functions even where the kernel cannot give every layer of the sandbox")
	flags.BoolVar(&cfg.RecordData, "record-data-events", false, "keep calls of the data plane, such as lambda:Invoke, in CloudTrail's history too")
	flags.TextVar(&level, "log", slog.LevelWarn, "log to standard error from `LEVEL` on: debug (a line for each call), info, warn, error")
	return func(ctx context.Context, t terminal, args []string) error {
		if err := noArguments(args); err != nil {
			return err
		}
		if err := harden(); err != nil {
			return fmt.Errorf("forbidding core files: %w", err)
		}
		cfg.Log = slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: level}))
		return app.Run(ctx, cfg, func(a *app.App, c *app.Client) { announce(t.out, a, c) })
	}
}

// announce tells whoever started the server where it is, and the one line that connects a client.
func announce(w io.Writer, a *app.App, c *app.Client) {
	fmt.Fprintf(w, "Redoubt %s is listening on %s\n", versionText(), c.Endpoint)
	fmt.Fprintf(w, "  data     %s\n", a.Config.Data)
	fmt.Fprintf(w, "  account  %s, region %s\n", c.Account, c.Region)
	if len(a.Config.Egress) > 0 {
		fmt.Fprintf(w, "  egress   functions reach %s\n", strings.Join(a.Config.Egress, ", "))
	}
	for _, weak := range a.Weak {
		fmt.Fprintf(w, "  WEAKER SANDBOX  %s: %s. Remedy: %s\n", weak.Layer, weak.Protects, weak.Remedy)
	}
	fmt.Fprintf(w, "\nConnect a client, in another terminal:\n\n  %s\n\n", envLine(a.Config.Data, a.Config.Seal))
}

// envLine is the line that sets up a client, as it has to be typed given how this program was started.
func envLine(data, seal string) string {
	self := "redoubt"
	if exe, err := os.Executable(); err == nil {
		self = exe
		if strings.Contains(exe, "go-build") {
			self = "go run ./cmd/redoubt"
		}
	}
	args := ""
	if standard, err := app.DefaultData(); err != nil || standard != data {
		args += " --data " + quoted(data)
	}
	if seal != "" {
		args += " --seal " + quoted(seal)
	}
	return fmt.Sprintf(`eval "$(%s env%s)"`, self, args)
}

// runtimes is the flag --runtime.
type runtimes map[string]string

func (r runtimes) String() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		all = append(all, name+"="+r[name])
	}
	return strings.Join(all, ",")
}

func (r runtimes) Set(s string) error {
	for pair := range strings.SplitSeq(s, ",") {
		name, path, ok := strings.Cut(pair, "=")
		if !ok || name == "" || path == "" {
			return errors.New("want NAME=PATH")
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		r[name] = path
	}
	return nil
}

// egress is the flag --egress.
type egress []string

func (e *egress) String() string { return strings.Join(*e, ",") }

func (e *egress) Set(s string) error {
	for text := range strings.SplitSeq(s, ",") {
		if _, err := network.ParseRule(text); err != nil {
			return err
		}
		*e = append(*e, text)
	}
	return nil
}

func dataFlag(flags *flag.FlagSet, p *string) {
	flags.StringVar(p, "data", "", "keep everything in `DIR`; default: $XDG_DATA_HOME/redoubt, or ~/.local/share/redoubt")
}

func sealFlag(flags *flag.FlagSet, p *string) {
	flags.StringVar(p, "seal", "", "open the root key with what `URL` names: file:///PATH, passphrase:, hashivault://KEY, awskms://KEY; default: a key file in the data directory")
}
