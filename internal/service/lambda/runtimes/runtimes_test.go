package runtimes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimes"
)

func TestUnknownRuntimesCannotBeMapped(t *testing.T) {
	for _, name := range []string{"python2.7", "provided.al2023", "cobol"} {
		if _, err := runtimes.New(map[string]string{name: "/bin/true"}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestProvidedNeedsNoInterpreter(t *testing.T) {
	c, err := runtimes.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Find("provided.al2023")
	if err != nil || r.Client != nil || r.Program != "" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestMissingRuntimeTellsHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c, err := runtimes.New(map[string]string{"nodejs22.x": "/nowhere/node"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"python3.12": "there is no python3 on PATH. Install it, or start the server with --runtime python3.12=PATH",
		"nodejs22.x": "its interpreter /nowhere/node cannot be used",
		"ruby3.4":    "is not supported by Redoubt yet. It supports nodejs24.x",
	} {
		if _, err := c.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMappedInterpreterMustBeOfTheVersion(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 on PATH")
	}
	version, err := exec.Command(python, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := runtimes.New(map[string]string{"python3.9": python, "python3.14": python})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"python3.9", "python3.14"} {
		if _, err := mapped.Find(name); (err == nil) != (strings.TrimSpace(string(version)) == name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestInterpretersAreFoundByTheirVersions(t *testing.T) {
	for _, family := range []runtimes.Family{runtimes.Python, runtimes.Node} {
		r := newest(t, family)
		bin := t.TempDir()
		name := strings.TrimSuffix(strings.Replace(r.Name, "nodejs", "node", 1), ".x")
		if err := os.Symlink(r.Program, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin)
		c, err := runtimes.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Find(r.Name); err != nil || got.Program != r.Program {
			t.Errorf("%s: got %+v, %v", r.Name, got, err)
		}
	}
}

func TestTheClientIsTheSameForTheSameInterpreter(t *testing.T) {
	r := newest(t, runtimes.Python)
	c, err := runtimes.New(map[string]string{r.Name: r.Program})
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Find(r.Name)
	if err != nil || again.Client.ID != r.Client.ID {
		t.Errorf("got %+v, %v", again, err)
	}
}
