// Package baseline has the server that benchmarks of validation compare with: what oapi-codegen generates by default
// for three operations, without validation. It is not part of the program.
package baseline

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// server answers each operation with a fixed response.
type server struct{}

// GetCurrentAccount implements StrictServerInterface.
func (server) GetCurrentAccount(
	context.Context, GetCurrentAccountRequestObject,
) (GetCurrentAccountResponseObject, error) {
	account := AccountResponse{Id: AnswerID, Trust: &AccountTrustSettings{TrustAll: true}}
	return GetCurrentAccount200JSONResponse{AccountJSONResponse{Body: account}}, nil
}

// Login implements StrictServerInterface.
func (server) Login(context.Context, LoginRequestObject) (LoginResponseObject, error) {
	body := TokenResponse{Token: AnswerToken, SessionExpirationTime: Expires}
	return Login200JSONResponse{TokenJSONResponse(body)}, nil
}

// SecurityBulkUpdateApiKeys implements StrictServerInterface.
func (server) SecurityBulkUpdateApiKeys( //nolint:revive // the name is generated
	context.Context, SecurityBulkUpdateApiKeysRequestObject,
) (SecurityBulkUpdateApiKeysResponseObject, error) {
	body := BulkUpdateApiKeysResponse{Updated: []string{}, Noops: []string{}}
	return SecurityBulkUpdateApiKeys200JSONResponse{ApiKeysUpdatedJSONResponse(body)}, nil
}

// What the operations answer.
const (
	AnswerID    = "8d2a5f0c7b1e4a63"
	AnswerToken = "eyJhbGciOiJFZERTQSJ9.e30.c2ln" //nolint:gosec // an example that is not signed
)

// Expires is when the session expires.
var Expires = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// New returns the server, with middleware. Without any it accepts each body that can be decoded.
func New(middleware ...echo.MiddlewareFunc) http.Handler {
	e := echo.New()
	e.Use(middleware...)
	RegisterHandlers(e, NewStrictHandler(server{}, nil))
	return e
}

// Exchange is a request that is sent many times.
type Exchange struct {
	request *http.Request
	body    []byte
}

// NewExchange returns a request with a JSON body; nil for none.
func NewExchange(method, path string, body []byte) Exchange {
	r, _ := http.NewRequestWithContext(context.Background(), method, path, http.NoBody)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return Exchange{r, body}
}

// send sends the request to a handler, and returns the status of the answer.
func (x Exchange) send(to http.Handler, w *discard) int {
	r := *x.request
	if x.body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(x.body)), int64(len(x.body))
	}
	clear(w.header)
	w.status = http.StatusOK
	to.ServeHTTP(w, &r)
	return w.status
}

// discard is a response that keeps only the status.
type discard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// WriteHeader implements http.ResponseWriter.
func (d *discard) WriteHeader(status int) { d.status = status }

// Write implements http.ResponseWriter.
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// Compare reports the time that a handler takes for a request, as a multiple of the time that another takes: the
// median of the ratios of many short rounds, in which both alternate, because the speed of a shared machine varies.
func Compare(b *testing.B, handler, base http.Handler, x Exchange) {
	b.Helper()
	const requests = 100
	w := &discard{header: http.Header{}}
	round := func(h http.Handler) float64 {
		began := time.Now()
		for range requests {
			if status := x.send(h, w); status != http.StatusOK {
				b.Fatalf("answered %d", status)
			}
		}
		return float64(time.Since(began))
	}

	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, round(handler)/round(base))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(Allocations(handler, x), "allocs/request")
	b.ReportMetric(Allocations(base, x), "allocs/baseline")
}

// Allocations returns how often a handler allocates memory for a request, including three times for the request itself.
func Allocations(handler http.Handler, x Exchange) float64 {
	w := &discard{header: http.Header{}}
	return testing.AllocsPerRun(100, func() { x.send(handler, w) })
}
