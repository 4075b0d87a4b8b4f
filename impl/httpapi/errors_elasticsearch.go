package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// elasticsearchChallenges are the ways to authenticate, one header line each.
var elasticsearchChallenges = []string{`Basic realm="security", charset="UTF-8"`, `Bearer realm="security"`, "ApiKey"}

// Types of Elasticsearch's exceptions that other code refers to.
const (
	illegalArgument  = "illegal_argument_exception"
	resourceNotFound = "resource_not_found_exception"
	securityDenied   = "security_exception"
)

// exceptionsByCode lists Elasticsearch's exception types of the codes that have one of their own.
var exceptionsByCode = map[fault.Code]string{
	fault.CredentialsUnsupported: securityDenied,
	fault.FieldInvalid:           "x_content_parse_exception",
	fault.MediaTypeIncompatible:  "media_type_header_exception",
	fault.ParseFailed:            "parse_exception",
	fault.RequestInvalid:         "action_request_validation_exception",
}

// exceptionsByKind lists the exception types of all other codes. A status_exception says no more than its status.
var exceptionsByKind = map[fault.Kind]string{
	fault.Internal:             "exception",
	fault.InvalidInput:         illegalArgument,
	fault.Unauthenticated:      securityDenied,
	fault.Forbidden:            securityDenied,
	fault.ElevationRequired:    securityDenied,
	fault.NotFound:             resourceNotFound,
	fault.MethodNotAllowed:     "status_exception",
	fault.Conflict:             "version_conflict_engine_exception",
	fault.TooLarge:             "content_too_long_exception",
	fault.UnsupportedMediaType: "status_exception",
	fault.NotAcceptable:        "media_type_header_exception",
	fault.RateLimited:          "es_rejected_execution_exception",
	fault.NotConfigured:        "status_exception",
	fault.Unavailable:          "status_exception",
	fault.Overloaded:           "es_rejected_execution_exception",
}

// exception is a failure, or a cause of one, as Elasticsearch writes it.
type exception struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	// Unsuccessful says why credentials that could be read did not do.
	Unsuccessful string              `json:"additional_unsuccessful_credentials,omitempty"`
	CausedBy     *exception          `json:"caused_by,omitempty"`
	Header       map[string][]string `json:"header,omitempty"`
	StackTrace   string              `json:"stack_trace,omitempty"`
}

type exceptionWithRoot struct {
	RootCause []exception `json:"root_cause"`
	exception
}

type elasticsearchFailure struct {
	Error  exceptionWithRoot `json:"error"`
	Status int               `json:"status"`
}

// briefFailure is how Elasticsearch answers what it did not look at any further.
type briefFailure struct {
	Error  string `json:"error"`
	Status int    `json:"status,omitempty"`
	// Description is for OAuth 2.0's errors only (RFC 6749, section 5.2).
	Description string `json:"error_description,omitempty"`
}

// failure answers a failure as Elasticsearch does.
func (f *face) failure(c echo.Context, failed *fault.Error) (status int, body any) {
	method := clip(c.Request().Method)
	status = statuses[failed.Code.Kind]
	switch failed.Code {
	case fault.RouteNotFound:
		return http.StatusBadRequest, briefFailure{Error: "no handler found for uri [" + f.uri + "] and method [" + method + "]"}
	case fault.WrongMethod:
		return status, briefFailure{Error: "Incorrect HTTP method for uri [" + f.uri + "] and method [" + method + "], allowed: [" + allowed(c) + "]", Status: status}
	case fault.MediaTypeUnsupported:
		return status, briefFailure{Error: failed.Message, Status: status}
	case fault.GrantInvalid:
		return status, briefFailure{Error: "invalid_grant", Description: failed.Message}
	}
	if failed.Code.Kind == fault.ElevationRequired {
		status = http.StatusForbidden // the status that ECE has for it is nobody else's
	}
	told := f.exception(failed, nil)
	if status == http.StatusUnauthorized {
		c.Response().Header()[echo.HeaderWWWAuthenticate] = elasticsearchChallenges
		f.explainCredentials(told, failed, c.Request())
	}
	return status, elasticsearchFailure{exceptionWithRoot{[]exception{*told.root()}, *told}, status}
}

// allowed are the methods that the path has. Every path has OPTIONS, so that is not worth a word.
func allowed(c echo.Context) string {
	methods := strings.Split(c.Response().Header().Get(echo.HeaderAllow), ", ")
	return strings.Join(slices.DeleteFunc(methods, func(m string) bool { return m == http.MethodOptions }), ", ")
}

// maxReason bounds the text of a failure, in bytes: it may quote the request.
const maxReason = 8 << 10

// exception writes a failure; the path leads to the member that the failures around it are about.
func (f *face) exception(failed *fault.Error, path []string) *exception {
	e := &exception{Type: typeOf(failed.Code), Reason: clipTo(failed.Message, maxReason)}
	if failed.Code.Kind == fault.Internal {
		e.Reason = serverFailed
	}
	if failed.Code == fault.FieldInvalid && len(failed.Fields) > 0 {
		if !slices.Equal(failed.Fields, []string{""}) {
			path = slices.Concat(path, failed.Fields)
		}
		e.Reason = place(xcontent.Locate(f.body, path...)) + e.Reason
	}
	if f.trace {
		e.StackTrace = e.Type + ": " + e.Reason
	}
	if failed.CausedBy != nil {
		e.CausedBy = f.exception(failed.CausedBy, path)
	}
	return e
}

func typeOf(code fault.Code) string {
	if name, ok := exceptionsByCode[code]; ok {
		return name
	}
	return exceptionsByKind[code.Kind]
}

// root returns the innermost cause of Elasticsearch's own types, without its own cause. An illegal argument is a type of
// the Java language, so the search ends before it.
func (e *exception) root() *exception {
	if e.CausedBy != nil && e.CausedBy.Type != illegalArgument {
		return e.CausedBy.root()
	}
	alone := *e
	alone.CausedBy = nil
	return &alone
}

// explained is an error that says why a credential did not do, for its holder to read.
type explained interface {
	error
	Why() string
}

// explainCredentials says what was wrong with a request's credentials, as far as it may be known.
func (f *face) explainCredentials(e *exception, failed *fault.Error, r *http.Request) {
	e.Header = map[string][]string{echo.HeaderWWWAuthenticate: elasticsearchChallenges}
	if failed.Code != fault.CredentialsInvalid {
		return
	}
	e.Reason = f.unauthenticated(r)
	if e.StackTrace != "" {
		e.StackTrace = e.Type + ": " + e.Reason
	}
	var why explained
	if errors.As(failed, &why) {
		e.Unsuccessful = "API key: " + clip(why.Why())
	}
}

// unauthenticated words the refusal of a request by what it carries.
func (f *face) unauthenticated(r *http.Request) string {
	values := r.Header.Values(echo.HeaderAuthorization)
	if strings.TrimSpace(strings.Join(values, "")) == "" {
		return "missing authentication credentials for REST request [" + f.uri + "]"
	}
	if name, _, ok := r.BasicAuth(); ok && len(values) == 1 {
		return "unable to authenticate user [" + clip(name) + "] for REST request [" + f.uri + "]"
	}
	return "unable to authenticate with provided credentials and anonymous access is not allowed for this request"
}
