package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// sourceVersion is the last release of the SDK that ships the models.
const sourceVersion = "v1.55.8"

// service says where a service of Redoubt is found elsewhere.
type service struct {
	model string // folder under models/apis
	sdk   string // package of the SDK v2, or "" if Redoubt has types of its own
}

// services lists those whose names differ; the others are called the same.
var services = map[string]service{
	"cloudwatch":  {"monitoring", "cloudwatch"},
	"cognitoidp":  {"cognito-idp", "cognitoidentityprovider"},
	"ec2":         {"ec2", ""}, // its SDK package takes minutes to compile
	"efs":         {"elasticfilesystem", "efs"},
	"events":      {"events", "eventbridge"},
	"config":      {"config", "configservice"},
	"logs":        {"logs", "cloudwatchlogs"},
	"states":      {"states", "sfn"},
	"sfn":         {"states", "sfn"},
	"wafv2":       {"wafv2", "wafv2"},
	"elbv2":       {"elasticloadbalancingv2", "elasticloadbalancingv2"},
	"eventbridge": {"events", "eventbridge"},
}

func lookup(name string) service {
	if s, ok := services[name]; ok {
		return s
	}
	return service{name, name}
}

// servicesIn lists the folders that have a model already.
func servicesIn(dir string) (names []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "api.json"))
	for _, f := range files {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names, err
}

// modelsDir is models/apis in the module cache.
func modelsDir(root string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/aws/aws-sdk-go@"+sourceVersion)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("downloading the models: %w", err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", err
	}
	return filepath.Join(m.Dir, "models", "apis"), nil
}

// sdkDir is the folder of a service's package in the SDK v2, or "".
func sdkDir(root, pkg string) (string, error) {
	if pkg == "" {
		return "", nil
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+pkg)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("finding the SDK's package %s, which go.mod should list: %w", pkg, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// latest returns the newest API version of a service: the folders are dates.
func latest(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "api-2.json"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("no model in %s", dir)
	}
	return slices.Max(files), nil
}
