package app

import "path/filepath"

// The parts of a data directory.
func storeDir(data string) string     { return filepath.Join(data, "store") }
func blobDir(data string) string      { return filepath.Join(data, "blobs") }
func tlsDir(data string) string       { return filepath.Join(data, "tls") }
func clientFile(data string) string   { return filepath.Join(data, "client.json") }
func operatorFile(data string) string { return filepath.Join(data, "operator.sealed") }
