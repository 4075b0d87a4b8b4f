// Package fault is the one vocabulary of errors inside the program. The domain says what went wrong; only the HTTP edge
// knows how that looks on the wire.
package fault

import (
	"errors"
	"time"
)

// Kind groups codes that the edge answers alike.
type Kind int

// The kinds of failure. The zero value is the one that tells a caller nothing.
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

// Error is a failure that its caller may be told about: Message and Fields are rendered, the cause only logged.
type Error struct {
	Code    Code
	Message string
	// Fields names the members, parameters or headers at fault.
	Fields []string
	// RetryAfter is when to try again; zero means that the answer says nothing about it.
	RetryAfter time.Duration
	// CausedBy is the failure within this one that a caller of Elasticsearch's operations is told too; nil if there is none.
	CausedBy *Error
	// Link is the path of what to call next; empty if there is no such thing.
	Link string

	cause error
}

// New returns a failure with a code, a text for people, and the names of the fields at fault.
func New(code Code, message string, fields ...string) *Error {
	return &Error{Code: code, Message: message, Fields: fields}
}

// Wrap is New with a cause, which is logged and never rendered.
func Wrap(code Code, cause error, message string, fields ...string) *Error {
	return &Error{Code: code, Message: message, Fields: fields, cause: cause}
}

// Error implements error, for logs: it includes the cause.
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

// Has tells whether err is, or wraps, a failure with the code.
func Has(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
