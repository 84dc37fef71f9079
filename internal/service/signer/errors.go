package signer

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/signer/types"
)

func text(format string, args []any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

func invalid(format string, args ...any) error {
	return &types.ValidationException{Message: text(format, args)}
}

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: text(format, args)}
}

func conflict(format string, args ...any) error {
	return &types.ConflictException{Message: text(format, args)}
}

func badRequest(format string, args ...any) error {
	return &types.BadRequestException{Message: text(format, args)}
}

func noProfile(name string) error { return notFound("profile with name %s does not exist", name) }

func noJob(id string) error { return notFound("Signing job %s does not exist", id) }
