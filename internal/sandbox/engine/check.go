package engine

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxRatio is more than deflate can honestly reach: about 1,032 to 1.
const maxRatio = 1100

// maxLink bounds the text of a symbolic link.
const maxLink = 4096

// maxName leaves room in a path of 4,096 bytes for where the archive is unpacked. maxPart is what file systems take of a name.
const maxName, maxPart = 3800, 255

// Check tells why Unpack would refuse an archive, as far as its directory and its links say, without writing anything.
func Check(limit int64, archive *zip.Reader) error {
	c := newChecker(limit)
	for _, f := range archive.File {
		if _, err := c.entry(f); err != nil {
			return fmt.Errorf("unpacking %.100q: %w", f.Name, err)
		}
	}
	return nil
}

// A checker looks at one entry after the other.
type checker struct {
	limit   int64
	size    uint64
	entries int
	isDir   map[string]bool // of what was there until now
}

func newChecker(limit int64) checker { return checker{limit: limit, isDir: map[string]bool{}} }

// An entry is one that may be unpacked; without a name it is the archive's own root.
type entry struct {
	name, target string
	mode         fs.FileMode
}

func (c *checker) entry(f *zip.File) (entry, error) {
	if c.entries++; c.entries > MaxEntries {
		return entry{}, fmt.Errorf("more than %d entries", MaxEntries)
	}
	name := strings.TrimSuffix(f.Name, "/")
	if name == "." || f.Name == "./" {
		return entry{}, nil
	}
	e := entry{name: strings.TrimPrefix(name, "./"), mode: f.Mode()}
	if !fs.ValidPath(e.name) || strings.ContainsAny(e.name, "\\\x00") {
		return e, errors.New("not a relative path within the archive")
	}
	if len(e.name) > maxName || slices.ContainsFunc(strings.Split(e.name, "/"), func(part string) bool { return len(part) > maxPart }) {
		return e, errors.New("name is too long")
	}
	if err := c.place(e); err != nil {
		return e, err
	}
	switch {
	case e.mode.IsDir():
		return e, nil
	case e.mode&fs.ModeSymlink != 0:
		var err error
		e.target, err = readLink(e.name, f)
		return e, err
	case e.mode.IsRegular():
		return e, c.file(f)
	}
	return e, errors.New("neither file, directory nor symbolic link")
}

// place sees to it that only directories have anything below them, so that no entry is written through a link.
func (c *checker) place(e entry) error {
	for i, char := range e.name {
		if char != '/' {
			continue
		}
		if dir, there := c.isDir[e.name[:i]]; there && !dir {
			return fmt.Errorf("%q is not a directory", e.name[:i])
		}
		c.isDir[e.name[:i]] = true
		if len(c.isDir) > MaxEntries {
			return fmt.Errorf("more than %d directories", MaxEntries)
		}
	}
	if dir, there := c.isDir[e.name]; there && dir != e.mode.IsDir() {
		return errors.New("is a directory elsewhere in the archive")
	}
	c.isDir[e.name] = e.mode.IsDir()
	return nil
}

func (c *checker) file(f *zip.File) error {
	size := f.UncompressedSize64
	if c.size += size; size > uint64(c.limit) || c.size > uint64(c.limit) {
		return fmt.Errorf("unzipped size is larger than %d bytes", c.limit)
	}
	if size > 1<<20 && size/maxRatio > f.CompressedSize64 {
		return errors.New("compressed beyond what is possible")
	}
	return nil
}

func readLink(name string, f *zip.File) (string, error) {
	in, err := f.Open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxLink+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxLink || !inside(name, string(b)) {
		return "", errors.New("symbolic link leaves the archive")
	}
	return string(b), nil
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
