package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/http/contract"
)

// checkedOperation returns the operation x, the response 200 of which has a schema.
func checkedOperation(t *testing.T, schema string) *contract.Operation {
	t.Helper()
	loaded, err := contract.Parse([]byte(`
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /x:
    get:
      operationId: x
      responses:
        "200":
          description: ok
          content: {application/json: {schema: ` + schema + `}}
        "500":
          description: failed
          content: {application/json: {schema: {type: string}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	return loaded.With(contract.Options{Responses: true}).Operation("x")
}

// serveChecked returns a server with one operation, at /x.
func serveChecked(op *contract.Operation, config Config, answer echo.HandlerFunc) http.Handler {
	l, e := NewLimits(0), echo.New()
	e.HTTPErrorHandler = errorHandler(slog.New(slog.DiscardHandler))
	e.GET("/x", answer, enter(op, l, nil), chargeUser(op, l), takeSlot(op))
	return &server{e, []Family{stubFamily{}}, Compose(callRoute, sendAnswer(l, newAnswerValidator(config)))}
}

// Ensures that a response that the contract does not allow is sent, logged or refused, as is configured; that the
// log has no value from it; and that what filters a response does not hide its problem.
func TestAnswer_Validated(t *testing.T) {
	t.Parallel()
	op := checkedOperation(t, `{type: object, properties: {a: {type: string}, b: {type: string}}}`)
	const valid, invalid = `{"a":"secret"}`, `{"a":"secret","b":["secret"]}`

	for name, c := range map[string]struct {
		mode        ResponseValidation
		query, sent string
		status      int
		body        string
		counted     int
	}{
		"off":             {ResponsesUnchecked, "", invalid, http.StatusOK, invalid, 0},
		"not set":         {"", "", invalid, http.StatusOK, invalid, 0},
		"valid":           {ResponsesRefused, "", valid, http.StatusOK, valid, 0},
		"logged":          {ResponsesLogged, "", invalid, http.StatusOK, invalid, 1},
		"refused":         {ResponsesRefused, "", invalid, http.StatusInternalServerError, asText(ServerFailed), 1},
		"filtered":        {ResponsesRefused, "?only=a", invalid, http.StatusInternalServerError, asText(ServerFailed), 1},
		"filtered, valid": {ResponsesRefused, "?only=a", valid, http.StatusOK, valid, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			counted := 0
			config := Config{
				Responses:      c.mode,
				Log:            slog.New(slog.NewTextHandler(&logged, nil)),
				ObserveInvalid: func(string) { counted++ },
			}
			handler := serveChecked(op, config, func(ctx echo.Context) error {
				return ctx.JSONBlob(http.StatusOK, []byte(c.sent))
			})

			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/x"+c.query, nil))
			if got := strings.TrimSpace(recorder.Body.String()); recorder.Code != c.status || got != c.body {
				t.Errorf("answered %d %s", recorder.Code, got)
			}
			line := logged.String()
			if counted != c.counted || strings.Count(line, "operation=x status=200 pointer=/b") != c.counted {
				t.Errorf("counted %d, logged %s", counted, line)
			}
			if strings.Contains(line, "secret") {
				t.Errorf("logged %s", line)
			}
		})
	}
}

// Ensures that each part of a list is checked, and that an invalid list is reported once.
func TestSendList_Validated(t *testing.T) {
	t.Parallel()
	op := checkedOperation(t, `{type: object, properties: {keys: {type: array, items: {type: integer}}}}`)
	const valid, invalid = `{"keys":[1]}`, `{"keys":["x"]}`

	for name, c := range map[string]struct {
		mode    ResponseValidation
		list    iter.Seq2[[]byte, error]
		status  int
		body    string
		counted int
	}{
		"off":                  {ResponsesUnchecked, parts(nil, valid, invalid), 200, `{"keys":[1,"x"]}`, 0},
		"valid":                {ResponsesRefused, parts(nil, valid, valid), 200, `{"keys":[1,1]}`, 0},
		"logged once":          {ResponsesLogged, parts(nil, invalid, valid, invalid), 200, `{"keys":["x",1,"x"]}`, 1},
		"refused":              {ResponsesRefused, parts(nil, invalid, valid), 500, asText(ServerFailed), 1},
		"a later part refused": {ResponsesRefused, parts(nil, valid, valid, invalid), 200, `{"keys":[1,1`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counted := 0
			config := Config{
				Responses:      c.mode,
				Log:            slog.New(slog.DiscardHandler),
				ObserveInvalid: func(string) { counted++ },
			}
			handler := serveChecked(op, config, func(ctx echo.Context) error { return SendList(ctx, c.list) })

			recorder := httptest.NewRecorder()
			defer func() {
				err, _ := recover().(error)
				if aborted := errors.Is(err, http.ErrAbortHandler); aborted == json.Valid([]byte(c.body)) {
					t.Errorf("ended with %v", err)
				}
				if got := strings.TrimSpace(recorder.Body.String()); recorder.Code != c.status || got != c.body {
					t.Errorf("answered %d %s", recorder.Code, got)
				}
				if counted != c.counted {
					t.Errorf("counted %d", counted)
				}
			}()
			handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/x", nil))
		})
	}
}

// asText returns the body of a failure of a stubFamily.
func asText(message string) string {
	text, _ := json.Marshal(message)
	return string(text)
}
