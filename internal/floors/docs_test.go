package floors

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDependenciesHaveTheirReasons asks docs/dependencies.md for every module that the packages of this one import, and
// for no other.
func TestDependenciesHaveTheirReasons(t *testing.T) {
	page := read(t, "../../docs/dependencies.md")
	imported := importedModules(t)
	for module := range imported {
		if !strings.Contains(page, "\n| `"+module+"` |") {
			t.Errorf("docs/dependencies.md has no line for %s", module)
		}
	}
	table, _, _ := strings.Cut(page, "## In tests and tools only")
	for _, line := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		if !imported[line[1]] {
			t.Errorf("docs/dependencies.md gives a reason for %s, which nothing imports", line[1])
		}
	}
}

// importedModules are the modules of go.mod that a package of this module imports, its tests included.
func importedModules(t *testing.T) map[string]bool {
	t.Helper()
	modules := required(t)
	found := map[string]bool{}
	for _, path := range strings.Fields(goCommand(t, "list", "-f", `{{range .Imports}}{{.}} {{end}}{{range .TestImports}}{{.}} {{end}}{{range .XTestImports}}{{.}} {{end}}`, "redoubt/...")) {
		longest := ""
		for _, m := range modules {
			if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(longest) {
				longest = m
			}
		}
		if longest != "" {
			found[longest] = true
		}
	}
	return found
}

func required(t *testing.T) (paths []string) {
	t.Helper()
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal([]byte(goCommand(t, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		paths = append(paths, r.Path)
	}
	return paths
}

func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// TestSecurityPageNamesTestsThatExist keeps the proofs of SECURITY.md from going stale.
func TestSecurityPageNamesTestsThatExist(t *testing.T) {
	exist := map[string]bool{}
	sources(t, func(path string, _ *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasSuffix(path, "_test.go") {
				exist[fn.Name.Name] = true
			}
		}
	})
	named := regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w*`).FindAllString(read(t, "../../SECURITY.md"), -1)
	if len(named) == 0 {
		t.Error("SECURITY.md names no test")
	}
	for _, name := range named {
		if !exist[name] {
			t.Errorf("SECURITY.md names %s, which is no test", name)
		}
	}
}

// TestSecurityPageNamesPartsThatExist does the same for the parts of the suite of sandboxes.
func TestSecurityPageNamesPartsThatExist(t *testing.T) {
	exist := map[string]bool{}
	for _, path := range glob(t, "../sandbox/sandboxtest/*.go") {
		for _, m := range regexp.MustCompile(`t\.Run\("([^"]+)"`).FindAllStringSubmatch(read(t, path), -1) {
			exist[m[1]] = true
		}
	}
	named := regexp.MustCompile("`TestSuite/([a-z]+)/([^`]+)`").FindAllStringSubmatch(read(t, "../../SECURITY.md"), -1)
	if len(named) == 0 {
		t.Error("SECURITY.md names no part")
	}
	for _, m := range named {
		if !exist[m[1]] || !exist[m[2]] {
			t.Errorf("SECURITY.md names %s, which is no test", m[0])
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
