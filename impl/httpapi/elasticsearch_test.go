package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/xcontent"
)

const faceContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /_security/thing:
    get:
      operationId: get-thing
      parameters:
        - {name: owner, in: query, schema: {type: boolean}}
        - {name: size, in: query, schema: {type: integer}}
        - {name: refresh, in: query, schema: {type: string, enum: ["true", "false", wait_for]}}
        - {name: ids, in: query, explode: false, schema: {type: array, items: {type: string}}}
      responses: {"200": {description: ok}}
    put:
      operationId: put-thing
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              properties: {name: {type: string}, metadata: {type: object}, inner: {type: object, properties: {n: {type: integer}}}}
      responses: {"200": {description: ok}}
    post:
      operationId: post-thing
      requestBody:
        content: {application/json: {schema: {type: object}}}
      responses: {"200": {description: ok}}
  /_security/thing/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: get-one-thing
      responses: {"200": {description: ok}}
`

// faceServer serves the contract above with the edge's own middleware, and one handler for all operations.
type faceServer struct {
	*echo.Echo
	// reader is that of put-thing.
	reader bodyReader
	// handler answers; without one the query and the document come back.
	handler echo.HandlerFunc
}

func newFaceServer(t testing.TB) *faceServer {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData([]byte(faceContract))
	if err != nil {
		t.Fatal(err)
	}
	s := &faceServer{Echo: echo.New(), handler: func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"query": c.QueryString(), "document": documentOf(c.Request().Context())})
	}}
	s.HTTPErrorHandler = errorHandler(slog.New(slog.DiscardHandler))
	s.Pre(stripRegion, showFace, stripSlash)
	s.Use(requestID, accessLog(slog.New(slog.DiscardHandler)), recoverPanics(slog.New(slog.DiscardHandler)), commonHeaders)
	for path, item := range document.Paths.Map() {
		for method, each := range item.Operations() {
			op := prepare(document, path, method, item, each)
			if op.id == "put-thing" {
				op.reader = func(document any) error {
					if s.reader == nil {
						return nil
					}
					return s.reader(document)
				}
			}
			s.Add(method, strings.NewReplacer("{", ":", "}", "").Replace(path), func(c echo.Context) error { return s.handler(c) },
				checkQuery(op), limitBody(op), readBody(op), validate(op))
		}
	}
	return s
}

// fails makes every operation fail.
func (s *faceServer) fails(err error) { s.handler = func(echo.Context) error { return err } }

// do makes a request with headers that are written "Name: value".
func (s *faceServer) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, each := range headers {
		name, value, _ := strings.Cut(each, ": ")
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	return recorder
}

// reasonOf returns the status, the type and the reason of an answer that is a failure; the type of the brief form is "".
func reasonOf(t *testing.T, answer *httptest.ResponseRecorder) string {
	t.Helper()
	var read struct {
		Error  json.RawMessage
		Status int
	}
	var full struct{ Type, Reason string }
	if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
		t.Fatalf("%s: %v", answer.Body, err)
	}
	if json.Unmarshal(read.Error, &full.Reason) != nil {
		if err := json.Unmarshal(read.Error, &full); err != nil {
			t.Fatal(err)
		}
	}
	if read.Status != answer.Code && read.Status != 0 {
		t.Errorf("the status is %d, the body says %d", answer.Code, read.Status)
	}
	return fmt.Sprintf("%d %s: %s", answer.Code, full.Type, full.Reason)
}

const thing = "/_security/thing"

// Ensures that every answer at a path of Elasticsearch's names the product, and no other does.
func TestFace_Product(t *testing.T) {
	s := newFaceServer(t)
	for target, want := range map[string]string{
		thing: "200 Elasticsearch", thing + "/": "200 Elasticsearch", thing + "/x/": "200 Elasticsearch", thing + "?x": "400 Elasticsearch",
		"/_nothing": "400 Elasticsearch", "/": "400 Elasticsearch", "/api/v1/nothing": "404 ", "/nothing": "404 ", thing + "//": "400 Elasticsearch",
	} {
		answer := s.do("GET", target, "")
		if got := fmt.Sprint(answer.Code, " ", answer.Header().Get("X-Elastic-Product")); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if answer := s.do("DELETE", thing, ""); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("X-Elastic-Product") == "" {
		t.Error(answer.Code, answer.Header())
	}
}

// Ensures that an answer is sent as what was asked for, and that what cannot be sent is refused.
func TestFace_Accept(t *testing.T) {
	s := newFaceServer(t)
	const plain, vendor, unsupported, incompatible = "application/json", "application/vnd.elasticsearch+json", "406 : Accept header", "400 media_type_header_exception: "
	for accept, want := range map[string]string{
		"": plain, "*/*": plain, "application/*": plain, plain: plain, "application/json; charset=UTF-8": plain, "Application/JSON": plain,
		vendor + "; compatible-with=8": vendor + ";compatible-with=8", vendor + ";compatible-with=9": vendor + ";compatible-with=9", vendor: vendor,
		vendor + ";compatible-with=9;charset=utf-8":        vendor + ";compatible-with=9",
		"text/html, */*;q=0.1":                             plain,
		plain + ";q=0.5, " + vendor + ";compatible-with=8": vendor + ";compatible-with=8",
		vendor + ";compatible-with=7, " + plain:            plain,
		"%%%, " + plain:                                    plain,
		"text/html, image/gif, *; q=.2, */*; q=.2":         plain,
		vendor + ";compatible-with=7":                      incompatible,
		vendor + ";compatible-with=10":                     incompatible,
		"text/html":                                        unsupported,
		"application/yaml":                                 unsupported,
		"application/json;q=0":                             unsupported,
		"application/json;q=x":                             unsupported,
		"application/json;charset=utf-16":                  unsupported,
		"%%%":                                              unsupported,
	} {
		answer := s.do("GET", thing, "", "Accept: "+accept)
		got := answer.Header().Get("Content-Type")
		if answer.Code != http.StatusOK {
			got = reasonOf(t, answer)
		}
		if got != want && (answer.Code == http.StatusOK || !strings.HasPrefix(got, want)) {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
	answer := s.do("GET", thing+"?x", "", "Accept: "+vendor+";compatible-with=8")
	if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusBadRequest || got != vendor+";compatible-with=8" {
		t.Errorf("a failure is sent as %s", got)
	}
}

// Ensures that a body is read under each of its type's names, and under no other.
func TestFace_ContentType(t *testing.T) {
	s := newFaceServer(t)
	const vendor = "application/vnd.elasticsearch+json"
	for _, c := range []struct{ contentType, accept, want string }{
		{"application/json", "", ""}, {"application/json;charset=UTF-8", "", ""}, {vendor, "", ""}, {vendor + ";compatible-with=8", "", ""},
		{vendor + "; compatible-with=9", vendor + "; compatible-with=9", ""}, {"application/json", vendor + ";compatible-with=9", ""},
		{vendor + ";compatible-with=8", vendor + ";compatible-with=9", "400 media_type_header_exception: "},
		{vendor + ";compatible-with=7", "", "400 media_type_header_exception: "},
		{"", "", "406 : Content-Type header is missing"},
		{"text/plain", "", "406 : Content-Type header [text/plain] is not supported"},
		{"application/x-ndjson", "", "406 : Content-Type header [application/x-ndjson] is not supported"},
		{"application/json;charset=latin1", "", "406 : Content-Type header [application/json;charset=latin1] is not supported"},
		{"application/json; =", "", "406 : Content-Type header [application/json; =] is not supported"},
	} {
		answer := s.do("PUT", thing, `{"name":"x"}`, "Content-Type: "+c.contentType, "Accept: "+c.accept)
		if c.want == "" && answer.Code == http.StatusOK && strings.Contains(answer.Body.String(), `{"name":"x"}`) {
			continue
		}
		if got := reasonOf(t, answer); c.want == "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if answer := s.do("POST", thing, "", "Content-Type: text/plain"); answer.Code != http.StatusOK {
		t.Errorf("a type without a body: %s", answer.Body)
	}
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// Ensures that a packed body is read as if it were not, that its bound is the same, and that a broken one is refused.
func TestFace_ContentEncoding(t *testing.T) {
	s := newFaceServer(t)
	large := `{"name":"` + strings.Repeat("x", maxBody) + `"}`
	for _, c := range []struct{ encoding, body, want string }{
		{"gzip", packed(`{"name":"x"}`), ""}, {"GZIP", packed(`{"name":`) + packed(`"x"}`), ""}, {"identity", `{"name":"x"}`, ""},
		{"gzip", packed(large), "413 content_too_long_exception: the body is larger"},
		{"", large, "413 content_too_long_exception: the body is larger"},
		{"gzip", `{"name":"x"}`, "400 illegal_argument_exception: the body cannot be read"},
		{"gzip", packed(`{"name":"x"}`)[:20], "400 illegal_argument_exception: the body cannot be read"},
		{"gzip", packed(`{"name":"x"}`) + "more", "400 illegal_argument_exception: the body cannot be read"},
		{"gzip", packed(""), "400 parse_exception: request body is required"}, {"gzip", "", "400 parse_exception: request body is required"},
		{"br", "x", "400 illegal_argument_exception: Content-Encoding [br] is not supported"},
		{"gzip, gzip", packed("x"), "400 illegal_argument_exception: Content-Encoding [gzip, gzip] is not supported"},
	} {
		answer := s.do("PUT", thing, c.body, "Content-Encoding: "+c.encoding)
		if c.want == "" && answer.Code == http.StatusOK && strings.Contains(answer.Body.String(), `{"name":"x"}`) {
			continue
		}
		if got := reasonOf(t, answer); c.want == "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s, %.20q: %s", c.encoding, c.body, got)
		}
	}
}

// Ensures that parameters which every operation has are taken away, that a boolean without a value is true, that the rest
// stays as it was written, and that what is not known, or twice, or no boolean, is refused.
func TestFace_Query(t *testing.T) {
	s := newFaceServer(t)
	const iae, boolean = "400 illegal_argument_exception: ", "Failed to parse value [x] as only [true] or [false] are allowed."
	for query, want := range map[string]string{
		"": "",
		"human&error_trace=true&pretty=false&format=json": "",
		"owner":                          "owner=true",
		"owner=&refresh=&size=3":         "owner=true&refresh=true&size=3",
		"owner=false&ids=a%2Cb,c&human=": "owner=false&ids=a%2Cb,c",
		"refresh=wait_for&&":             "refresh=wait_for",
		"x=1":                            iae + "request [/_security/thing] contains unrecognized parameter: [x]",
		"y&x=1&owner":                    iae + "request [/_security/thing] contains unrecognized parameters: [x], [y]",
		"owner=x":                        iae + boolean,
		"pretty=x":                       iae + boolean,
		"human=x":                        iae + boolean,
		"error_trace=x":                  iae + boolean,
		"pretty&pretty":                  iae + "the parameter [pretty] is given more than once",
		"owner=true&owner=false":         iae + "the parameter [owner] is given more than once",
		"%zz":                            iae + "the query string cannot be decoded",
		"owner=true;size=1":              iae + "the query string cannot be decoded",
		"format=yaml":                    "406 : format [yaml] is not supported, only [json] is",
		"filter_path=" + strings.Repeat("a,", 3000): iae + "the parameter [filter_path] is too long",
		"size=x":    iae + "[size] this value does not fit the query parameter",
		"refresh=x": iae + "[refresh] this value does not fit the query parameter",
		strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", ""), "&"): iae + "the query string has too many parameters",
	} {
		answer := s.do("GET", thing+"?"+query, "")
		var got string
		if answer.Code == http.StatusOK {
			var read struct{ Query string }
			if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
				t.Fatal(err)
			}
			got = read.Query
		} else {
			got = reasonOf(t, answer)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

// Ensures that answers, failures included, are indented and filtered if that is asked for, and otherwise go out as they
// are.
func TestFace_Form(t *testing.T) {
	s := newFaceServer(t)
	s.handler = func(c echo.Context) error {
		return c.JSONBlob(http.StatusAccepted, []byte(`{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`))
	}
	for query, want := range map[string]string{
		"": `{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`, "filter_path=a.y": `{"a":[{"y":2},{"y":3}]}`, "filter_path=nothing": `{}`, "filter_path=": `{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`,
		"pretty&filter_path=b": "{\n  \"b\": 1.0\n}\n", "pretty=false": `{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`, "filter_path=-a.y,-b": `{"a":[{"x":1}]}`,
	} {
		if answer := s.do("GET", thing+"?"+query, ""); answer.Body.String() != want || answer.Code != http.StatusAccepted {
			t.Errorf("%q: %d %s", query, answer.Code, answer.Body)
		}
	}
	if got := s.do("GET", thing+"?x&filter_path=error.type,status", "").Body.String(); got != `{"error":{"type":"illegal_argument_exception"},"status":400}` {
		t.Error(got)
	}
	if got := s.do("GET", "/_nothing?pretty&filter_path=error", ""); got.Code != http.StatusBadRequest ||
		got.Body.String() != "{\n  \"error\": \"no handler found for uri [/_nothing?pretty\\u0026filter_path=error] and method [GET]\"\n}\n" {
		t.Error(got.Body)
	}
	s.handler = func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	if got := s.do("GET", thing+"?pretty&filter_path=a", ""); got.Code != http.StatusNoContent || got.Body.Len() != 0 {
		t.Error(got.Code, got.Body)
	}
}

// Ensures that what no operation has is answered in the brief form.
func TestFace_Routing(t *testing.T) {
	s := newFaceServer(t)
	for _, c := range [][3]string{
		{"GET", "/_nothing?a=b", "400 : no handler found for uri [/_nothing?a=b] and method [GET]"},
		{"POST", "/", "400 : no handler found for uri [/] and method [POST]"},
		{"DELETE", thing + "/?a", "405 : Incorrect HTTP method for uri [/_security/thing/?a] and method [DELETE], allowed: [GET, POST, PUT]"},
		{"PUT", thing + "/x", "405 : Incorrect HTTP method for uri [/_security/thing/x] and method [PUT], allowed: [GET]"},
	} {
		answer := s.do(c[0], c[1], "")
		if got := reasonOf(t, answer); got != c[2] || (answer.Code == http.StatusMethodNotAllowed) != (answer.Header().Get("Allow") != "") {
			t.Errorf("%s, want %s; Allow: %s", got, c[2], answer.Header().Get("Allow"))
		}
	}
	if answer := s.do("GET", "/_"+strings.Repeat("x", 10000), ""); answer.Body.Len() > 2*maxURI {
		t.Errorf("%d bytes", answer.Body.Len())
	}
}

// readThing reads the body of put-thing as its handler would.
func readThing(document any) error {
	var name string
	var inner int
	return xcontent.Parser{Name: "thing", Fields: map[string]xcontent.Field{
		"name": xcontent.Text(&name), "metadata": xcontent.Object(new(map[string]any)),
		"inner": xcontent.Nested(xcontent.Parser{Name: "inner", Fields: map[string]xcontent.Field{"n": xcontent.Integer(&inner)}}),
	}}.Read(document)
}

// Ensures that a body which the validator refuses is refused in the words of the operation's reader, if there is one, with
// the place, and that what is no JSON is refused without repeating it.
func TestFace_Body(t *testing.T) {
	s := newFaceServer(t)
	const xpe = "400 x_content_parse_exception: "
	for _, c := range []struct{ body, with, without string }{
		{"", "400 parse_exception: request body is required", ""},
		{"{\n \"name\": 1}", xpe + "[2:2] [thing] name doesn't support values of type: VALUE_NUMBER", xpe + "[2:2] [name] this must be a string"},
		{`{"nam": 1}`, xpe + "[1:2] [thing] unknown field [nam] did you mean [name]?", xpe + "[1:2] [nam] this member is not known here"},
		{` []`, xpe + "[1:2] [thing] Expected START_OBJECT but was: START_ARRAY", xpe + "[1:2] [body] this must be an object"},
		{`{"inner": {"n": "secret"}}`, xpe + "[1:2] [thing] failed to parse field [inner]", xpe + "[1:12] [inner.n] this must be an integer"},
		{"{\"name\":\n  secret}", xpe + "[2:4] the body is not one JSON value: this is not JSON, or ends too early", ""},
		{`{"name": "x", "name": "y"}`, xpe + "[1:21] Duplicate field 'name'", ""},
		{"{\"name\": \"\xff\"}", xpe + "[1:1] the body is not one JSON value: the text is not UTF-8", ""},
	} {
		for want, reader := range map[string]bodyReader{c.with: readThing, c.without: nil} {
			if want == "" {
				continue
			}
			s.reader = reader
			answer := s.do("PUT", thing, c.body)
			if got := reasonOf(t, answer); got != want || reader == nil && strings.Contains(answer.Body.String(), "secret") {
				t.Errorf("%s: %s, want %s", c.body, got, want)
			}
		}
	}
}

// Ensures that a handler is given the document as it was validated, and the generated code an object that says nothing.
func TestFace_Document(t *testing.T) {
	s := newFaceServer(t)
	s.handler = func(c echo.Context) error {
		kept, ok := c.Request().Body.(interface{ ValidatedValue() any })
		if !ok || fmt.Sprint(kept.ValidatedValue()) != "map[]" {
			t.Errorf("the generated code is given %v", c.Request().Body)
		}
		return c.JSON(http.StatusOK, documentOf(c.Request().Context()))
	}
	for body, want := range map[string]string{"": "null", `{"a": 1.00, "b": [null]}`: `{"a":1.00,"b":[null]}`} {
		if got := strings.TrimSpace(s.do("POST", thing, body).Body.String()); got != want {
			t.Errorf("%s: %s", body, got)
		}
	}
	if documentOf(t.Context()) != nil {
		t.Error("a request of another family has a document")
	}
}

// Ensures that each kind of failure has its status and its type, and that nothing of the server's inside is shown.
func TestFace_Kinds(t *testing.T) {
	s := newFaceServer(t)
	for want, err := range map[string]error{
		"500 exception: " + serverFailed:                                     errors.New("inside"),
		"500 exception: " + serverFailed + " ":                               fault.Wrap(fault.ServerFailed, errors.New("inside"), "inside"),
		"400 illegal_argument_exception: m":                                  fault.New(fault.InvalidData, "m", "f"),
		"400 action_request_validation_exception: m":                         fault.New(fault.RequestInvalid, "m"),
		"400 security_exception: m":                                          fault.New(fault.SecurityUnsupported, "m"),
		"403 security_exception: m":                                          fault.New(fault.SecurityDenied, "m"),
		"403 security_exception: ECE":                                        fault.New(fault.PermissionMissing, "ECE"),
		"403 security_exception: elevated":                                   fault.New(fault.ElevationNeeded, "elevated"),
		"404 resource_not_found_exception: m":                                fault.New(fault.ResourceMissing, "m"),
		"404 resource_not_found_exception: user":                             fault.New(fault.UserNotFound, "user"),
		"409 version_conflict_engine_exception: m":                           fault.New(fault.UserNameConflict, "m"),
		"429 es_rejected_execution_exception: m":                             fault.New(fault.TooManyFailures, "m"),
		"501 status_exception: m":                                            fault.New(fault.NoAuthenticationCluster, "m"),
		"502 status_exception: m":                                            fault.New(fault.AuthenticationClusterError, "m"),
		"503 es_rejected_execution_exception: m":                             fault.New(fault.ServerBusy, "m"),
		"406 : m":                                                            fault.New(fault.MediaTypeUnsupported, "m"),
		"400 : no handler found for uri [/_security/thing] and method [GET]": echo.ErrNotFound,
	} {
		s.fails(err)
		answer := s.do("GET", thing, "")
		if got := reasonOf(t, answer); got != strings.TrimSpace(want) || strings.Contains(answer.Body.String(), "inside") {
			t.Errorf("%v: %s, want %s", err, answer.Body, want)
		}
		if answer.Header().Get("X-Cloud-Error-Codes") != "" || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%v: %v", err, answer.Header())
		}
	}
}

// Ensures that the root cause is the innermost one of Elasticsearch's own types, that places are those of the members, and
// that traces are there if they are asked for and say nothing new.
func TestFace_Causes(t *testing.T) {
	s := newFaceServer(t)
	caused := func(by *fault.Error, around ...*fault.Error) error {
		for _, each := range around {
			each.CausedBy = by
			by = each
		}
		return by
	}
	xpe := func(field string) *fault.Error { return fault.New(fault.XContentParseFailed, "in "+field, field) }
	const body = "{\"r\":\n{\"x.y\": {\"a\": 1}}}"
	for name, c := range map[string]struct {
		err         error
		query, want string
	}{
		"parse": {caused(fault.New(fault.ParseFailed, "p"), xpe("x.y"), xpe("r")), "",
			`{"error":{"root_cause":[{"type":"parse_exception","reason":"p"}],"type":"x_content_parse_exception","reason":"[1:2] in r","caused_by":` +
				`{"type":"x_content_parse_exception","reason":"[2:2] in x.y","caused_by":{"type":"parse_exception","reason":"p"}}},"status":400}`},
		"argument": {caused(fault.New(fault.IllegalArgument, "i"), xpe("r")), "",
			`{"error":{"root_cause":[{"type":"x_content_parse_exception","reason":"[1:2] in r"}],"type":"x_content_parse_exception","reason":"[1:2] in r",` +
				`"caused_by":{"type":"illegal_argument_exception","reason":"i"}},"status":400}`},
		"no place": {fault.New(fault.XContentParseFailed, "whole"), "",
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

// whyError says why a key did not do.
type whyError string

// Error implements error.
func (e whyError) Error() string { return "inside" }

// Why implements explained.
func (e whyError) Why() string { return string(e) }

// Ensures that a request without a caller is told how to authenticate, and what was wrong with what it carries.
func TestFace_Unauthenticated(t *testing.T) {
	s := newFaceServer(t)
	s.fails(fault.Wrap(fault.Unauthorized, whyError("api key is expired"), "m", "Authorization"))
	r := httptest.NewRequest("GET", "/", nil)
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
		challenges := fmt.Sprint(elasticsearchChallenges)
		root := read.Error.RootCause[0]
		for name, got := range map[string][]string{
			"header": answer.Header()["WWW-Authenticate"], "error": read.Error.Header["WWW-Authenticate"], "root": root.Header["WWW-Authenticate"],
		} {
			if fmt.Sprint(got) != challenges {
				t.Errorf("%s: %s has the challenges %q", credentials, name, got)
			}
		}
		if why := "API key: api key is expired"; read.Error.Unsuccessful != why || root.Unsuccessful != why {
			t.Errorf("%s: %s", credentials, answer.Body)
		}
	}
	s.fails(fault.New(fault.Code{Name: "security_exception", Kind: fault.Unauthenticated}, "own words"))
	if got := reasonOf(t, s.do("GET", thing, "")); got != "401 security_exception: own words" {
		t.Error(got)
	}
}

// Ensures that no query string and no header breaks the face.
func FuzzFace(f *testing.F) {
	for _, seed := range [][3]string{{"pretty&filter_path=a.**,-b", "*/*;q=0.1", "gzip"}, {"owner=;x", "application/vnd.elasticsearch+json;compatible-with=8", ""}, {"%", ",,;q=", "br"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	s := newFaceServer(f)
	f.Fuzz(func(t *testing.T, query, accept, encoding string) {
		r := httptest.NewRequest("PUT", thing, strings.NewReader(`{"name":"x"}`))
		r.URL.RawQuery = query
		r.Header = http.Header{"Accept": {accept}, "Content-Type": {accept}, "Content-Encoding": {encoding}}
		recorder := httptest.NewRecorder()
		if s.ServeHTTP(recorder, r); recorder.Code >= http.StatusInternalServerError || !json.Valid(recorder.Body.Bytes()) {
			t.Errorf("%d %s", recorder.Code, recorder.Body)
		}
	})
}
