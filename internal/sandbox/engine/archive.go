package engine

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxEntries bounds what an archive costs in files; AWS's own limit is the size alone.
const maxEntries = 200_000

// maxRatio is more than deflate can honestly reach: about 1,032 to 1.
const maxRatio = 1100

// maxLink bounds the text of a symbolic link.
const maxLink = 4096

// Unpack writes the archives into dir, later ones over earlier ones, at most limit bytes in all.
// Nothing an archive says can touch a place outside dir, now or when its links are followed under /var/task, /var/runtime or /opt.
func Unpack(dir string, limit int64, archives ...Archive) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacker{root: root, left: limit, limit: limit}
	for _, a := range archives {
		r, err := zip.NewReader(a, a.Size())
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		for _, f := range r.File {
			if err := u.entry(f); err != nil {
				return fmt.Errorf("unpacking %q: %w", f.Name, err)
			}
		}
	}
	return nil
}

type unpacker struct {
	root        *os.Root
	left, limit int64
	entries     int
}

func (u *unpacker) entry(f *zip.File) error {
	if u.entries++; u.entries > maxEntries {
		return fmt.Errorf("more than %d entries", maxEntries)
	}
	name := strings.TrimSuffix(f.Name, "/")
	if name == "." || f.Name == "./" {
		return nil
	}
	name = strings.TrimPrefix(name, "./")
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return errors.New("not a relative path within the archive")
	}
	if err := u.parents(name); err != nil {
		return err
	}
	switch mode := f.Mode(); {
	case mode.IsDir():
		return u.directory(name)
	case mode&fs.ModeSymlink != 0:
		return u.link(name, f)
	case mode.IsRegular():
		return u.file(name, f)
	}
	return errors.New("neither file, directory nor symbolic link")
}

// parents makes the directories above name; none of them may be a link, so that no entry is written through one.
func (u *unpacker) parents(name string) error {
	for i, c := range name {
		if c == '/' {
			if err := u.directory(name[:i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *unpacker) directory(name string) error {
	switch info, err := u.root.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return u.root.Mkdir(name, 0o755)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%q is not a directory", name)
	}
	return nil
}

// clear makes way for an entry that comes again, as a later layer's does.
func (u *unpacker) clear(name string) error {
	info, err := u.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.IsDir() {
		return errors.New("is a directory elsewhere in the archive")
	}
	return u.root.Remove(name)
}

func (u *unpacker) file(name string, f *zip.File) error {
	size := f.UncompressedSize64
	if size > uint64(u.left) {
		return fmt.Errorf("unzipped size is larger than %d bytes", u.limit)
	}
	if size > 1<<20 && size/maxRatio > f.CompressedSize64 {
		return errors.New("compressed beyond what is possible")
	}
	if err := u.clear(name); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, u.left+1))
	if u.left -= n; err == nil && u.left < 0 {
		err = fmt.Errorf("unzipped size is larger than %d bytes", u.limit)
	}
	if err == nil {
		err = out.Chmod(f.Mode().Perm() &^ 0o022)
	}
	return errors.Join(err, out.Close())
}

func (u *unpacker) link(name string, f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxLink+1))
	if err != nil {
		return err
	}
	if target := string(b); len(b) > maxLink || !inside(name, target) {
		return errors.New("symbolic link leaves the archive")
	}
	if err := u.clear(name); err != nil {
		return err
	}
	return u.root.Symlink(string(b), name)
}

// inside reports whether the link stays in the archive, or names a place that every function has.
func inside(name, target string) bool {
	if target == "" || strings.ContainsRune(target, 0) {
		return false
	}
	if path.IsAbs(target) {
		clean := path.Clean(target) + "/"
		for _, ok := range []string{"/var/task/", "/var/runtime/", "/opt/", "/tmp/"} {
			if strings.HasPrefix(clean, ok) {
				return true
			}
		}
		return false
	}
	return fs.ValidPath(path.Join(path.Dir(name), target))
}
