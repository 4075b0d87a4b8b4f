package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error is a refusal by the server, or a failure to get an answer. Its text and members contain no credentials.
type Error struct {
	// Method and Path are those of the request that failed. It is one to sign in, or to refresh or elevate the session, if
	// the caller's request needed it first.
	Method, Path string
	// Status is the HTTP status; 0 if there was no answer.
	Status int
	// Code is the code of an operation below /api/v1, such as api_keys.key_not_found.
	Code string
	// Type and Reason are those of Elasticsearch's operations, such as security_exception.
	Type, Reason string
	// Message is the text of an operation below /api/v1, or of the client.
	Message string
	// Fields names the members, parameters or headers at fault.
	Fields []string
	// RequestID identifies the request in the log of the server.
	RequestID string
	// RetryAfter is the server's advice after which time to try again; 0 if it gave none.
	RetryAfter time.Duration
	// Attempts is the number of times that the request was sent.
	Attempts int
	// Uncertain is set if the server may have carried the request out, in any attempt, and it was not a read.
	Uncertain bool

	cause error
	// unsent is set if the request certainly did not reach the server; permanent, if it is of no use to try again.
	unsent, permanent bool
}

// Error implements error.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(strings.TrimSpace("sallyport: " + e.Method + " " + e.Path))
	if e.Status != 0 {
		fmt.Fprintf(&text, ": %d", e.Status)
		if name := http.StatusText(e.Status); name != "" {
			text.WriteString(" " + name)
		}
	}
	for _, part := range []string{cmp.Or(e.Code, e.Type), cmp.Or(e.Message, e.Reason)} {
		if part != "" {
			text.WriteString(": " + part)
		}
	}
	if e.cause != nil {
		text.WriteString(": " + e.cause.Error())
	}
	if e.Uncertain {
		text.WriteString("; the request may have taken effect")
	}
	if e.RequestID != "" {
		text.WriteString(" (request " + e.RequestID + ")")
	}
	return text.String()
}

// Unwrap returns the cause, such as the context's error, or nil.
func (e *Error) Unwrap() error { return e.cause }

// IsNotFound reports whether the server answered that the object does not exist, or is another user's (404).
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict reports whether the object exists already (409).
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsInvalid reports whether the content of the request was refused (400, 413, 415 and others).
func IsInvalid(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == 0 && len(e.Fields) > 0 ||
		hasStatus(err, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
}

// IsUnauthenticated reports whether the credentials are missing, wrong or expired (401).
func IsUnauthenticated(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports whether the caller lacks the permission (403).
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsElevationNeeded reports whether the caller must take elevated permissions first.
func IsElevationNeeded(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	// Elasticsearch's operations know no status of their own for it: the text says where to take them.
	return e.Status == statusElevationRequired ||
		e.Status == http.StatusForbidden && (e.Code == "root.unauthorized.second_factor_required" ||
			e.Type == "security_exception" && strings.HasSuffix(e.Reason, " at "+apiPath+"/users/auth/_elevate"))
}

// IsRateLimited reports whether the address has too many failed attempts (429).
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// IsUnavailable reports whether there was no answer, or one of 502, 503 or 504: trying again later may help.
func IsUnavailable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == 0 && e.Attempts > 0 ||
		hasStatus(err, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout)
}

// IsUncertain reports whether the request failed, but may have taken effect.
func IsUncertain(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Uncertain
}

func hasStatus(err error, statuses ...int) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	return slices.Contains(statuses, e.Status)
}

// needsRecentPassword reports whether the caller must prove the password again.
func (e *Error) needsRecentPassword() bool {
	return e.Status == http.StatusForbidden && e.Code == "root.unauthorized.recent_password_required"
}

// needsCode reports whether a sign-in needs a one-time code, too. The password was right then.
func needsCode(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == "root.unauthenticated.second_factor_required"
}

// shed reports whether the server, and not a proxy, refused the request under load.
func (e *Error) shed() bool {
	return e.Status == http.StatusServiceUnavailable &&
		(e.Code == "root.overloaded" || e.Type == "es_rejected_execution_exception")
}

// statusElevationRequired is ECE's status for callers that need elevated permissions.
const statusElevationRequired = 449

const (
	// maxText limits the texts of an error, in bytes.
	maxText = 2 << 10
	// maxFields limits the number of Fields.
	maxFields = 100
)

// failures has the bodies of both families' failures.
type failures struct {
	Errors []struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Fields  []string `json:"fields"`
	} `json:"errors"`
	Error       json.RawMessage `json:"error"`
	Description string          `json:"error_description"`
}

// readFailure reads the body of a failure, as far as it is one of this server.
func (e *Error) readFailure(body []byte) {
	var read failures
	if json.Unmarshal(body, &read) != nil {
		return
	}

	if len(read.Errors) > 0 {
		first := read.Errors[0]
		e.Code, e.Message = clip(first.Code), clip(first.Message)
		for _, name := range first.Fields[:min(len(first.Fields), maxFields)] {
			e.Fields = append(e.Fields, clip(name))
		}
	}

	var exception struct{ Type, Reason string }
	var text string
	switch {
	case json.Unmarshal(read.Error, &exception) == nil:
		e.Type, e.Reason = clip(exception.Type), clip(exception.Reason)
	case json.Unmarshal(read.Error, &text) == nil && read.Description != "": // RFC 6749, section 5.2
		e.Type, e.Reason = clip(text), clip(read.Description)
	default:
		e.Reason = clip(text)
	}
}

func clip(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// readRetryAfter reads the header Retry-After, seconds or a date (RFC 9110, section 10.2.3).
func readRetryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return max(0, min(time.Duration(seconds), 24*3600)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// asError returns an error that the generated client returned as an *Error. Those of the transport are: others are
// about a body that cannot be written or read, so the request may have taken effect.
func asError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Message: "the body of the request cannot be written, or that of the answer not read", cause: err,
		Uncertain: true}
}
