package lambda_test

import (
	_ "github.com/aws/aws-lambda-go/lambda" // keeps the module in go.mod: functions in testdata, which the tests build, use it
)
