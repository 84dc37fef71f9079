package ssm

import (
	"bytes"
	"testing"
)

func TestMessageThatWasTouchedIsNotOpened(t *testing.T) {
	const arn = "arn:aws:ssm:us-east-1:200000000001:parameter/a"
	key := bytes.Repeat([]byte{7}, 32)
	plain := []byte("attack at dawn")
	sealed, err := sealMessage(message{arn: arn, key: "arn:aws:kms:us-east-1:200000000001:key/k", wrapped: []byte("wrapped")}, key, plain)
	if err != nil {
		t.Fatal(err)
	}
	open := func(b []byte, arn string, key []byte) ([]byte, error) {
		m, err := parseMessage(b)
		if err != nil {
			return nil, err
		}
		return m.open(arn, key)
	}
	if got, err := open(sealed, arn, key); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("opened as %q, %v", got, err)
	}
	for i := range sealed {
		touched := bytes.Clone(sealed)
		touched[i] ^= 1
		if got, err := open(touched, arn, key); err == nil {
			t.Errorf("with byte %d changed it opens as %q", i, got)
		}
		if _, err := open(sealed[:i], arn, key); err == nil {
			t.Errorf("cut at %d it opens", i)
		}
	}
	if _, err := open(sealed, arn+"b", key); err == nil {
		t.Error("it opens as another parameter's")
	}
	if _, err := open(sealed, arn, bytes.Repeat([]byte{8}, 32)); err == nil {
		t.Error("it opens with another key")
	}
}
