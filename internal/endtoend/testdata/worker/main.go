// Command worker is a function for tests: it prints, waits, asks who it is, and answers with what it was told.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	Eat   int           `json:"eat"`  // MiB
	Fork  int           `json:"fork"` // processes that are left behind
	Leak  int           `json:"leak"` // files that stay open
	Exit  int           `json:"exit"`
	Fail  string        `json:"fail"`
}

type answer struct {
	Said  string `json:"said"`
	Value string `json:"value"` // of the environment variable VALUE
	ARN   string `json:"arn,omitempty"`
}

func main() { lambda.Start(work) }

// eaten and leaked are kept, so that memory and files stay taken.
var (
	eaten  [][]byte
	leaked []*os.File
)

func misbehave(e event) error {
	for range e.Eat {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		eaten = append(eaten, b)
	}
	for range e.Fork {
		if err := exec.Command("/bin/sh", "-c", "sleep 1000").Start(); err != nil {
			return err
		}
	}
	for range e.Leak {
		f, err := os.Open("/dev/null")
		if err != nil {
			return err
		}
		leaked = append(leaked, f)
	}
	if e.Exit != 0 {
		os.Exit(e.Exit)
	}
	if e.Fail != "" {
		return errors.New(e.Fail)
	}
	return nil
}

func work(ctx context.Context, e event) (*answer, error) {
	if e.Print != "" {
		fmt.Println(e.Print)
	}
	time.Sleep(e.Wait)
	if e.After != "" {
		fmt.Println(e.After)
	}
	if err := misbehave(e); err != nil {
		return nil, err
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
