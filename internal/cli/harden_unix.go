//go:build unix

package cli

import "syscall"

// harden keeps the memory of the server, and so its keys, out of core files.
func harden() error { return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
