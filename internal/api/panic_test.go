package api

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A fault in a method is an error of its call, not the end of the connection without an answer or a record.
func TestAPanicIsAnErrorOfTheCall(t *testing.T) {
	op := Op(func(context.Context, *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
		panic("fault")
	}, Anything)
	out, err := op.call(t.Context(), &sts.GetCallerIdentityInput{})
	if out != nil || err == nil || !strings.Contains(err.Error(), "panic: fault") {
		t.Errorf("got %v, %v", out, err)
	}
}
