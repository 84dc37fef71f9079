//go:build linux

package namespace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// An image is what execve(2) needs of a program: paths, working directory, arguments and environment, as they lie in
// memory, pointers included. The server writes it to a file that is on no disk, the child of process 1 maps that at
// imageBase, and the mapping goes when the program takes its place: environments hold secrets, and neither the spawner
// nor any process 1 ever has them. After that the server empties the file.
type image struct{ file *os.File }

// Where things are in an image. Between them are holes, which cost nothing and read as zeros.
const (
	imageBase  = 0x20_0000_0000 // free in every Go program: above its code, below its heap
	imagePaths = 16             // places for paths, of a page each; those in use are the last
	imageDir   = imagePaths * pathSize
	imageArgv  = imageDir + pathSize
	imageEnv   = imageArgv + tableSize
	imageText  = imageEnv + tableSize
	imageSize  = 16 << 20
	pathSize   = 4096
	tableSize  = 1 << 20
)

func newImage() (*image, error) {
	fd, err := unix.MemfdCreate("redoubt", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("redoubt", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("making room for arguments: %w", err)
	}
	return &image{os.NewFile(uintptr(fd), "arguments")}, nil
}

// write fills the image in. There is at least one path.
func (m *image) write(paths []string, dir string, argv, env []string) error {
	if len(paths) > imagePaths {
		paths = paths[:imagePaths]
	}
	if err := errors.Join(m.file.Truncate(0), m.file.Truncate(imageSize)); err != nil {
		return err
	}
	for i, p := range paths {
		if err := m.path((imagePaths-len(paths)+i)*pathSize, p); err != nil {
			return err
		}
	}
	if err := m.path(imageDir, dir); err != nil {
		return err
	}
	next, err := m.table(imageArgv, imageText, argv)
	if err != nil {
		return err
	}
	_, err = m.table(imageEnv, next, env)
	return err
}

// path writes one path.
func (m *image) path(at int, path string) error {
	if len(path) >= pathSize {
		return unix.ENAMETOOLONG
	}
	_, err := m.file.WriteAt([]byte(path), int64(at))
	return errors.Join(err, clean(path))
}

// table writes strings at a place, and a table of pointers to them at another. It returns where the strings end.
func (m *image) table(at, text int, list []string) (int, error) {
	var pointers, all []byte
	for _, s := range list {
		if err := clean(s); err != nil {
			return 0, err
		}
		pointers = binary.NativeEndian.AppendUint64(pointers, uint64(imageBase+text+len(all)))
		all = append(append(all, s...), 0)
	}
	if len(pointers) >= tableSize || text+len(all) > imageSize {
		return 0, unix.E2BIG
	}
	_, err := m.file.WriteAt(pointers, int64(at))
	if err == nil {
		_, err = m.file.WriteAt(all, int64(text))
	}
	return text + len(all), err
}

func clean(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return errors.New("an argument or environment variable contains a zero byte")
	}
	return nil
}

// clear forgets all.
func (m *image) clear() error { return m.file.Truncate(0) }

func (m *image) close() { m.file.Close() }

// execute adds the calls that become the program of an image, whose file is open.
func (s *sequence) execute(file int) {
	s.do("mapping the arguments", unix.SYS_MMAP, imageBase, imageSize, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_FIXED_NOREPLACE, file, 0)
	s.do("entering the working directory", unix.SYS_CHDIR, imageBase+imageDir)
	for i := range imagePaths {
		s.do("executing", unix.SYS_EXECVE, imageBase+i*pathSize, imageBase+imageArgv, imageBase+imageEnv).lax = i < imagePaths-1
	}
}
