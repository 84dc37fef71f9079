package app

import (
	"fmt"
	"os"
	"path/filepath"
)

// The parts of a data directory.
func storeDir(data string) string     { return filepath.Join(data, "store") }
func blobDir(data string) string      { return filepath.Join(data, "blobs") }
func tlsDir(data string) string       { return filepath.Join(data, "tls") }
func clientFile(data string) string   { return filepath.Join(data, "client.json") }
func operatorFile(data string) string { return filepath.Join(data, "operator.sealed") }

// makeData makes the data directory. Where every user of the machine could write to one that is there, and so put other
// keys, links and endpoints into it, it is closed.
func makeData(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("looking at the data directory: %w", err)
	}
	if info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	if err := os.Chmod(data, info.Mode().Perm()&^0o007); err != nil {
		return fmt.Errorf("the data directory %s is open to every user of this machine: chmod 700 it, or name a directory in it: %w", data, err)
	}
	return nil
}
