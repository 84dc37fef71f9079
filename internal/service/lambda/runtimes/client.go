package runtimes

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
	"time"
)

//go:embed python/*.py nodejs/*.js
var programs embed.FS

// A Client is the program that connects an interpreter with the Runtime API. A sandbox sees it under /var/runtime.
type Client struct {
	ID      string // of its content
	Archive *bytes.Reader
	Args    []string // of the interpreter; the program is the last
	Host    string   // the interpreter's version, in all detail
}

// runtimeDir is where a client is seen: LAMBDA_RUNTIME_DIR.
const runtimeDir = "/var/runtime/"

// A file of a client.
type file struct {
	name string
	text []byte
}

// pack makes a client of files. Nothing that writes to memory can fail.
func pack(args []string, files ...file) *Client {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Store}
		header.SetMode(0o644)
		out, _ := w.CreateHeader(header)
		out.Write(f.text)
	}
	w.Close()
	sum := sha256.Sum256(b.Bytes())
	return &Client{ID: "runtime-" + hex.EncodeToString(sum[:8]), Archive: bytes.NewReader(b.Bytes()), Args: args}
}

// join makes one program of its parts: an interpreter opens one file sooner than many. What is embedded can be read.
func join(parts ...string) []byte {
	var b bytes.Buffer
	for _, name := range parts {
		text, _ := programs.ReadFile(name)
		b.Write(text)
		b.WriteString("\n\n")
	}
	return b.Bytes()
}

// nodeClient is the client for a node that understands these flags.
func nodeClient(flags []string) *Client {
	program := join("nodejs/head.js", "nodejs/errors.js", "nodejs/console.js", "nodejs/link.js", "nodejs/client.js", "nodejs/stream.js",
		"nodejs/load.js", "nodejs/invoke.js", "nodejs/main.js")
	return pack(append(flags, runtimeDir+"index.cjs"), file{"index.cjs", program})
}

// compile is run by the interpreter that a client is for. It reads sources by name and writes what they are compiled to, as
// files that are loaded without their sources, and tells its own version.
const compile = `
import base64, importlib.util, json, marshal, site, sys
head, out = importlib.util.MAGIC_NUMBER + bytes(12), {}
for name, text in json.load(sys.stdin).items():
    text = text.replace("SITE_PACKAGES = ()", "SITE_PACKAGES = %r" % (tuple(site.getsitepackages()),))
    code = compile(text, "/var/runtime/" + name, "exec", dont_inherit=True, optimize=2)
    out[name + "c"] = base64.b64encode(head + marshal.dumps(code)).decode()
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "host": sys.version, "files": out}))
`

// pythonClient asks the interpreter for its version, as the runtime it can serve, and makes the client for it.
func pythonClient(program string) (string, *Client, error) {
	main := string(join("python/dialect.py", "python/client.py", "python/context.py", "python/output.py", "python/bootstrap.py"))
	sources := map[string]string{
		"bootstrap.py": main, "runtime_log.py": string(join("python/runtime_log.py")), "snapshot_restore_py.py": string(join("python/snapshot_restore_py.py")),
	}
	given, _ := json.Marshal(sources)
	text, err := ask(program, bytes.NewReader(given), "-I", "-S", "-c", compile)
	if err != nil {
		return "", nil, err
	}
	var got struct {
		Version, Host string
		Files         map[string][]byte
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return "", nil, fmt.Errorf("it answers %.80q: %w", text, err)
	}
	files := []file{
		{"bootstrap.py", []byte(main)}, // which traces of errors quote
		{"awslambdaric/__init__.py", nil},
		{"awslambdaric/lambda_context.py", join("python/lambda_context.py")},
	}
	for _, name := range []string{"bootstrap.pyc", "runtime_log.pyc", "snapshot_restore_py.pyc"} {
		files = append(files, file{name, got.Files[name]})
	}
	client := pack([]string{"-S", "-u", runtimeDir + "bootstrap.pyc"}, files...)
	client.Host = got.Host
	return "python" + got.Version, client, nil
}

// probe makes node tell its version and which of the flags it understands.
const probe = `
const flags = ['--experimental-require-module', '--experimental-detect-module'].filter((f) => process.allowedNodeEnvironmentFlags.has(f));
console.log(JSON.stringify({version: process.versions.node.split('.')[0], host: process.versions.node, flags}))
`

// disabled are what AWS turns off, by version (lambda-nodejs.html#nodejs-experimental-features).
var disabled = map[string][]string{
	"20": {"--experimental-require-module"},
	"22": {"--experimental-require-module", "--experimental-detect-module"},
}

func nodeRuntime(program string) (string, *Client, error) {
	text, err := ask(program, nil, "-e", probe)
	if err != nil {
		return "", nil, err
	}
	var got struct {
		Version, Host string
		Flags         []string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return "", nil, fmt.Errorf("it answers %.80q: %w", text, err)
	}
	var flags []string
	for _, f := range disabled[got.Version] {
		for _, known := range got.Flags {
			if f == known {
				flags = append(flags, "--no-"+strings.TrimPrefix(f, "--"))
			}
		}
	}
	client := nodeClient(flags)
	client.Host = got.Host
	return "nodejs" + got.Version + ".x", client, nil
}

func ask(program string, stdin io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Dir = stdin, path.Dir(program)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
