package app_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/api"
	"redoubt/internal/app"
)

var update = flag.Bool("update", false, "write docs/coverage.md instead of comparing it")

const coveragePage = "../../docs/coverage.md"

// TestCoveragePageIsCurrent compares docs/coverage.md with the operation tables.
func TestCoveragePageIsCurrent(t *testing.T) {
	a, err := app.Open(t.Context(), app.Config{Data: t.TempDir(), AllowWeakSandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	want := coverage(a.Registry().Services())
	if *update {
		if err := os.WriteFile(coveragePage, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(coveragePage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("docs/coverage.md is not what the operation tables say; run: go test ./internal/app -run Coverage -update")
	}
}

const coverageHead = `# Coverage

Every operation that Redoubt has. This page is made from the operation tables (` + "`internal/service/*/operations.go`" + `) by
` + "`go test ./internal/app -run Coverage -update`" + `, and a test keeps it current.

- **Permission** is the IAM action that the caller needs; *if asked* marks those that only some inputs need, such as those that
  bring tags. "none: for everyone who is authenticated" is AWS's own rule for that operation.
- **On** is the input member that names the resource, ` + "`*`" + ` for actions without one, *input* where the whole input tells.
- **Kind**: *read* and *write* are CloudTrail's readOnly; *data* is the data plane, which CloudTrail keeps only where asked to
  (refusals always); *unsigned* takes callers without credentials, whose proof of identity is in the input.

An operation that is not listed is refused, with a 4xx error and a record in CloudTrail; so is a signed request for a service that
is not here (404 UnknownServiceException, without a record), and a member of a listed operation's input that Redoubt does not
support ("... is not supported by Redoubt yet"). "Not there" lists what else the SDK for Go v2 knows of each API.
`

func coverage(services []*api.Entry) []byte {
	var b bytes.Buffer
	b.WriteString(coverageHead)
	slices.SortFunc(services, func(a, b *api.Entry) int { return strings.Compare(a.Service.Name(), b.Service.Name()) })
	for _, e := range services {
		ops, absent := e.Service.Operations(), absentOperations(e)
		fmt.Fprintf(&b, "\n## %s: %d of %d operations\n\n", e.Service.Name(), len(ops), len(ops)+len(absent))
		b.WriteString("| Operation | Permission | On | Kind |\n|---|---|---|---|\n")
		for _, op := range ops {
			permissions, on := needsOf(e.Service.Name(), op)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", op.Name, permissions, on, kindOf(op))
		}
		if len(absent) > 0 {
			fmt.Fprintf(&b, "\nNot there: %s.\n", strings.Join(absent, ", "))
		}
	}
	return b.Bytes()
}

func needsOf(service string, op api.Operation) (permissions, on string) {
	var actions, places []string
	for _, n := range op.Needs {
		if n.IsFree() {
			return "none: for everyone who is authenticated", ""
		}
		action := "`" + n.Action(service, op.Name) + "`"
		if n.IsConditional() {
			action += " *if asked*"
		}
		actions, places = append(actions, action), append(places, placeOf(n))
	}
	// Needs of one action, as on both an alias and its key, are one permission.
	return strings.Join(slices.Compact(actions), ", "), strings.Join(slices.Compact(places), ", ")
}

func placeOf(n api.Need) string {
	switch {
	case n.Field() != "":
		return n.Field()
	case n.IsAnything():
		return "`*`"
	}
	return "*input*"
}

func kindOf(op api.Operation) string {
	kind := "write"
	if op.ReadOnly() {
		kind = "read"
	}
	if op.IsData() {
		kind += ", data"
	}
	if op.TakesUnsigned() {
		kind += ", unsigned"
	}
	return kind
}

// absentOperations are the methods of the SDK's client that have no operation here.
func absentOperations(e *api.Entry) (absent []string) {
	client := reflect.TypeOf(clients(aws.Config{Region: "us-east-1"})[e.Service.Name()])
	for m := range client.Methods() {
		if isOperation(m.Type) && e.Operation(m.Name) == nil {
			absent = append(absent, m.Name)
		}
	}
	return absent
}

// isOperation recognises func(client, context, *Input, ...options) (*Output, error).
func isOperation(f reflect.Type) bool {
	return f.NumIn() == 4 && f.In(1) == reflect.TypeFor[context.Context]() && f.In(2).Kind() == reflect.Pointer &&
		strings.HasSuffix(f.In(2).Elem().Name(), "Input")
}
