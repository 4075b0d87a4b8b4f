package elastic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// Ensures that a request that matches no operation is answered in the short form.
func TestExchange_Routing(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	for _, c := range [][3]string{
		{"GET", "/_nothing?a=b", "400 : no handler found for uri [/_nothing?a=b] and method [GET]"},
		{"POST", "/", "400 : no handler found for uri [/] and method [POST]"},
		{"DELETE", thing + "/?a",
			"405 : Incorrect HTTP method for uri [/_security/thing/?a] and method [DELETE], allowed: [GET, POST, PUT]"},
		{"PUT", thing + "/x", "405 : Incorrect HTTP method for uri [/_security/thing/x] and method [PUT], allowed: [GET]"},
	} {
		answer := s.do(c[0], c[1], "")
		if got := reasonOf(t, answer); got != c[2] ||
			(answer.Code == http.StatusMethodNotAllowed) != (answer.Header().Get("Allow") != "") {
			t.Errorf("%s, want %s; Allow: %s", got, c[2], answer.Header().Get("Allow"))
		}
	}

	if answer := s.do("GET", "/_"+strings.Repeat("x", 10000), ""); answer.Body.Len() > 2*maxURI {
		t.Errorf("%d bytes", answer.Body.Len())
	}
}

// Ensures that each kind of failure has its status and its type, and that the cause of an internal error is not shown.
func TestExchange_Kinds(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	for want, err := range map[string]error{
		"500 exception: " + edge.ServerFailed: errors.New("inside"),
		"500 exception: " + edge.ServerFailed +
			" ": fault.Wrap(fault.ServerFailed, errors.New("inside"), "inside"),
		"400 illegal_argument_exception: m":                                  fault.New(fault.InvalidData, "m", "f"),
		"400 action_request_validation_exception: m":                         fault.New(fault.RequestInvalid, "m"),
		"400 validation_exception: m":                                        fault.New(fault.ValidationFailed, "m"),
		"400 security_exception: m":                                          fault.New(fault.CredentialsUnsupported, "m"),
		"403 security_exception: m":                                          fault.New(fault.PermissionDenied, "m"),
		"403 security_exception: ECE":                                        fault.New(fault.PermissionDenied, "ECE"),
		"403 security_exception: elevated":                                   fault.New(fault.ElevationNeeded, "elevated"),
		"404 resource_not_found_exception: m":                                fault.New(fault.ResourceMissing, "m"),
		"404 resource_not_found_exception: user":                             fault.New(fault.UserNotFound, "user"),
		"409 version_conflict_engine_exception: m":                           fault.New(fault.UserNameConflict, "m"),
		"429 es_rejected_execution_exception: m":                             fault.New(fault.TooManyFailures, "m"),
		"501 status_exception: m":                                            fault.New(fault.StoreMissing, "m"),
		"502 status_exception: m":                                            fault.New(fault.StoreUnavailable, "m"),
		"503 es_rejected_execution_exception: m":                             fault.New(fault.ServerBusy, "m"),
		"406 : m":                                                            fault.New(fault.MediaTypeUnsupported, "m"),
		"400 : no handler found for uri [/_security/thing] and method [GET]": echo.ErrNotFound,
	} {
		s.fails(err)
		answer := s.do("GET", thing, "")
		if got := reasonOf(t, answer); got != strings.TrimSpace(want) ||
			strings.Contains(answer.Body.String(), "inside") {
			t.Errorf("%v: %s, want %s", err, answer.Body, want)
		}
		if answer.Header().Get("X-Cloud-Error-Codes") != "" ||
			answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%v: %v", err, answer.Header())
		}
	}
}

// Ensures that the root cause is the innermost one of Elasticsearch's own types, that positions are those of the
// members, and that stack traces are added on request and reveal nothing new.
func TestExchange_Causes(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	caused := func(by *fault.Error, around ...*fault.Error) error {
		for _, each := range around {
			each.CausedBy = by
			by = each
		}
		return by
	}

	xpe := func(field string) *fault.Error { return fault.New(fault.FieldInvalid, "in "+field, field) }
	const body = "{\"r\":\n{\"x.y\": {\"a\": 1}}}"
	for name, c := range map[string]struct {
		err         error
		query, want string
	}{
		"parse": {caused(fault.New(fault.ParseFailed, "p"), xpe("x.y"), xpe("r")), "",
			`{"error":{"root_cause":[{"type":"parse_exception","reason":"p"}],"type":"x_content_parse_exception","reason":"[1:2] in r","caused_by":` +
				`{"type":"x_content_parse_exception","reason":"[2:2] in x.y","caused_by":{"type":"parse_exception","reason":"p"}}},"status":400}`},
		"argument": {caused(fault.New(fault.InvalidData, "i"), xpe("r")), "",
			`{"error":{"root_cause":[{"type":"x_content_parse_exception","reason":"[1:2] in r"}],"type":"x_content_parse_exception","reason":"[1:2] in r",` +
				`"caused_by":{"type":"illegal_argument_exception","reason":"i"}},"status":400}`},
		"no place": {fault.New(fault.FieldInvalid, "whole"), "",
			`{"error":{"root_cause":[{"type":"x_content_parse_exception","reason":"whole"}],"type":"x_content_parse_exception","reason":"whole"},"status":400}`},
		"unknown place": {xpe("nowhere"), "",
			`{"error":{"root_cause":[{"type":"x_content_parse_exception","reason":"[1:1] in nowhere"}],"type":"x_content_parse_exception","reason":"[1:1] in nowhere"},"status":400}`},
		"trace": {caused(fault.New(fault.ParseFailed, "p"), xpe("r")), "?error_trace",
			`{"error":{"root_cause":[{"type":"parse_exception","reason":"p","stack_trace":"parse_exception: p"}],"type":"x_content_parse_exception","reason":"[1:2] in r",` +
				`"caused_by":{"type":"parse_exception","reason":"p","stack_trace":"parse_exception: p"},"stack_trace":"x_content_parse_exception: [1:2] in r"},"status":400}`},
	} {
		s.fails(c.err)
		if got := strings.TrimSpace(s.do("POST", thing+c.query, body).Body.String()); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}

	s.fails(fault.New(fault.RequestInvalid, strings.Repeat("ü", 1<<20)))
	if got := s.do("GET", thing, "").Body.Len(); got > 3*maxReason {
		t.Errorf("%d bytes", got)
	}
}

// whyError is an error with the reason why a key was refused.
type whyError string

// Error implements error.
func (e whyError) Error() string { return "inside" }

// Why implements explained.
func (e whyError) Why() string { return string(e) }

// Ensures that an unauthenticated request receives the challenges, and the reason why its credentials were refused.
func TestExchange_Unauthenticated(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	s.fails(fault.Wrap(fault.CredentialsInvalid, whyError("api key is expired"), "m", "Authorization"))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth("bob", "x")
	const other = "unable to authenticate with provided credentials and anonymous access is not allowed for this request"
	for credentials, want := range map[string]string{
		"":                            "missing authentication credentials for REST request [/_security/thing?owner=true]",
		" ":                           "missing authentication credentials for REST request [/_security/thing?owner=true]",
		r.Header.Get("Authorization"): "unable to authenticate user [bob] for REST request [/_security/thing?owner=true]",
		"Basic %%%":                   other,
		"APIKey xyz":                  other,
		"Bearer xyz":                  other,
	} {
		answer := s.do("GET", thing+"?owner=true", "", "Authorization: "+credentials)
		if got := reasonOf(t, answer); got != "401 security_exception: "+want {
			t.Errorf("%s: %s", credentials, got)
		}
		var read struct{ Error exceptionWithRoot }
		if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		challenges := fmt.Sprint(challenges)
		root := read.Error.RootCause[0]
		for name, got := range map[string][]string{
			"header": map[string][]string(answer.Header())[echo.HeaderWWWAuthenticate],
			"error":  read.Error.Header["WWW-Authenticate"],
			"root":   root.Header["WWW-Authenticate"],
		} {
			if fmt.Sprint(got) != challenges {
				t.Errorf("%s: %s has the challenges %q", credentials, name, got)
			}
		}
		if why := "API key: api key is expired"; read.Error.Unsuccessful != why || root.Unsuccessful != why {
			t.Errorf("%s: %s", credentials, answer.Body)
		}
	}

	if got := s.do("GET", thing+"?error_trace&filter_path=error.stack_trace", "").Body.String(); !strings.Contains(
		got,
		`"security_exception: missing authentication`,
	) {
		t.Errorf("the trace is %s", got)
	}

	s.fails(fault.New(fault.Code{Name: "security_exception", Kind: fault.Unauthenticated}, "own words"))
	if got := reasonOf(t, s.do("GET", thing, "")); got != "401 security_exception: own words" {
		t.Error(got)
	}
}
