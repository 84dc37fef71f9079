//go:build linux

package namespace

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	x32Bit    = 0
)

// everydayHere are the allowed system calls that only this architecture has.
var everydayHere = []uint32{unix.SYS_NEWFSTATAT}
