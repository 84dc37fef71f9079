package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

var (
	validator = regexp.MustCompile(`(?ms)^func validate(\w+)\(v \*(?:types\.)?(\w+)\) error \{(.*?)^\}`)
	missing   = regexp.MustCompile(`NewErrParamRequired\("(\w+)"\)`)
)

// readRequired lists the members, by their Go names, that the SDK's validators
// require: under the shape's name, or "OpInvokeInput" for inputs.
func readRequired(sdk string) (map[string][]string, error) {
	out := map[string][]string{}
	text, err := os.ReadFile(filepath.Join(sdk, "validators.go"))
	if os.IsNotExist(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range validator.FindAllStringSubmatch(string(text), -1) {
		for _, m := range missing.FindAllStringSubmatch(f[3], -1) {
			out[f[1]] = append(out[f[1]], m[1])
		}
		slices.Sort(out[f[1]])
	}
	return out, nil
}
