package front

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLittleIsReadOfAFormBeforeItsFile(t *testing.T) {
	const begin = "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n"
	for _, c := range []struct{ what, before string }{
		{"a part's header", begin + "X: "}, {"a field", begin + "\r\n"},
	} {
		body := strings.NewReader(c.before + strings.Repeat("x", 5<<20) + "\r\n--b--\r\n")
		r := httptest.NewRequest("POST", "/bucket", nil)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		_, err := readForm(r, body)
		if read := body.Size() - int64(body.Len()); !errors.Is(err, errPreData) || read > maxUnsigned {
			t.Errorf("%s: got %v after %d bytes", c.what, err, read)
		}
	}
	file := strings.Repeat("x", 1<<20)
	r := httptest.NewRequest("POST", "/bucket", nil)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	f, err := readForm(r, strings.NewReader(begin+"\r\nk\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"+file+"\r\n--b--\r\n"))
	if err != nil || f.fields["key"] != "k" {
		t.Fatalf("got %v, %v", f, err)
	}
	if got, err := io.ReadAll(f.file); err != nil || string(got) != file {
		t.Errorf("got a file of %d bytes, %v", len(got), err)
	}
}
