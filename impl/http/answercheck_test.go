package http_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// contract is the document that answers are checked against. Here, unlike in a client's eyes, a member that it does not
// declare is an error.
var contract, router = func() (*openapi3.T, routers.Router) {
	for _, mediaType := range []string{"text/html", "application/samlmetadata+xml"} {
		openapi3filter.RegisterBodyDecoder(mediaType,
			func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
				text, err := io.ReadAll(body)
				return string(text), err
			})
	}

	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		panic(err)
	}

	closed := false
	for name, schema := range document.Components.Schemas {
		// Free JSON stays free, and maps say themselves what they hold.
		if schema.Value.Type.Is(openapi3.TypeObject) && name != "FreeObject" &&
			schema.Value.AdditionalProperties.Schema == nil {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}

	router, err := gorillamux.NewRouter(document)
	if err != nil {
		panic(err)
	}

	return document, router
}()

// exercised collects the operations that some test called with success.
var exercised sync.Map

// checked validates every answer against the contract, its status and headers included.
type checked struct {
	t    testing.TB
	seen *secrets
}

// RoundTrip implements http.RoundTripper.
func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := readBody(r)
	if err != nil {
		return nil, err
	}

	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}

	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}

	response.Body = io.NopCloser(bytes.NewReader(body))
	c.seen.collect(r, sent, response, body)
	if err := record(r, sent, response, body); err != nil {
		c.t.Error(err)
	}
	if err := check(r, response, body); err != nil {
		c.t.Errorf("%s %s answered %d %s: %v", r.Method, r.URL, response.StatusCode, body, err)
	}

	return response, nil
}

func check(r *http.Request, response *http.Response, body []byte) error {
	if err := checkAlways(response, body); err != nil {
		return err
	}

	plain := r.Clone(r.Context())
	plain.URL = withoutSlash(withoutRegion(r.URL))
	if isElasticsearch(plain.URL.Path) && response.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		return fmt.Errorf("the header X-Elastic-Product is missing")
	}

	route, params, err := router.FindRoute(plain)
	if err != nil {
		return checkUnrouted(plain.URL.Path, response, body)
	}
	if response.StatusCode < http.StatusBadRequest {
		exercised.Store(route.Operation.OperationID, true)
	}
	if err := checkHeaders(route.Operation, response); err != nil {
		return err
	}

	bare := *route.Operation
	bare.Security = &openapi3.SecurityRequirements{}
	route.Operation = &bare
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request:    plain,
			PathParams: params,
			Route:      route,
		},
		Status: response.StatusCode,
		Header: inPlainJSON(response.Header),
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			ExcludeResponseBody: isElasticsearch(plain.URL.Path) && plain.URL.Query().Has("filter_path") ||
				deeperThanBodies(body),
		},
	}

	return openapi3filter.ValidateResponse(r.Context(), input.SetBodyBytes(body))
}

// deeperThanBodies reports whether an answer is nested deeper than a request may be, as stored metadata can be. The
// validator reads both alike, and cannot read that.
func deeperThanBodies(body []byte) bool {
	_, err := strictjson.Decode(body)
	var deep *strictjson.DepthError
	return errors.As(err, &deep)
}

// withoutRegion returns the URL that a URL below a region stands for.
func withoutRegion(u *url.URL) *url.URL {
	rest, below := strings.CutPrefix(u.EscapedPath(), "/api/v1/regions/")
	region, rest, more := strings.Cut(rest, "/")
	if !below || !more || region == "" {
		return u
	}

	plain, err := url.Parse("/api/v1/" + rest)
	if err != nil {
		return u
	}

	return plain
}

// isElasticsearch reports whether a path is Elasticsearch's.
func isElasticsearch(path string) bool { return path == "/" || strings.HasPrefix(path, "/_") }

// withoutSlash returns the URL that a URL of Elasticsearch's with a slash behind it stands for.
func withoutSlash(u *url.URL) *url.URL {
	if !isElasticsearch(u.Path) || u.Path == "/" {
		return u
	}
	plain := *u
	plain.Path, plain.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	return &plain
}

// inPlainJSON returns the headers of an answer with the one name for JSON that the contract has.
func inPlainJSON(h http.Header) http.Header {
	if strings.HasPrefix(h.Get("Content-Type"), "application/vnd.elasticsearch+json") {
		h = h.Clone()
		h.Set("Content-Type", "application/json")
	}
	return h
}

// internals are texts that no caller may ever be shown.
var internals = []string{"sql:", "sqlite", ".go:", "goroutine", "panic: ", "openapi3", "runtime error", "$argon2",
	"constraint"}

// checkAlways checks what holds for every answer.
func checkAlways(response *http.Response, body []byte) error {
	for _, text := range internals {
		if bytes.Contains(body, []byte(text)) {
			return fmt.Errorf("the body shows internals: %q", text)
		}
	}

	caching := "no-store"
	if response.Request.URL.Path == keySetPath && response.StatusCode < http.StatusBadRequest {
		caching = "public, max-age=60"
	}
	for name, want := range map[string]string{
		"Cache-Control":          caching,
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "no-referrer",
	} {
		if got := response.Header.Get(name); got != want {
			return fmt.Errorf("the header %s is %q, not %q", name, got, want)
		}
	}

	if response.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("there is no X-Request-Id")
	}

	return nil
}

// checkUnrouted checks the answer at a path or method that no operation has.
func checkUnrouted(path string, response *http.Response, body []byte) error {
	if isElasticsearch(path) {
		return checkUnroutedElasticsearch(response, body)
	}
	if response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("the contract has no such operation, so this must be 404 or 405")
	}

	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}

	return contract.Components.Schemas["BasicFailedReply"].Value.VisitJSON(value)
}

func checkUnroutedElasticsearch(response *http.Response, body []byte) error {
	if response.StatusCode != http.StatusBadRequest && response.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("the contract has no such operation, so this must be 400 or 405")
	}

	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	if schema, declared := contract.Components.Schemas["ElasticsearchError"]; declared {
		return schema.Value.VisitJSON(value)
	}

	return nil
}

// TestMain ensures that every operation of the contract is called with success by some test, when all tests run.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" &&
		flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	if code == 0 && all {
		code = checkExercised()
	}
	os.Exit(code)
}

// common are the headers that HTTP, or the contract's conventions, give every answer, and to browsers every page.
var common = []string{
	"Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Cross-Origin-Opener-Policy",
	"Cross-Origin-Resource-Policy", "Date", "Permissions-Policy", "Referrer-Policy", "Vary", "X-Content-Type-Options",
	"X-Elastic-Product", "X-Request-Id",
}

// checkHeaders refuses a header that the contract does not declare.
func checkHeaders(op *openapi3.Operation, response *http.Response) error {
	declared := op.Responses.Status(response.StatusCode)
	if declared == nil {
		declared = op.Responses.Default()
	}
	if declared == nil {
		return fmt.Errorf("the contract does not declare the status %d for %s: add it to api/openapi.yaml",
			response.StatusCode, op.OperationID)
	}
	if statuses, given := declared.Value.Extensions["x-statuses"].([]any); given &&
		!slices.Contains(statuses, any(strconv.Itoa(response.StatusCode))) {
		return fmt.Errorf("the contract does not declare the status %d", response.StatusCode)
	}

	for name := range response.Header {
		known := slices.Contains(common, name)
		for each := range declared.Value.Headers {
			known = known || http.CanonicalHeaderKey(each) == name
		}
		if !known {
			return fmt.Errorf("the contract does not declare the header %s of the status %d for %s", name, response.StatusCode,
				op.OperationID)
		}
	}

	return nil
}

func checkExercised() int {
	code := 0
	for path, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			if _, ok := exercised.Load(op.OperationID); !ok {
				fmt.Fprintf(os.Stderr, "no test calls %s %s (%s) with success\n", method, path, op.OperationID)
				code = 1
			}
		}
	}

	return code
}
