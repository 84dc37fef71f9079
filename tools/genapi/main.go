// Command genapi writes the compact models that internal/wire reads: for every
// service, internal/service/<name>/api.json and, where the SDK has union types,
// unions_gen.go. Run it in the tools folder:
//
//	go run ./genapi            all services that have a model already
//	go run ./genapi kms iam    some of them, or new ones
//	go run ./genapi -check     fail if a file is not current
//	go run ./genapi -all kms   every operation that AWS has, for a service being begun
//
// It reads AWS's published models in github.com/aws/aws-sdk-go, which is frozen,
// and completes them from the sources of github.com/aws/aws-sdk-go-v2, as pinned
// in Redoubt's go.mod. The models are kept to the operations that a service's
// operations.go lists; before that file exists, to all.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("genapi: ")
	check := flag.Bool("check", false, "fail if a generated file is not current")
	all := flag.Bool("all", false, "keep all operations, listed or not")
	root := flag.String("root", "..", "Redoubt's module")
	flag.Parse()
	stale, err := run(*root, flag.Args(), *check, *all)
	if err != nil {
		log.Fatal(err)
	}
	if stale > 0 {
		log.Fatalf("%d files are not current: run genapi", stale)
	}
}

// run generates the named services, or all, and counts the stale files if it
// only checks.
func run(root string, names []string, check, all bool) (stale int, err error) {
	models, err := modelsDir(root)
	if err != nil {
		return 0, err
	}
	every, err := servicesIn(filepath.Join(root, "internal", "service"))
	if err != nil {
		return 0, err
	}
	every = slices.Compact(slices.Sorted(slices.Values(slices.Concat(every, names))))
	if len(names) == 0 {
		names = every
	}
	table, err := subjects(root, every)
	if err != nil {
		return 0, err
	}
	if stale, err = put(filepath.Join(root, "internal", "wire", "subjects_gen_test.go"), table, check); err != nil {
		return 0, err
	}
	for _, name := range names {
		files, err := generate(root, models, name, all)
		if err != nil {
			return stale, fmt.Errorf("%s: %w", name, err)
		}
		for path, text := range files {
			n, err := put(path, text, check)
			if err != nil {
				return stale, err
			}
			stale += n
		}
	}
	return stale, nil
}

// put writes a file if it differs, or only reports that it would. An empty text
// is a file that should not be.
func put(path string, text []byte, check bool) (stale int, err error) {
	old, err := os.ReadFile(path)
	switch {
	case err != nil && !os.IsNotExist(err):
		return 0, err
	case bytes.Equal(old, text):
		return 0, nil
	case check:
		log.Printf("%s is not current", path)
		return 1, nil
	case len(text) == 0:
		return 0, os.Remove(path)
	}
	return 0, os.WriteFile(path, text, 0o644)
}

// generate makes the files of one service.
func generate(root, models, name string, all bool) (map[string][]byte, error) {
	svc := lookup(name)
	dir := filepath.Join(root, "internal", "service", name)
	src, err := readSource(models, svc.model)
	if err != nil {
		return nil, err
	}
	m := compact(src)
	m.Source = "github.com/aws/aws-sdk-go " + sourceVersion + " models/apis/" + src.path
	sdk, err := sdkDir(root, svc.sdk)
	if err != nil {
		return nil, err
	}
	if err := m.complete(sdk); err != nil {
		return nil, err
	}
	keep, err := implemented(dir)
	if err != nil {
		return nil, err
	}
	if all {
		keep = nil
	}
	if err := m.trim(keep); err != nil {
		return nil, err
	}
	text, err := m.print()
	if err != nil {
		return nil, err
	}
	unions, err := unionTable(sdk, svc.sdk, name)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{filepath.Join(dir, "api.json"): text, filepath.Join(dir, "unions_gen.go"): unions}, nil
}
