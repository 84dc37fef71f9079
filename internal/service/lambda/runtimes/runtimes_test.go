package runtimes_test

import (
	"os/exec"
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
	plain, _ := runtimes.New(nil)
	mapped, err := runtimes.New(map[string]string{"python3.9": python, "python3.14": python})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"python3.9", "python3.14"} {
		_, has := plain.Find(name)
		if _, err := mapped.Find(name); (err == nil) != (has == nil) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
