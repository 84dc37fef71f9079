package sigv4_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"redoubt/internal/sigv4"
)

func TestASecretDoesNotPrintItself(t *testing.T) {
	const canary = "canary-7f3a"
	s := sigv4.NewSecret(canary)
	hidden := struct{ s sigv4.Secret }{s}
	open := struct{ S sigv4.Secret }{s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, v := range []any{s, &s, hidden, &hidden, open, &open, []sigv4.Secret{s}, map[string]sigv4.Secret{"k": s}} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	fmt.Fprint(&out, s.String(), s.GoString())
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "open", open)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "open", open, "hidden", hidden)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		text, err := marshal(open.S)
		if err != nil {
			t.Error(err)
		}
		out.Write(text)
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s is in %s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "[sealed]") {
		t.Error("the seal does not show")
	}
}

func TestSecretsCompare(t *testing.T) {
	var zero sigv4.Secret
	a, b := sigv4.NewSecret("a"), sigv4.NewSecret("b")
	if !a.Equal(sigv4.NewSecret("a")) || a.Equal(b) || a.Equal(zero) || !zero.Equal(sigv4.NewSecret("")) {
		t.Error("Equal is wrong")
	}
	if a.Reveal() != "a" || zero.Reveal() != "" {
		t.Error("Reveal is wrong")
	}
}

func TestAnEmptySecretVerifiesNothing(t *testing.T) {
	for _, secret := range []sigv4.Secret{{}, sigv4.NewSecret("")} {
		r, body, o := kmsRequest(t, "")
		s, err := sigv4.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, s.VerifyBytes(r, body, secret, o), sigv4.KindMismatch)
	}
}
