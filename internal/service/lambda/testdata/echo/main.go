// Command echo is a function for tests: it answers with its event.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

type event struct {
	Say  string `json:"say"`
	Fail string `json:"fail"`
	Exit *int   `json:"exit"`
	Who  bool   `json:"who"`

	Sleep time.Duration `json:"sleep"` // milliseconds
	Print string        `json:"print"`
	Panic string        `json:"panic"`
}

func main() {
	lambda.Start(func(ctx context.Context, raw json.RawMessage) (map[string]any, error) {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		if e.Print != "" {
			fmt.Println(e.Print)
		}
		time.Sleep(e.Sleep * time.Millisecond)
		if e.Panic != "" {
			panic(e.Panic)
		}
		if e.Exit != nil {
			os.Exit(*e.Exit)
		}
		if e.Fail != "" {
			return nil, errors.New(e.Fail)
		}
		if e.Who {
			return whoAmI(ctx)
		}
		c, _ := lambdacontext.FromContext(ctx)
		return map[string]any{"said": e.Say, "arn": c.InvokedFunctionArn, "name": lambdacontext.FunctionName}, nil
	})
}

// whoAmI asks the server, with the credentials and at the address that the environment gives.
func whoAmI(ctx context.Context) (map[string]any, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	return map[string]any{"arn": *me.Arn}, nil
}
