// Command redoubt runs AWS Lambda functions on machines you own and enforces what secures them.
package main

import (
	"os"

	"redoubt/internal/cli"
	"redoubt/internal/sandbox"
)

func main() {
	sandbox.Main() // does not return in a process that was started to be a sandbox
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
