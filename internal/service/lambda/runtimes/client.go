package runtimes

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
)

//go:embed python/bootstrap.py nodejs/index.mjs
var programs embed.FS

// A Client is the program of a family, which a sandbox sees under /var/runtime.
type Client struct {
	ID      string // of its content
	Archive *bytes.Reader
	Args    []string // of the interpreter
}

func packClients() map[Family]*Client {
	return map[Family]*Client{Python: client("python/bootstrap.py"), Node: client("nodejs/index.mjs")}
}

// client packs a program. What is embedded cannot fail to be read, nor memory to be written.
func client(file string) *Client {
	text, _ := programs.ReadFile(file)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: path.Base(file), Method: zip.Store}
	header.SetMode(0o644)
	f, _ := w.CreateHeader(header)
	f.Write(text)
	w.Close()
	sum := sha256.Sum256(text)
	return &Client{
		ID: "runtime-" + hex.EncodeToString(sum[:8]), Archive: bytes.NewReader(b.Bytes()), Args: []string{"/var/runtime/" + path.Base(file)},
	}
}
