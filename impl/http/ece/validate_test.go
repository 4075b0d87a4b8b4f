package ece

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/http/contract"
)

const formContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /form:
    post:
      operationId: form
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [a]
              properties: {a: {type: string, maxLength: 3}, b: {type: string, default: injected}}
      responses: {"200": {description: ok}}
`

// Ensures that a form is read from the body only, that what is read is what was validated, and that nothing is added.
func TestValidate_Form(t *testing.T) {
	t.Parallel()

	document, err := contract.Parse([]byte(formContract))
	if err != nil {
		t.Fatal(err)
	}

	op := document.Operations[0]
	var a, b []string
	handler := validate(op)(func(c echo.Context) error {
		form, err := c.FormParams()
		a, b = form["a"], form["b"]
		return err
	})

	e := echo.New()
	for body, want := range map[string]string{"a=1": "1", "a=1234": "", "": "", "b=1": ""} {
		r := httptest.NewRequest(http.MethodPost, "/form?a=from-the-query&b=from-the-query", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a, b = nil, nil
		err := handler(e.NewContext(r, httptest.NewRecorder()))
		if got := strings.Join(a, " "); got != want || (err == nil) != (want != "") || len(b) != 0 {
			t.Errorf("%q: a is %q, b is %q, %v", body, a, b, err)
		}
	}
}

// Ensures that a body that was validated cannot be read again by a more lenient reader.
func TestValidatedBody(t *testing.T) {
	t.Parallel()
	body := validatedBody{"value"}
	if n, err := body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if body.ValidatedValue() != "value" || body.Close() != nil {
		t.Error("the value is gone")
	}
}

// Ensures that a missing response is an error, and not an empty success.
func TestFinish_Nil(t *testing.T) {
	t.Parallel()

	nothing := func(echo.Context, any) (any, error) { return nil, nil } //nolint:nilnil // the case under test
	_, err := finish(nothing, "x")(nil, nil)
	if err == nil {
		t.Error("a missing response is no error")
	}
}
