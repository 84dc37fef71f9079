package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func printHelp(w io.Writer, c *command, path []string, flags *flag.FlagSet) {
	name := strings.Join(path, " ")
	fmt.Fprintln(w, c.summary)
	if flags == nil {
		fmt.Fprintf(w, "\nUsage: %s COMMAND\n\n", name)
		for _, s := range c.sub {
			fmt.Fprintf(w, "  %-10s %s\n", s.name, s.summary)
		}
		fmt.Fprintf(w, "\n%s COMMAND --help tells more of each.\n", name)
		return
	}
	fmt.Fprintf(w, "\nUsage: %s\n", strings.TrimSpace(name+" "+c.usage))
	if c.help != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.help))
	}
	first := true
	flags.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprint(w, "\nFlags, each also an environment variable:\n")
			first = false
		}
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %s\n        %s", strings.TrimSpace("--"+f.Name+" "+value), usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintf(w, " [%s]\n", variable(f.Name))
	})
}

// variable is the environment variable of a flag: --tls-cert is REDOUBT_TLS_CERT.
func variable(name string) string {
	return "REDOUBT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fromEnvironment sets flags from their variables, before the command line does.
func fromEnvironment(flags *flag.FlagSet) error {
	var first error
	flags.VisitAll(func(f *flag.Flag) {
		v, ok := os.LookupEnv(variable(f.Name))
		if !ok || first != nil {
			return
		}
		if err := flags.Set(f.Name, v); err != nil {
			first = usagef("%s=%q: %v", variable(f.Name), v, err)
		}
	})
	return first
}
