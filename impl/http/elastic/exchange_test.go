package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/ece"
	"github.com/sallyport/sallyport/impl/http/edge"
)

const testContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /_security/thing:
    get:
      security: []
      x-elasticsearch-action: "cluster:thing"
      operationId: get-thing
      parameters:
        - {name: owner, in: query, schema: {type: boolean}}
        - {name: size, in: query, schema: {type: integer}}
        - {name: refresh, in: query, schema: {type: string, enum: ["true", "false", wait_for]}}
        - {name: ids, in: query, explode: false, schema: {type: array, items: {type: string}}}
      responses: {"200": {description: ok}}
    put:
      security: []
      x-elasticsearch-action: "cluster:thing"
      operationId: put-thing
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              properties:
                name: {type: string}
                metadata: {type: object}
                inner: {type: object, properties: {n: {type: integer}}}
      responses: {"200": {description: ok}}
    post:
      security: []
      x-elasticsearch-action: "cluster:thing"
      operationId: post-thing
      requestBody:
        content: {application/json: {schema: {type: object}}}
      responses: {"200": {description: ok}}
  /_security/thing/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      security: []
      x-elasticsearch-action: "cluster:thing"
      operationId: get-one-thing
      responses: {"200": {description: ok}}
`

// testServer serves the contract above through the edge, with one row for all operations.
type testServer struct {
	http.Handler
	// reader reads the body of put-thing; nil to accept any body.
	reader func(body any) error
	// handler answers requests; nil to return the query string and the body.
	handler func() (response, error)
}

func newTestServer(t testing.TB) *testServer {
	t.Helper()

	c, err := contract.Parse([]byte(testContract))
	if err != nil {
		t.Fatal(err)
	}

	s := &testServer{}
	family := &API{Services: Services{Speaks: compatibility.Default.Elasticsearch}, contract: c}
	for _, op := range c.Operations {
		family.table = append(family.table, testRow{op.ID, s})
	}

	s.Handler, err = edge.New(edge.Config{
		Families: []edge.Family{family, ece.New(&contract.Contract{}, ece.Services{})},
		Log:      slog.New(slog.DiscardHandler),
		Limits:   edge.NewLimits(0),
		Observe:  func(string) edge.Report { return func(int, time.Duration) {} },
	})
	if err != nil {
		t.Fatal(err)
	}

	return s
}

// testRow is an operation of a testServer.
type testRow struct {
	id string
	s  *testServer
}

func (o testRow) ids() []string { return []string{o.id} }

func (o testRow) raw() []string { return nil }

func (o testRow) refuse(r request) error {
	if o.id != "put-thing" || o.s.reader == nil {
		return nil
	}
	return o.s.reader(r.body)
}

func (o testRow) serve(_ context.Context, _ call, r request) (response, error) {
	if o.s.handler != nil {
		return o.s.handler()
	}
	return ok(map[string]any{"query": r.query, "document": r.body})
}

// fails makes every operation fail.
func (s *testServer) fails(err error) {
	s.handler = func() (response, error) { return response{}, err }
}

// do sends a request with headers in the form "Name: value".
func (s *testServer) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
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

// reasonOf returns the status, the type and the reason of an answer that is a failure; the type of the short form is
// "".
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

// Ensures that every answer at Elasticsearch's paths names the product, and that no other answer does.
func TestExchange_Product(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	for target, want := range map[string]string{
		thing:             "200 Elasticsearch",
		thing + "/":       "200 Elasticsearch",
		thing + "/x/":     "200 Elasticsearch",
		thing + "?x":      "400 Elasticsearch",
		"/_nothing":       "400 Elasticsearch",
		"/":               "400 Elasticsearch",
		"/api/v1/nothing": "404 ",
		"/nothing":        "404 ",
		thing + "//":      "400 Elasticsearch",
	} {
		answer := s.do("GET", target, "")
		if got := fmt.Sprint(answer.Code, " ", answer.Header().Get("X-Elastic-Product")); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}

	if answer := s.do("DELETE", thing, ""); answer.Code != http.StatusMethodNotAllowed ||
		answer.Header().Get("X-Elastic-Product") == "" {
		t.Error(answer.Code, answer.Header())
	}
}

// Ensures that answers and failures are indented and filtered on request, and otherwise sent unchanged.
func TestExchange_Form(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	s.handler = func() (response, error) {
		return response{
			status: http.StatusAccepted,
			body:   json.RawMessage(`{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`),
		}, nil
	}

	for query, want := range map[string]string{
		"":                     `{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`,
		"filter_path=a.y":      `{"a":[{"y":2},{"y":3}]}`,
		"filter_path=nothing":  `{}`,
		"filter_path=":         `{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`,
		"pretty&filter_path=b": "{\n  \"b\": 1.0\n}\n",
		"pretty=false":         `{"b":1.0,"a":[{"x":1,"y":2},{"y":3}]}`,
		"filter_path=-a.y,-b":  `{"a":[{"x":1}]}`,
	} {
		if answer := s.do("GET", thing+"?"+query, ""); strings.TrimSuffix(
			answer.Body.String(),
			"\n",
		) != strings.TrimSuffix(
			want,
			"\n",
		) ||
			answer.Code != http.StatusAccepted {
			t.Errorf("%q: %d %s", query, answer.Code, answer.Body)
		}
	}

	if got := s.do("GET", thing+"?x&filter_path=error.type,status",
		"").Body.String(); got != `{"error":{"type":"illegal_argument_exception"},"status":400}` {
		t.Error(got)
	}

	if got := s.do("GET", "/_nothing?pretty&filter_path=error", ""); got.Code != http.StatusBadRequest ||
		got.Body.String() != "{\n  \"error\": \"no handler found for uri [/_nothing?pretty\\u0026filter_path=error] and "+
			"method [GET]\"\n}\n" {
		t.Error(got.Body)
	}

	s.handler = func() (response, error) { return response{status: http.StatusNoContent}, nil }
	if got := s.do("GET", thing+"?pretty&filter_path=a", ""); got.Code != http.StatusNoContent || got.Body.Len() != 0 {
		t.Error(got.Code, got.Body)
	}
}

// Ensures that no query string and no header causes an internal error.
func FuzzExchange(f *testing.F) {
	for _, seed := range [][3]string{
		{"pretty&filter_path=a.**,-b", "*/*;q=0.1", "gzip"},
		{"owner=;x", "application/vnd.elasticsearch+json;compatible-with=8", ""},
		{"%", ",,;q=", "br"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}

	s := newTestServer(f)
	f.Fuzz(func(t *testing.T, query, accept, encoding string) {
		r := httptest.NewRequest(http.MethodPut, thing, strings.NewReader(`{"name":"x"}`))
		r.URL.RawQuery = query
		r.Header = http.Header{"Accept": {accept}, "Content-Type": {accept}, "Content-Encoding": {encoding}}
		recorder := httptest.NewRecorder()
		if s.ServeHTTP(recorder, r); recorder.Code >= http.StatusInternalServerError ||
			!json.Valid(recorder.Body.Bytes()) {
			t.Errorf("%d %s", recorder.Code, recorder.Body)
		}
	})
}
