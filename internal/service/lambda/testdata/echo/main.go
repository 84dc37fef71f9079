// Command echo is a function for tests: it answers with its event.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Say  string `json:"say"`
	Fail string `json:"fail"`
	Exit *int   `json:"exit"`
}

func main() {
	lambda.Start(func(ctx context.Context, raw json.RawMessage) (map[string]any, error) {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		if e.Exit != nil {
			os.Exit(*e.Exit)
		}
		if e.Fail != "" {
			return nil, errors.New(e.Fail)
		}
		c, _ := lambdacontext.FromContext(ctx)
		return map[string]any{"said": e.Say, "arn": c.InvokedFunctionArn, "name": lambdacontext.FunctionName}, nil
	})
}
