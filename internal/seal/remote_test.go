package seal_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"redoubt/internal/seal"
)

// fakeKeeper answers like Vault's transit engine and like AWS KMS. Its ciphertext is "KEY:" and the plaintext in base64.
func fakeKeeper(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		json.NewDecoder(r.Body).Decode(&in)
		path, isVault := strings.CutPrefix(r.URL.Path, "/v1/transit/")
		op, key, _ := strings.Cut(path, "/")
		if !isVault {
			op, key = strings.ToLower(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")), "aws"
		}
		answer := map[string]string{}
		switch op {
		case "encrypt":
			text, _ := first(in, "plaintext", "Plaintext").(string)
			answer["ciphertext"] = key + ":" + text
			answer["CiphertextBlob"] = base64.StdEncoding.EncodeToString([]byte(key + ":" + text))
		case "decrypt":
			text, _ := first(in, "ciphertext").(string)
			if blob, ok := in["CiphertextBlob"].(string); ok {
				decoded, _ := base64.StdEncoding.DecodeString(blob)
				text = string(decoded)
			}
			of, plain, _ := strings.Cut(text, ":")
			if of != key {
				w.WriteHeader(http.StatusBadRequest)
				json.NewEncoder(w).Encode(map[string]any{"errors": []string{"invalid ciphertext"}, "__type": "InvalidCiphertextException"})
				return
			}
			answer["plaintext"], answer["Plaintext"] = plain, plain
		}
		if isVault {
			json.NewEncoder(w).Encode(map[string]any{"data": answer})
			return
		}
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestKeeperThatCannotDecryptSealsNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"ciphertext": "x"}})
	}))
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	dir := t.TempDir()
	if _, err := seal.Open(t.Context(), "hashivault://mine", dir); err == nil {
		t.Error("sealed with a keeper that does not decrypt")
	}
	wantSameFiles(t, dir, map[string]string{})
}

func first(in map[string]any, names ...string) any {
	for _, name := range names {
		if v, ok := in[name]; ok {
			return v
		}
	}
	return nil
}

func TestRemoteKeepers(t *testing.T) {
	server := fakeKeeper(t)
	for name, value := range map[string]string{
		"VAULT_ADDR": server.URL, "VAULT_TOKEN": "token",
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
	for _, scheme := range []string{"hashivault", "awskms"} {
		dir := t.TempDir()
		s := sealed(t, box(t, open(t, scheme+"://mine", dir), "kms"), "secret", "")
		r := open(t, scheme+"://mine", dir)
		wantOpens(t, box(t, r, "kms"), s, "secret", "")
		if err := r.RotateRoot(t.Context()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
		before := files(t, dir)
		for _, other := range []string{"hashivault://other", "awskms://other"} {
			if scheme == "awskms" && other == "awskms://other" {
				continue // AWS KMS finds the key by the ciphertext
			}
			if _, err := seal.Open(t.Context(), other, dir); !errors.Is(err, seal.ErrWrongKey) {
				t.Errorf("%s opened with %s: %v", scheme, other, err)
			}
		}
		wantSameFiles(t, dir, before)
	}
	server.Close()
	dir := t.TempDir()
	for _, scheme := range []string{"awskms"} {
		if _, err := seal.Open(t.Context(), scheme+"://mine", dir); err == nil || errors.Is(err, seal.ErrWrongKey) {
			t.Errorf("%s that is down: %v", scheme, err)
		}
	}
	wantSameFiles(t, dir, map[string]string{})
}
