package engine

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxEntries bounds what an archive costs in files; AWS's own limit is the size alone.
const MaxEntries = 200_000

// Unpack writes the archives into dir, later ones over earlier ones, at most limit bytes in all.
// Nothing an archive says can touch a place outside dir, now or when its links are followed under /var/task, /var/runtime or /opt.
func Unpack(dir string, limit int64, archives ...Archive) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacker{root: root, checker: newChecker(limit), left: limit, limit: limit}
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
	checker     checker
	left, limit int64
}

func (u *unpacker) entry(f *zip.File) error {
	e, err := u.checker.entry(f)
	if err != nil || e.name == "" {
		return err
	}
	if err := u.parents(e.name); err != nil {
		return err
	}
	switch {
	case e.mode.IsDir():
		return u.directory(e.name)
	case e.mode.IsRegular():
		return u.file(e.name, f)
	}
	return u.link(e.name, e.target)
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

func (u *unpacker) link(name, target string) error {
	if err := u.clear(name); err != nil {
		return err
	}
	return u.root.Symlink(target, name)
}
