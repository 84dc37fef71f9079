// Package cli is the redoubt command: a file for each subcommand.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// Exit codes: usage errors are told apart from everything else.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// A terminal is what a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// A command is a subcommand, or a group of them.
type command struct {
	name    string
	summary string // one line
	usage   string // what follows the name
	help    string // paragraphs
	sub     []*command
	// setup declares the flags and returns what runs after they are parsed.
	setup func(*flag.FlagSet) func(ctx context.Context, t terminal, args []string) error
}

func root() *command {
	return &command{
		name: "redoubt", summary: "Runs AWS Lambda functions on your own machines, with everything that secures them enforced.",
		sub: []*command{serveCommand(), envCommand(), accountCommand(), policyCommand(), sealCommand(), versionCommand()},
	}
}

// Main runs the command line and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return run(ctx, root(), nil, args, terminal{in, out, errOut})
}

// errUsage marks a mistake in the command line.
type errUsage struct{ message string }

func (e errUsage) Error() string { return e.message }

func usagef(format string, args ...any) error { return errUsage{fmt.Sprintf(format, args...)} }

func run(ctx context.Context, c *command, path []string, args []string, t terminal) int {
	path = append(path, c.name)
	if c.setup == nil {
		return runGroup(ctx, c, path, args, t)
	}
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	do := c.setup(flags)
	if err := fromEnvironment(flags); err != nil {
		return complain(t, path, err)
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		printHelp(t.out, c, path, flags)
		return exitOK
	case err != nil:
		return complain(t, path, usagef("%v", err))
	}
	return complain(t, path, do(ctx, t, flags.Args()))
}

func runGroup(ctx context.Context, c *command, path, args []string, t terminal) int {
	if len(args) > 0 {
		i := slices.IndexFunc(c.sub, func(s *command) bool { return s.name == args[0] })
		switch {
		case i >= 0:
			return run(ctx, c.sub[i], path, args[1:], t)
		case slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]):
			printHelp(t.out, c, path, nil)
			return exitOK
		}
		return complain(t, path, usagef("there is no command %q", args[0]))
	}
	printHelp(t.err, c, path, nil)
	return exitUsage
}

// complain prints an error, if there is one, and returns the exit code for it.
func complain(t terminal, path []string, err error) int {
	var usage errUsage
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(t.err, "redoubt: %v\nSee: %s --help\n", err, strings.Join(path, " "))
		return exitUsage
	}
	if err.Error() != "" {
		fmt.Fprintf(t.err, "redoubt: %v\n", err)
	}
	return exitFailed
}

// noArguments refuses words after the flags.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}
