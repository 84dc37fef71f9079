package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/app"
	"redoubt/internal/patient"
)

// administratorRole is the role that AWS Organizations makes in each account it creates.
const administratorRole = "OrganizationAccountAccessRole"

func accountCommand() *command {
	return &command{
		name: "account", summary: "Manages the accounts of a server.",
		sub: []*command{{
			name: "create", summary: "Makes another account, apart from all others.",
			usage: "--name NAME [--email ADDRESS] [flags]",
			help: `The server must be running. It is asked through its own API (organizations:CreateAccount), as any client would.
Enter the account with: eval "$(redoubt env --account NUMBER)"`,
			setup: setupAccountCreate,
		}},
	}
}

func setupAccountCreate(flags *flag.FlagSet) func(context.Context, terminal, []string) error {
	var data, seal, name, email string
	dataFlag(flags, &data)
	sealFlag(flags, &seal)
	flags.StringVar(&name, "name", "", "call the account `NAME`")
	flags.StringVar(&email, "email", "", "reach its owner at `ADDRESS`; default: NAME@localhost.localdomain")
	return func(ctx context.Context, t terminal, args []string) error {
		if err := noArguments(args); err != nil {
			return err
		}
		if name == "" {
			return usagef("--name NAME is missing")
		}
		if email == "" {
			email = name + "@localhost.localdomain"
		}
		c, err := client(ctx, data, seal)
		if err != nil {
			return err
		}
		id, err := createAccount(ctx, c, name, email)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(t.out, id)
		return err
	}
}

func createAccount(ctx context.Context, c *app.Client, name, email string) (string, error) {
	cfg, err := sdkConfig(c)
	if err != nil {
		return "", err
	}
	out, err := organizations.NewFromConfig(cfg).CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: &name, Email: &email})
	if err != nil {
		return "", fmt.Errorf("creating the account: %w", err)
	}
	status := out.CreateAccountStatus
	if status.State != types.CreateAccountStateSucceeded {
		return "", fmt.Errorf("creating the account: %s: %s", status.State, status.FailureReason)
	}
	return aws.ToString(status.AccountId), nil
}

// assumeAdministrator enters another account of the server.
func assumeAdministrator(ctx context.Context, c *app.Client, account string) ([]setting, error) {
	cfg, err := sdkConfig(c)
	if err != nil {
		return nil, err
	}
	out, err := sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + account + ":role/" + administratorRole),
		RoleSessionName: aws.String("redoubt-env"),
	})
	if err != nil {
		return nil, fmt.Errorf("entering account %s: %w", account, err)
	}
	return []setting{
		{"AWS_ACCESS_KEY_ID", *out.Credentials.AccessKeyId}, {"AWS_SECRET_ACCESS_KEY", *out.Credentials.SecretAccessKey},
		{"AWS_SESSION_TOKEN", *out.Credentials.SessionToken},
	}, nil
}

// sdkConfig connects an AWS SDK to the server, as its operator.
func sdkConfig(c *app.Client) (aws.Config, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return aws.Config{}, err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text)
	}
	return aws.Config{
		Region: c.Region, BaseEndpoint: &c.Endpoint, RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: patient.Transport{Transport: transport}, Timeout: 30 * time.Second},
		Credentials: credentials.NewStaticCredentialsProvider(c.Operator.AccessKey, c.Operator.SecretKey, ""),
	}, nil
}
