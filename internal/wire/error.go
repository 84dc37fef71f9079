package wire

import (
	"fmt"

	"github.com/aws/smithy-go"
)

// Error is an error of an API that its model does not describe. It is a
// smithy.APIError with a status of its own.
type Error struct {
	Code, Message string
	Status        int
	Header        map[string]string // headers of the answer besides the protocol's own
	Detail        []Detail          // what the answer says besides code and message, where it is XML
}

// Detail is an element of an error in XML.
type Detail struct{ Name, Text string }

// Errorf makes an Error; the message is formatted as by fmt.Sprintf.
func Errorf(code string, status int, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return "api error " + e.Code + ": " + e.Message }

// ErrorCode is the code that clients match.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage is the text for people.
func (e *Error) ErrorMessage() string { return e.Message }

// HTTPStatus is the status of the response.
func (e *Error) HTTPStatus() int { return e.Status }

// ErrorFault blames the server for a status from 500 on, else the client.
func (e *Error) ErrorFault() smithy.ErrorFault {
	if e.Status >= 500 {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// malformed reports a message that cannot be read as the operation's input.
func malformed(format string, args ...any) *Error {
	return Errorf("SerializationException", 400, format, args...)
}
