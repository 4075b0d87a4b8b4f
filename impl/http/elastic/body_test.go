package elastic

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

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

// Ensures that a compressed body is read like an uncompressed one, with the same limit, and that a malformed one is
// refused.
func TestExchange_ContentEncoding(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	large := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, c := range []struct{ encoding, body, want string }{
		{"gzip", packed(`{"name":"x"}`), ""},
		{"GZIP", packed(`{"name":`) + packed(`"x"}`), ""},
		{"identity", `{"name":"x"}`, ""},
		{"gzip", packed(large), "413 content_too_long_exception: the body is larger"},
		{"", large, "413 content_too_long_exception: the body is larger"},
		{"gzip", `{"name":"x"}`, "400 illegal_argument_exception: the body cannot be read"},
		{"gzip", packed(`{"name":"x"}`)[:20], "400 illegal_argument_exception: the body cannot be read"},
		{"gzip", packed(`{"name":"x"}`) + "more", "400 illegal_argument_exception: the body cannot be read"},
		{"gzip", packed(""), "400 parse_exception: request body is required"},
		{"gzip", "", "400 parse_exception: request body is required"},
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

// readThing reads the body of put-thing as its handler would.
func readThing(document any) error {
	var name string
	var inner int
	return xcontent.Parser{Name: "thing", Fields: map[string]xcontent.Field{
		"name":     xcontent.Text(&name),
		"metadata": xcontent.Object(new(map[string]any)),
		"inner": xcontent.Nested(xcontent.Parser{
			Name:   "inner",
			Fields: map[string]xcontent.Field{"n": xcontent.Integer(&inner)},
		}),
	}}.Read(document)
}

// Ensures that the text of the operation's reader, with the position, is used for a body that the validator refuses,
// and that a body that is not JSON is refused without quoting it.
func TestExchange_Body(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	const xpe = "400 x_content_parse_exception: "
	for _, c := range []struct{ body, with, without string }{
		{"", "400 parse_exception: request body is required", ""},
		{"{\n \"name\": 1}", xpe + "[2:2] [thing] name doesn't support values of type: VALUE_NUMBER",
			xpe + "[2:2] [name] this must be a string"},
		{`{"nam": 1}`, xpe + "[1:2] [thing] unknown field [nam] did you mean [name]?",
			xpe + "[1:2] [nam] this is an unknown member"},
		{` []`, xpe + "[1:2] [thing] Expected START_OBJECT but was: START_ARRAY",
			xpe + "[1:2] [body] this must be an object"},
		{`{"inner": {"n": "secret"}}`, xpe + "[1:2] [thing] failed to parse field [inner]",
			xpe + "[1:12] [inner.n] this must be an integer"},
		{"{\"name\":\n  secret}", xpe + "[2:4] the body is not one JSON value: this is not JSON, or ends too early", ""},
		{`{"name": "x", "name": "y"}`, xpe + "[1:21] Duplicate field 'name'", ""},
		{"{\"name\": \"\xff\"}", xpe + "[1:1] the body is not one JSON value: the text is not UTF-8", ""},
	} {
		for want, reader := range map[string]func(any) error{c.with: readThing, c.without: nil} {
			if want == "" {
				continue
			}
			s.reader = reader
			answer := s.do("PUT", thing, c.body)
			if got := reasonOf(t, answer); got != want ||
				reader == nil && strings.Contains(answer.Body.String(), "secret") {
				t.Errorf("%s: %s, want %s", c.body, got, want)
			}
		}
	}
}

// Ensures that a row receives the validated body.
func TestExchange_Document(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	for body, want := range map[string]string{
		"":                         `{"document":null,"query":{}}`,
		`{"a": 1.00, "b": [null]}`: `{"document":{"a":1.00,"b":[null]},"query":{}}`,
	} {
		t.Run(body, func(t *testing.T) {
			if got := strings.TrimSpace(s.do("POST", thing, body).Body.String()); got != want {
				t.Errorf("the row received %s; want %s", got, want)
			}
		})
	}
}
