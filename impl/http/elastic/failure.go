package elastic

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// challenges are the ways to authenticate, one header line each.
var challenges = []string{`Basic realm="security", charset="UTF-8"`, `Bearer realm="security"`, "ApiKey"}

// Types of Elasticsearch's exceptions that other code refers to.
const (
	illegalArgument  = "illegal_argument_exception"
	resourceNotFound = "resource_not_found_exception"
	securityDenied   = "security_exception"
)

// exceptions lists the exception types of codes that have one of their own.
var exceptions = map[fault.Code]string{
	fault.CredentialsMalformed:   "status_exception",
	fault.CredentialsUnsupported: securityDenied,
	fault.FieldInvalid:           "x_content_parse_exception",
	fault.MediaTypeIncompatible:  "media_type_header_exception",
	fault.MemberMissing:          "parsing_exception",
	fault.ParseFailed:            "parse_exception",
	fault.ProfileMissing:         "document_missing_exception",
	fault.RequestInvalid:         "action_request_validation_exception",
	fault.ValidationFailed:       "validation_exception",
}

// kinds lists the status of each kind of fault, and the exception type of its codes that are not in exceptions. The
// type status_exception adds nothing to the status.
var kinds = map[fault.Kind]struct {
	status    int
	exception string
}{
	fault.Internal:             {http.StatusInternalServerError, "exception"},
	fault.InvalidInput:         {http.StatusBadRequest, illegalArgument},
	fault.Unauthenticated:      {http.StatusUnauthorized, securityDenied},
	fault.Forbidden:            {http.StatusForbidden, securityDenied},
	fault.ElevationRequired:    {http.StatusForbidden, securityDenied},
	fault.NotFound:             {http.StatusNotFound, resourceNotFound},
	fault.MethodNotAllowed:     {http.StatusMethodNotAllowed, "status_exception"},
	fault.Conflict:             {http.StatusConflict, "version_conflict_engine_exception"},
	fault.TooLarge:             {http.StatusRequestEntityTooLarge, "content_too_long_exception"},
	fault.UnsupportedMediaType: {http.StatusUnsupportedMediaType, "status_exception"},
	fault.NotAcceptable:        {http.StatusNotAcceptable, "media_type_header_exception"},
	fault.RateLimited:          {http.StatusTooManyRequests, "es_rejected_execution_exception"},
	fault.NotConfigured:        {http.StatusNotImplemented, "status_exception"},
	fault.Unavailable:          {http.StatusBadGateway, "status_exception"},
	fault.Overloaded:           {http.StatusServiceUnavailable, "es_rejected_execution_exception"},
}

// exception is a failure, or a cause of one, as Elasticsearch writes it.
type exception struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	// Unsuccessful is the reason why well-formed credentials were refused.
	Unsuccessful string              `json:"additional_unsuccessful_credentials,omitempty"`
	CausedBy     *exception          `json:"caused_by,omitempty"`
	Header       map[string][]string `json:"header,omitempty"`
	StackTrace   string              `json:"stack_trace,omitempty"`
}

type exceptionWithRoot struct {
	RootCause []exception `json:"root_cause"`
	exception
}

type failure struct {
	Error  exceptionWithRoot `json:"error"`
	Status int               `json:"status"`
}

// shortFailure is the body of Elasticsearch's answers to requests that reach no operation.
type shortFailure struct {
	Error  string `json:"error"`
	Status int    `json:"status,omitempty"`
	// Description is for OAuth 2.0's errors only (RFC 6749, section 5.2).
	Description string `json:"error_description,omitempty"`
}

// Failure implements edge.Exchange.
func (x *exchange) Failure(c echo.Context, f *fault.Error) (status int, body any) {
	method := contract.Clip(c.Request().Method)
	status = kinds[f.Code.Kind].status
	switch f.Code {
	case fault.RouteNotFound:
		return http.StatusBadRequest, shortFailure{
			Error: "no handler found for uri [" + x.uri + "] and method [" + method + "]",
		}
	case fault.WrongMethod:
		text := "Incorrect HTTP method for uri [" + x.uri + "] and method [" + method + "], allowed: [" + allowed(
			c,
		) + "]"
		return status, shortFailure{Error: text, Status: status}
	case fault.MediaTypeUnsupported:
		return status, shortFailure{Error: f.Message, Status: status}
	case fault.GrantInvalid:
		return status, shortFailure{Error: "invalid_grant", Description: f.Message}
	}

	described := x.exception(f, nil)
	if status == http.StatusUnauthorized {
		c.Response().Header()[echo.HeaderWWWAuthenticate] = challenges
		x.explainCredentials(described, f, c.Request())
	}

	return status, failure{exceptionWithRoot{[]exception{*described.root()}, *described}, status}
}

// allowed returns the methods of the path. OPTIONS is left out, as every path has it.
func allowed(c echo.Context) string {
	methods := strings.Split(c.Response().Header().Get(echo.HeaderAllow), ", ")
	return strings.Join(slices.DeleteFunc(methods, func(m string) bool { return m == http.MethodOptions }), ", ")
}

// maxReason bounds the text of a failure, in bytes, because it may quote the request.
const maxReason = 8 << 10

// exception returns the exception of a fault. path is that of the member which the enclosing fault is about.
func (x *exchange) exception(failed *fault.Error, path []string) *exception {
	e := &exception{Type: typeOf(failed.Code), Reason: contract.ClipTo(failed.Message, maxReason)}
	if failed.Next != "" {
		e.Reason += " at " + x.api.contract.Path(failed.Next)
	}
	if failed.Code.Kind == fault.Internal {
		e.Reason = edge.ServerFailed
	}

	if failed.Code == fault.FieldInvalid && len(failed.Fields) > 0 {
		if !slices.Equal(failed.Fields, []string{""}) {
			path = slices.Concat(path, failed.Fields)
		}
		e.Reason = place(xcontent.Locate(x.body, path...)) + e.Reason
	}

	if x.trace {
		e.StackTrace = e.Type + ": " + e.Reason
	}
	if failed.CausedBy != nil {
		e.CausedBy = x.exception(failed.CausedBy, path)
	}

	return e
}

func typeOf(code fault.Code) string {
	if name, ok := exceptions[code]; ok {
		return name
	}
	return kinds[code.Kind].exception
}

// root returns the innermost cause of Elasticsearch's own types, without its own cause. An illegal argument is a type
// of the Java language, so the search ends before it.
func (e *exception) root() *exception {
	if e.CausedBy != nil && e.CausedBy.Type != illegalArgument {
		return e.CausedBy.root()
	}
	alone := *e
	alone.CausedBy = nil
	return &alone
}

// explained is an error with the reason why a credential was refused, in words for its holder.
type explained interface {
	error
	Why() string
}

// explainCredentials adds the reason why a request's credentials were refused, as far as callers may know it.
func (x *exchange) explainCredentials(e *exception, failed *fault.Error, r *http.Request) {
	e.Header = map[string][]string{echo.HeaderWWWAuthenticate: challenges}
	if failed.Code != fault.CredentialsInvalid {
		return
	}

	e.Reason = x.unauthenticated(r)
	if e.StackTrace != "" {
		e.StackTrace = e.Type + ": " + e.Reason
	}

	if why, ok := errors.AsType[explained](failed); ok {
		e.Unsuccessful = "API key: " + contract.Clip(why.Why())
	}
}

// unauthenticated returns Elasticsearch's text for a request with refused credentials.
func (x *exchange) unauthenticated(r *http.Request) string {
	values := r.Header.Values(echo.HeaderAuthorization)
	if strings.TrimSpace(strings.Join(values, "")) == "" {
		return "missing authentication credentials for REST request [" + x.uri + "]"
	}
	if name, _, ok := r.BasicAuth(); ok && len(values) == 1 {
		return "unable to authenticate user [" + contract.Clip(name) + "] for REST request [" + x.uri + "]"
	}
	return "unable to authenticate with provided credentials and anonymous access is not allowed for this request"
}
