package lambda

import (
	"archive/zip"
	"bytes"
	"fmt"
	"testing"

	"redoubt/internal/service/lambda/runtimeapi"
)

func TestRecordOfALayerNamesNoMoreExtensionsThanItTakesToRefuseThem(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 1000 {
		for range 2 { // the last of two entries with one name is unpacked
			if _, err := w.Create(fmt.Sprintf("extensions/%d", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code, err := inspect(b.Bytes(), maxUnzipped)
	c := Configuration{Layers: []Attachment{{Code: code}}}
	if n := len(c.extensions()); err != nil || n != runtimeapi.MaxExtensions+1 {
		t.Errorf("got %d extensions, %v", n, err)
	}
}
