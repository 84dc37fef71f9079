//go:build linux

package namespace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
)

// features are the layers that depend on the kernel.
type features struct {
	Landlock int // version, 0 for none
}

// privileged reports whether this process may act as the host's root: jails then get user ids of their own.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if os.Geteuid() != 0 || unix.Capget(&header, &data[0]) != nil {
		return false
	}
	for _, c := range []int{unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE} {
		if data[0].Effective&(1<<c) == 0 {
			return false
		}
	}
	// Root of a container may be root of few ids only.
	return mapped(firstSlot + slotCount - 1)
}

// mapped reports whether a user id exists in this user namespace.
func mapped(id int64) bool {
	for line := range lines("/proc/self/uid_map") {
		var inside, outside, count int64
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err == nil && id >= inside && id < inside+count {
			return true
		}
	}
	return false
}

// weaknesses lists the layers that this host does not give, in people's words.
func weaknesses(s setup) []engine.Weakness {
	var out []engine.Weakness
	if missing := s.Cgroups.missing(); len(missing) > 0 {
		out = append(out, engine.Weakness{
			Layer:    "cgroup",
			Protects: "the host and other functions are not kept from a function that takes too much (no control over " + strings.Join(missing, ", ") + ")",
			Remedy:   cgroupRemedy(),
		})
	}
	if !s.Privileged && os.Geteuid() == 0 {
		out = append(out, engine.Weakness{
			Layer:    "user",
			Protects: "functions have the user id of root, though none of its capabilities",
			Remedy:   "run as an ordinary user, or as root with all capabilities and all user ids",
		})
	}
	if s.Features.Landlock == 0 {
		out = append(out, engine.Weakness{
			Layer:    "landlock",
			Protects: "files would be kept from functions by mounts alone, without the second lock of Landlock",
			Remedy:   "use Linux 5.13 or later with landlock in the kernel's lsm= list",
		})
	}
	return out
}

func cgroupRemedy() string {
	if os.Geteuid() != 0 {
		return "start with: systemd-run --user --scope -p Delegate=yes redoubt serve; or run as root"
	}
	return "mount the cgroup file system writable (in a container: run it with --cgroupns=private and /sys/fs/cgroup read-write)"
}

// unavailable explains why no jail can be made here.
func unavailable(err error) error {
	u := &Unavailable{Err: err, Weakness: engine.Weakness{
		Layer:    "namespaces",
		Protects: "functions run as plain processes and can read, change and reach all that this user can (" + err.Error() + ")",
		Remedy:   "run as root, or let this user make user namespaces",
	}}
	switch {
	case sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		u.Weakness.Remedy = "run as root, or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		u.Weakness.Remedy = "run as root, or: sysctl -w kernel.unprivileged_userns_clone=1"
	case sysctl("user/max_user_namespaces") == "0":
		u.Weakness.Remedy = "sysctl -w user.max_user_namespaces=10000"
	}
	return u
}

func sysctl(name string) string {
	if w := words(filepath.Join("/proc/sys", name)); len(w) == 1 {
		return w[0]
	}
	return ""
}

// dirs lists the directories that hold the jails' groups.
func (c cgroups) dirs() []string {
	var all []string
	for _, d := range c.V1 {
		all = append(all, d)
	}
	if c.V2 != "" {
		all = append(all, c.V2)
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// remove gives the directories back.
func (c cgroups) remove() {
	for _, d := range c.dirs() {
		removeLeftovers(d)
	}
}
