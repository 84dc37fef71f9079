package sigv4_test

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os/exec"
	"strings"
	"testing"

	"redoubt/internal/sigv4"
)

//go:embed testdata/botocore_sign.py
var botocoreSign string

// botocoreCase is an unsigned request for the Python side.
type botocoreCase struct {
	Signer  string      `json:"signer"`
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body"`
	Trailer bool        `json:"trailer"`
	Chunk   int         `json:"chunk"`
	ID      string      `json:"id"`
	Secret  string      `json:"secret"`
	Token   string      `json:"token"`
	Service string      `json:"service"`
	Region  string      `json:"region"`
}

// botocoreSigned is what comes back.
type botocoreSigned struct {
	URL, Host string
	Headers   [][2]string
	Body      []byte
}

// botocorePath may have all that a URL may have; other services than S3 get dots and doubled slashes too.
func (d dice) botocorePath(s3 bool) string {
	alphabet := []rune("abcXYZ019-_.~")
	var p string
	for range d.IntN(5) {
		segment := d.text(alphabet, 6) + d.pick("", "%20", "%C3%A9", "%2B", "%F0%9F%98%80", "%3A", "%25")
		if !s3 {
			segment = d.pick(segment, ".", "..", "", "a:b", "x@y;z=(1)*'!$&,", "%2e")
		}
		p += "/" + segment
	}
	return p + "/" + d.pick("", "end")
}

// botocoreQuery is a raw query in the encoding that botocore itself uses, which does not touch it when signing.
func (d dice) botocoreQuery() string {
	var parts []string
	for _, p := range []string{"prefix=a%2Fb%20c", "list-type=2", "a-b=1", "a=2", "uploads=", "%C3%A9=%F0%9F%98%80", "x=%2B%26%3D"} {
		if d.IntN(3) == 0 {
			parts = append(parts, p)
		}
	}
	return "?" + strings.Join(parts, "&")
}

func (d dice) botocoreCase() botocoreCase {
	c := botocoreCase{
		Signer: d.pick("SigV4Auth", "S3SigV4Auth", "SigV4QueryAuth", "S3SigV4QueryAuth"),
		Method: d.pick("GET", "PUT", "POST", "DELETE"),
		ID:     fmt.Sprintf("AKIA%d", d.IntN(1e6)), Secret: "s" + d.text(pathAlphabet, 39), Token: d.pick("", "token+/=="),
		Service: "lambda", Region: d.pick("eu-central-1", "us-east-1"),
		Body: []byte(d.text(queryAlphabet, 300)), Chunk: 8192 + d.IntN(9000),
	}
	s3 := strings.HasPrefix(c.Signer, "S3")
	if s3 {
		c.Service = "s3"
	}
	c.URL = d.pick("https://lambda.eu-central-1.amazonaws.com", "http://127.0.0.1:9000", "https://[::1]:8443", "https://Bucket.example:443") +
		d.botocorePath(s3) + d.botocoreQuery()
	c.Headers = append(c.Headers,
		[2]string{"X-Amz-Target", "T.Op"},
		[2]string{"X-Amz-Meta-One", "a  b \t c" + d.text(headerAlphabet, 9) + "."},
		[2]string{"Content-Type", d.pick("text/plain", "application/json")})
	if d.IntN(4) == 0 && !strings.HasSuffix(c.Signer, "QueryAuth") {
		c.Headers = append(c.Headers, [2]string{"Date", "x"}) // botocore puts the time there then
	}
	if strings.HasSuffix(c.Signer, "QueryAuth") {
		c.Body = []byte{} // botocore would move it into the query
	}
	if c.Trailer = c.Signer == "S3SigV4Auth" && d.IntN(2) == 0; c.Trailer {
		c.Body = bytes.Repeat([]byte(d.text(queryAlphabet, 300)), d.IntN(100))
	}
	return c
}

func signWithBotocore(t *testing.T, cases []botocoreCase) (out []botocoreSigned) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	if msg, err := exec.Command(python, "-c", "import botocore").CombinedOutput(); err != nil {
		t.Skipf("botocore is not installed for %s: %s", python, msg)
	}
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", botocoreSign)
	var complaint bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &complaint
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("signing with botocore: %v\n%s", err, complaint.String())
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// wire is the request as an HTTP client sends it.
func (s botocoreSigned) wire(method string) string {
	_, rest, _ := strings.Cut(s.URL, "://")
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, rest[strings.Index(rest, "/"):], s.Host, len(s.Body))
	for _, h := range s.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	return b.String() + "\r\n" + string(s.Body)
}

func TestRequestsSignedByBotocoreVerify(t *testing.T) {
	cases := make([]botocoreCase, 400)
	for i := range cases {
		cases[i] = newDice(uint64(i)).botocoreCase()
	}
	refused := map[string]int{}
	for i, s := range signWithBotocore(t, cases) {
		c := cases[i]
		wire := s.wire(c.Method)
		o := sigv4.Options{Region: c.Region, Service: c.Service, S3: c.Service == "s3"}
		body, sig, err := verdict(received(t, wire), c.Secret, o)
		if err != nil {
			explain(t, err, c, wire)
		}
		if !bytes.Equal(body, c.Body) || sig.Token != c.Token {
			t.Errorf("case %d: body %q, token %q", i, body, sig.Token)
		}
		if want := crc32Base64(c.Body); c.Trailer && sig.Trailer().Get("X-Amz-Checksum-Crc32") != want {
			t.Errorf("case %d: trailer %v, want %s", i, sig.Trailer(), want)
		}
		for name, change := range mutations {
			r := received(t, wire)
			if c.Trailer && strings.HasPrefix(name, "body") || !change(r) {
				continue
			}
			refused[name]++
			if _, _, err := verdict(r, c.Secret, o); err == nil {
				t.Errorf("accepted with changed %s: %s", name, wire)
			}
		}
	}
	for name := range mutations {
		if refused[name] == 0 {
			t.Errorf("%q was never tried", name)
		}
	}
}

func crc32Base64(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))
}
