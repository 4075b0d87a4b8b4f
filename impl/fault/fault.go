// Package fault defines the errors that the domain packages return to callers. Only the HTTP layer translates them to
// responses.
package fault

import (
	"errors"
	"time"
)

// Kind is a class of codes that the HTTP layer answers with the same status.
type Kind int

// The kinds of errors. The zero value, Internal, shows nothing to a caller.
const (
	Internal Kind = iota
	InvalidInput
	Unauthenticated
	Forbidden
	ElevationRequired
	NotFound
	MethodNotAllowed
	Conflict
	TooLarge
	UnsupportedMediaType
	NotAcceptable
	RateLimited
	NotConfigured
	Unavailable
	Overloaded
)

// Error is an error that is shown to the caller: Message and Fields are rendered, the cause is only logged.
type Error struct {
	Code    Code
	Message string
	// Fields names the members, parameters or headers at fault.
	Fields []string
	// RetryAfter is the time after which to retry the request; zero if the response has no Retry-After header.
	RetryAfter time.Duration
	// CausedBy is the nested error that Elasticsearch operations render as caused_by; nil if there is none.
	CausedBy *Error
	// Next is the operationId of the operation to call next, or "". The HTTP layer adds its path to the message.
	Next string

	cause error
}

// New returns an error with a code, a message, and the names of the fields at fault.
func New(code Code, message string, fields ...string) *Error {
	return &Error{Code: code, Message: message, Fields: fields}
}

// Wrap is like New with a cause, which is logged and never rendered.
func Wrap(code Code, cause error, message string, fields ...string) *Error {
	return &Error{Code: code, Message: message, Fields: fields, cause: cause}
}

// Error implements error. The text is for logs, as it includes the cause.
func (e *Error) Error() string {
	text := e.Code.Name + ": " + e.Message
	if e.CausedBy != nil {
		text += ": " + e.CausedBy.Error()
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Has reports whether err is or wraps an *Error with the code.
func Has(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
