package runtimes

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// Hash identifies a version of a runtime, as the last part of its ARN does on AWS: another interpreter, or for the provided
// family another system, has another one.
func (r *Runtime) Hash() string {
	sum := sha256.Sum256([]byte(r.Name + "\n" + runtime.GOARCH + "\n" + r.host()))
	return hex.EncodeToString(sum[:])
}

func (r *Runtime) host() string {
	if r.Client != nil {
		return r.Client.Host
	}
	text, _ := os.ReadFile("/etc/os-release") // a system without one has no versions
	return string(text)
}

var numbered = regexp.MustCompile(`^([a-z]+)([0-9.]+?)(\.x)?$`)

// Version names the version of a runtime for people: python:3.11.v2 is Python 3.11.2.
func (r *Runtime) Version() string {
	m := numbered.FindStringSubmatch(r.Name)
	if m == nil || r.Client == nil {
		return strings.Replace(r.Name, ".", ":", 1)
	}
	full, _, _ := strings.Cut(r.Client.Host, " ")
	return m[1] + ":" + m[2] + ".v" + strings.TrimPrefix(full, m[2]+".")
}
