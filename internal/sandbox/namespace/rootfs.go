//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The spawner's own file system: memory that only it and the jails see.
const (
	hostDir  = "/host"  // the host's file system
	codeDir  = "/code"  // unpacked code by id
	mergeDir = "/merge" // layers merged
	rootsDir = "/roots" // what jails see as /, one for each set of interpreter paths
	jailDir  = "/jail"  // where process 1 of a jail builds it
)

// The user that functions run as. AWS: sbx_user1051, 993, group 990.
const (
	jailUser  = 993
	jailGroup = 990
	jailHost  = "sandbox"
)

// identity files that programs look for; nothing of the host's own /etc is shown but what interpreter paths name.
var identity = map[string]string{
	"etc/passwd":        "root:x:0:0:root:/:/sbin/nologin\nsbx_user1051:x:993:990::/tmp:/bin/sh\n",
	"etc/group":         "root:x:0:\nsbx_user1051:x:990:\n",
	"etc/hosts":         "127.0.0.1 localhost sandbox sandbox.localdomain\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	"etc/resolv.conf":   "nameserver 127.0.0.53\n", // which answers only where functions may reach what has a name
	"etc/hostname":      "sandbox\n",
}

// isolate moves the spawner into a file system of its own in memory. The host's tree stays below hostDir.
func isolate(dir string, privileged bool) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts private: %w", err)
	}
	// Unpacked code must never reach a disk, not by way of swap either; ordinary users cannot ask for that.
	options := "mode=755"
	if privileged {
		options += ",noswap"
	}
	err := unix.Mount("redoubt", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options)
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount("redoubt", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755")
	}
	if err != nil {
		return fmt.Errorf("mounting a memory file system: %w", err)
	}
	for _, d := range []string{hostDir, codeDir, mergeDir, rootsDir, jailDir, "/proc"} {
		if err := os.Mkdir(dir+d, 0o755); err != nil {
			return err
		}
	}
	if err := unix.PivotRoot(dir, dir+hostDir); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return nil
}

// buildRoot makes what jails see as / at dir: the host's paths read-only, a few devices, and places to mount on.
func buildRoot(dir string, hostPaths []string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("root", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mounting a root: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, d := range []string{"tmp", "proc", "dev", "etc", "opt", "var/task", "var/runtime"} {
		if err := root.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for name, text := range identity {
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := devices(root); err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(hostPaths)) // parents first
	for _, p := range slices.Compact(sorted) {
		if err := bindHost(root, p, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV); err != nil {
			return fmt.Errorf("showing %s: %w", p, err)
		}
	}
	return unix.MountSetattr(unix.AT_FDCWD, dir, 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

func devices(root *os.Root) error {
	for _, d := range []string{"null", "zero", "full", "random", "urandom"} {
		if err := bindHost(root, "/dev/"+d, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC); err != nil {
			return fmt.Errorf("showing /dev/%s: %w", d, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := root.Symlink(target, "dev/"+name); err != nil {
			return err
		}
	}
	return nil
}

// bindHost shows one path of the host at the same place below root. A link is shown as a link. No component of the
// path is followed as a link: the server resolved them, and whoever changes that in between gains nothing.
func bindHost(root *os.Root, path string, attr uint64) error {
	fd, err := openHost(path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	name := strings.TrimPrefix(path, "/")
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		b := make([]byte, 4096)
		n, err := unix.Readlinkat(fd, "", b)
		if err != nil {
			return err
		}
		return root.Symlink(string(b[:n]), name)
	case unix.S_IFDIR:
		err = root.MkdirAll(name, 0o755)
	default:
		err = root.WriteFile(name, nil, 0o644)
	}
	if err != nil {
		return err
	}
	tree, err := cloneTree(fd, "", attr)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	return unix.MoveMount(tree, "", unix.AT_FDCWD, filepath.Join(root.Name(), name), unix.MOVE_MOUNT_F_EMPTY_PATH)
}

func openHost(path string) (int, error) {
	host, err := unix.Open(hostDir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(host)
	return unix.Openat2(host, strings.TrimPrefix(path, "/"), &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// cloneTree returns a detached copy of the mounts at a path, with attributes set on all of them.
func cloneTree(dir int, path string, attr uint64) (int, error) {
	flags := unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	fd, err := unix.OpenTree(dir, path, uint(flags))
	if err != nil {
		return -1, fmt.Errorf("copying a mount: %w", err)
	}
	if attr == 0 {
		return fd, nil
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("making a mount read-only: %w", err)
	}
	return fd, nil
}

// newTmp makes a detached file system of the given size that belongs to a user.
func newTmp(size int64, uid, gid int) (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("making /tmp: %w", err)
	}
	defer unix.Close(fs)
	for _, option := range [][2]string{
		{"size", fmt.Sprint(size)}, {"nr_inodes", fmt.Sprint(max(size/4096, 1024))},
		{"mode", "0700"}, {"uid", fmt.Sprint(uid)}, {"gid", fmt.Sprint(gid)},
	} {
		if err := unix.FsconfigSetString(fs, option[0], option[1]); err != nil {
			return -1, fmt.Errorf("making /tmp with %s %s: %w", option[0], option[1], err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("making /tmp: %w", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return -1, fmt.Errorf("making /tmp: %w", err)
	}
	return fd, nil
}

// merge lays trees over each other, later ones on top, by hard links: they are on one file system.
func merge(dst string, sources []string) error {
	for _, src := range sources {
		err := filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := dst + strings.TrimPrefix(path, src)
			if d.IsDir() {
				if info, err := os.Lstat(to); err == nil && !info.IsDir() {
					os.Remove(to)
				}
				return os.MkdirAll(to, 0o755)
			}
			if err := os.RemoveAll(to); err != nil {
				return err
			}
			return unix.Linkat(unix.AT_FDCWD, path, unix.AT_FDCWD, to, 0)
		})
		if err != nil {
			return fmt.Errorf("merging layers: %w", err)
		}
	}
	return nil
}
