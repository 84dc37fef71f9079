package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// config is that of an SDK for the server.
func (s *stand) config() (aws.Config, error) {
	text, err := os.ReadFile(s.env["AWS_CA_BUNDLE"])
	if err != nil {
		return aws.Config{}, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return aws.Config{
		Region: s.env["AWS_REGION"], BaseEndpoint: aws.String(s.env["AWS_ENDPOINT_URL"]), RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 64}},
		Credentials: credentials.NewStaticCredentialsProvider(s.env["AWS_ACCESS_KEY_ID"], s.env["AWS_SECRET_ACCESS_KEY"], ""),
	}, nil
}

var errCaught = errors.New("caught")

// A catcher is an HTTP client that keeps what the SDK would send.
type catcher struct{ shot shot }

func (c *catcher) Do(r *http.Request) (*http.Response, error) {
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	c.shot = b.Bytes()
	return nil, errCaught
}

// shots signs a new request whenever a connection begins.
func (s *stand) shots(call func(aws.Config) error) (func() shot, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	return func() shot {
		c := &catcher{}
		cfg := cfg.Copy()
		cfg.HTTPClient = c
		if err := call(cfg); !errors.Is(err, errCaught) {
			panic(err)
		}
		return c.shot
	}, nil
}

func measureIdentity(s *stand) ([]measurement, error) {
	shot, err := s.shots(func(cfg aws.Config) error {
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.measure("sts:GetCallerIdentity", s.dial, shot)
}

func measureEncrypt(s *stand) ([]measurement, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	key, err := kms.NewFromConfig(cfg).CreateKey(ctx(), &kms.CreateKeyInput{})
	if err != nil {
		return nil, err
	}
	shot, err := s.shots(func(cfg aws.Config) error {
		_, err := kms.NewFromConfig(cfg).Encrypt(context.Background(), &kms.EncryptInput{
			KeyId: key.KeyMetadata.KeyId, Plaintext: []byte("sixteen bytes..."), EncryptionContext: map[string]string{"a": "b"},
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.measure("kms:Encrypt", s.dial, shot)
}

// measureSecret reads a secret, for which KMS is asked each time.
func measureSecret(s *stand) ([]measurement, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	name := aws.String("bench")
	_, err = secretsmanager.NewFromConfig(cfg).CreateSecret(ctx(), &secretsmanager.CreateSecretInput{Name: name, SecretString: aws.String("correct-horse-battery-staple")})
	if err != nil {
		return nil, err
	}
	shot, err := s.shots(func(cfg aws.Config) error {
		_, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(context.Background(), &secretsmanager.GetSecretValueInput{SecretId: name})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.measure("secretsmanager:GetSecretValue", s.dial, shot)
}

// measureBareHTTP is net/http on loopback, without TLS and with nothing to do.
func measureBareHTTP(s *stand) ([]measurement, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write([]byte("{}"))
	})}
	go srv.Serve(l)
	defer srv.Close()
	request := shot("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
	dial := func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
	return s.measure("bare HTTP echo on loopback, in the load's own process", dial, func() shot { return request })
}

// measurePolicy decides requests offline.
func measurePolicy(s *stand) ([]measurement, error) {
	line := `{"id":"1","principal":"arn:aws:iam::111122223333:user/ann","action":"s3:GetObject","resource":"arn:aws:s3:::b/k",` +
		`"context":{"aws:SourceIp":"10.0.0.1"},"identityPolicies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*",` +
		`"Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}]}` + "\n"
	const lines = 300_000
	cmd := exec.Command(s.binary, "policy", "eval")
	cmd.Stdin = strings.NewReader(strings.Repeat(line, lines))
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	took := time.Since(begin)
	return []measurement{{"redoubt policy eval", fmt.Sprintf("%.0f lines/s", lines/took.Seconds())}}, nil
}
