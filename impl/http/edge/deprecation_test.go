package edge

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/http/contract"
)

// deprecatedContract has a deprecated operation for each case, and one that is not.
const deprecatedContract = `
openapi: 3.0.3
info: {title: Test, version: "1"}
paths:
  /current: {get: {operationId: current, responses: {"204": {description: none}}}}
  /old:
    get:
      operationId: old
      deprecated: true
      x-deprecated-since: "2026-12-01"
      responses: {"204": {description: none}}
  /leaving:
    get:
      operationId: leaving
      deprecated: true
      x-deprecated-since: "2026-12-01"
      x-sunset: "2027-06-01"
      responses: {"204": {description: none}}
`

// contractFamily serves a contract. It answers 204, or refuses requests with ?refuse.
type contractFamily struct {
	stubFamily
	contract *contract.Contract
}

func (f contractFamily) Register(e *echo.Echo, middleware func(*contract.Operation) []echo.MiddlewareFunc) error {
	for _, op := range f.contract.Operations {
		answer := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
		e.Add(op.Method, RoutePath(op.Path), Compose(answer, middleware(op)...))
	}
	return nil
}

func (contractFamily) Screen(*contract.Operation) []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{Before(func(c echo.Context) error {
		if c.QueryParams().Has("refuse") {
			return echo.ErrTooManyRequests
		}
		return nil
	})}
}

// Ensures that answers of deprecated operations, and no others, say so over HTTP, whether they succeed or not.
func TestAnnounceDeprecation(t *testing.T) {
	t.Parallel()
	document, err := contract.Parse([]byte(deprecatedContract))
	if err != nil {
		t.Fatal(err)
	}
	handler, err := New(Config{
		Families: []Family{contractFamily{contract: document}},
		Log:      slog.New(slog.DiscardHandler),
		Limits:   NewLimits(0),
		Observe:  func(string) Report { return func(int, time.Duration) {} },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	const since, sunset = "@1796083200", "Tue, 01 Jun 2027 00:00:00 GMT"
	for path, want := range map[string][2]string{
		"/current": {}, "/old": {since, ""}, "/leaving": {since, sunset},
		"/current?refuse": {}, "/old?refuse": {since, ""}, "/leaving?refuse": {since, sunset},
		"/unknown": {},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close() //nolint:errcheck // it is not read
			got := [2]string{response.Header.Get("Deprecation"), response.Header.Get("Sunset")}
			if got != want {
				t.Errorf("%d with %q; want %q", response.StatusCode, got, want)
			}
		})
	}
}
