package roledescriptor

import "fmt"

// Types of errors, as Elasticsearch names them in its answers. All of them are faults of the request (status 400).
const (
	ParseException           = "parse_exception"
	IllegalArgumentException = "illegal_argument_exception"
	XContentParseException   = "x_content_parse_exception"
)

// Error is a refusal that Elasticsearch's clients can read.
type Error struct {
	// Type is one of the types above.
	Type string
	// Reason is for people. It quotes what was sent. That of an XContentParseException lacks the position ("[1:20] ") that
	// Elasticsearch puts before it.
	Reason string
	// Cause is what the client sees as caused_by, or nil.
	Cause *Error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Reason + ": " + e.Cause.Error()
	}
	return e.Reason
}

// Unwrap gives errors.As the causes.
func (e *Error) Unwrap() error {
	if e.Cause == nil {
		return nil // and not a nil *Error
	}
	return e.Cause
}

// Root returns what the client sees as root_cause: the innermost cause of Elasticsearch's own types. An illegal argument
// is a type of the Java language, so the search ends before it.
func (e *Error) Root() *Error {
	if e.Cause == nil || e.Cause.Type == IllegalArgumentException {
		return e
	}
	return e.Cause.Root()
}

func parseError(format string, values ...any) *Error {
	return &Error{Type: ParseException, Reason: fmt.Sprintf(format, values...)}
}

func illegalArgument(format string, values ...any) *Error {
	return &Error{Type: IllegalArgumentException, Reason: fmt.Sprintf(format, values...)}
}

// within wraps an error of this package as Elasticsearch's object parsers do: a field of theirs could not be read.
func within(parser, field string, err error) error {
	wrapper := &Error{Type: XContentParseException, Reason: fmt.Sprintf("[%s] failed to parse field [%s]", parser, field)}
	wrapper.Cause, _ = err.(*Error) //nolint:errorlint // made in this package and never wrapped otherwise
	return wrapper
}
