// Command worker is a function for tests: it prints, waits, asks who it is, and answers with what it was told.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

type event struct {
	Say   string        `json:"say"`
	Print string        `json:"print"`
	Wait  time.Duration `json:"wait"`
	After string        `json:"after"` // printed after the wait
	Who   bool          `json:"who"`
}

type answer struct {
	Said  string `json:"said"`
	Value string `json:"value"` // of the environment variable VALUE
	ARN   string `json:"arn,omitempty"`
}

func main() { lambda.Start(work) }

func work(ctx context.Context, e event) (*answer, error) {
	if e.Print != "" {
		fmt.Println(e.Print)
	}
	time.Sleep(e.Wait)
	if e.After != "" {
		fmt.Println(e.After)
	}
	a := &answer{Said: e.Say, Value: os.Getenv("VALUE")}
	if !e.Who {
		return a, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	a.ARN = *me.Arn
	return a, nil
}
