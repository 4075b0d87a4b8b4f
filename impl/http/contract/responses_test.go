package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const responseContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /x:
    get:
      operationId: x
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                required: [a]
                properties:
                  a: {type: object, additionalProperties: {type: array, items: {type: string, maxLength: 3}}}
        "204": {description: nothing}
        "302": {description: a page, content: {text/html: {schema: {type: string}}}}
        default:
          description: failed
          x-statuses: ["400", "500"]
          content: {application/json: {schema: {type: object, additionalProperties: false}}}
`

// Ensures that the problem of a response is reported with the JSON pointer and without the value, with the compiled
// checks and without them.
func TestCheckResponse(t *testing.T) {
	t.Parallel()
	loaded, err := Parse([]byte(responseContract))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "secret"
	for name, c := range map[string]struct {
		status            int
		contentType, body string
		want              string
	}{
		"valid":                {200, "application/json", `{"a":{"b":["c"]}}`, ""},
		"valid in another way": {200, "application/vnd.x+json;v=1", `{"a":{"b":["c"]},"d":1}`, ""},
		"deep":                 {200, "application/json", `{"a":{},"d":` + strings.Repeat("[", 10_050) + strings.Repeat("]", 10_050) + `}`, ""},
		"value":                {200, "application/json", `{"a":{"b/c~":["c","secret"]}}`, "/a/b~1c~0/1: this must have at most 3 characters"},
		"missing":              {200, "application/json", `{"b":"secret"}`, "/a: this member is required"},
		"null":                 {200, "application/json", `null`, ": this must not be null"},
		"duplicate":            {200, "application/json", `{"a":{},"a":{}}`, ": the body is not one JSON value"},
		"no JSON":              {200, "application/json", `secret`, ": the body is not one JSON value"},
		"empty":                {200, "application/json", ``, ": the body is not one JSON value"},
		"content type":         {200, "text/plain", `{"a":{}}`, ": the content type is not declared"},
		"no body":              {204, "", "", ""},
		"page":                 {302, "text/html", "<html>", ""},
		"failure":              {400, "application/json", `{}`, ""},
		"wrong failure":        {500, "application/json", `{"secret":1}`, "/secret: this is an unknown member"},
		"status":               {404, "application/json", `{}`, ": the status 404 is not declared"},
	} {
		for _, interpret := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, interpret), func(t *testing.T) {
				t.Parallel()
				op := loaded.With(Options{Responses: true, Interpret: interpret}).Operation("x")
				got := ""
				if err := op.CheckResponse(c.status, c.contentType, []byte(c.body)); err != nil {
					got = err.Pointer + ": " + err.Text
				}
				if got != c.want || strings.Contains(strings.TrimPrefix(got, "/"+secret), secret) {
					t.Errorf("got %q", got)
				}
			})
		}
	}

	if err := loaded.Operation("x").CheckResponse(http.StatusTeapot, "", nil); err != nil {
		t.Errorf("without the option: %v", err)
	}
}

// Ensures that the body of every response in JSON has a compiled check.
func TestWith_ResponsesCompiled(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).With(Options{Responses: true}).Operations {
		for _, check := range op.responses.declared {
			if check.schema != nil && check.check == nil {
				t.Errorf("%s: the response %d is interpreted", op.ID, check.status)
			}
		}
	}
}

// Ensures that members of a response that its schema does not name are found wherever they are, and no others.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	op := load(t).With(Options{Responses: true}).Operation("security-get-users")
	const user = `{"username":"a","roles":[],"full_name":null,"email":null,"metadata":{"free":{"x":1}},"enabled":true`
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"none":      {`{"a":` + user + `}}`, nil},
		"one":       {`{"a":` + user + `,"x":1},"b":` + user + `}}`, []string{"/a/x"}},
		"not JSON":  {`{`, nil},
		"an object": {`{"a":` + user + `,"y/z":{"u":1}}}`, []string{"/a/y~1z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := op.UnknownMembers(http.StatusOK, []byte(c.body)); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
	if got := load(t).Operation("security-get-users").UnknownMembers(http.StatusOK, []byte(`{"a":1}`)); got != nil {
		t.Errorf("without the option: %q", got)
	}
}
