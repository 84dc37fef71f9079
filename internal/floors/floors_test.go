package floors

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A rule forbids imports. Paths are relative to the module, "..." matches everything below.
type rule struct{ from, mayNot, because string }

var rules = []rule{
	{"internal/arn", "internal/...", "the ground floor's vocabulary imports nothing"},
	{"internal/sigv4", "internal/...", "signatures are verified without knowing what is signed"},
	{"internal/wire", "internal/...", "formats are translated without knowing what is said"},
	{"internal/disk", "internal/...", "files know nothing of what is in them"},
	{"internal/seal", "internal/store/...", "keys depend on nothing they seal"},
	{"internal/seal", "internal/api/...", "keys depend on nothing they seal"},
	{"internal/policy", "internal/api/...", "decisions are pure: they know names and conditions, no callers"},
	{"internal/policy", "internal/store/...", "decisions are pure: no I/O"},
	{"internal/store/...", "internal/api/...", "the store is ground floor"},
	{"internal/blob", "internal/api/...", "the store is ground floor"},
	{"internal/work", "internal/api/...", "background work is ground floor"},
	{"internal/network", "internal/...", "decisions are pure: they know rules and addresses, and nobody who enforces them"},
	{"internal/network/...", "internal/sandbox/...", "a network is given to a sandbox, which it does not know"},
	{"internal/network/...", "internal/api/...", "a network does not know AWS"},
	{"internal/network/...", "internal/store/...", "a network keeps nothing"},
	{"internal/sandbox/...", "internal/api/...", "a sandbox does not know AWS"},
	{"internal/sandbox/...", "internal/store/...", "a sandbox keeps nothing"},
	{"internal/api", "internal/service/...", "the contract does not know who signs it"},
	{"internal/api", "internal/front", "the contract does not know HTTP"},
	{"internal/front", "internal/service/...", "the door is the same for every service"},
	{"internal/service/...", "internal/app/...", "services do not know what they are a part of"},
	{"internal/service/...", "internal/front", "services are called by the pipeline, never by HTTP"},
	{"internal/service/...", "internal/cli", "services do not know what they are a part of"},
	{"internal/app", "internal/cli", "the server does not know the command that starts it"},
	{"...", "tools/...", "tools are never linked into the binary"},
}

// A listed package, as go list prints it.
type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "redoubt/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, "redoubt/")
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, "redoubt/")
			if !ours {
				continue
			}
			for _, r := range rules {
				if matches(r.from, from) && matches(r.mayNot, to) {
					t.Errorf("%s imports %s: %s", from, to, r.because)
				}
			}
			if a, b := service(from), service(to); a != "" && b != "" && a != b {
				t.Errorf("%s imports %s: services talk through api.Call", from, to)
			}
		}
	}
}

func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return path == pattern
}

// service is the name of the service that a package belongs to, or "".
func service(path string) string {
	rest, ok := strings.CutPrefix(path, "internal/service/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// Budgets of size: a file is one topic, a function is a screenful.
const (
	maxFile     = 500
	maxFunction = 80
)

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	sources(t, func(path string, set *token.FileSet, f *ast.File) {
		if n := set.Position(f.FileEnd).Line; n > maxFile {
			t.Errorf("%s has %d lines, more than %d: one topic each", path, n, maxFile)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || strings.HasSuffix(path, "_test.go") || fn.Name.Name == "Operations" { // a table, not a function to follow
				continue
			}
			if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line; n > maxFunction {
				t.Errorf("%s: %s has %d lines, more than %d", path, fn.Name.Name, n, maxFunction)
			}
		}
	})
}

func TestNothingHappensBeforeMain(t *testing.T) {
	sources(t, func(path string, _ *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function: registration is an explicit list", path)
			}
		}
		for _, i := range f.Imports {
			blank := i.Name != nil && i.Name.Name == "_"
			if blank && i.Path.Value != `"embed"` && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s imports %s for its side effects: registration is an explicit list", path, i.Path.Value)
			}
		}
	})
}

// sources visits every file of Go that is written by hand.
func sources(t *testing.T, visit func(path string, set *token.FileSet, f *ast.File)) {
	t.Helper()
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_gen.go") || strings.HasSuffix(path, "_gen_test.go") {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(strings.TrimPrefix(path, root+"/"), set, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
