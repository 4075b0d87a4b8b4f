package ece

import (
	"context"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/contract/baseline"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// fixed answers two operations as the baseline does.
type fixed struct{ server.StrictServerInterface }

// GetCurrentAccount implements server.StrictServerInterface.
func (fixed) GetCurrentAccount(
	context.Context, server.GetCurrentAccountRequestObject,
) (server.GetCurrentAccountResponseObject, error) {
	account := server.AccountResponse{ID: baseline.AnswerID, Trust: &server.AccountTrustSettings{TrustAll: true}}
	return server.GetCurrentAccount200JSONResponse{AccountJSONResponse: server.AccountJSONResponse{Body: account}}, nil
}

// Login implements server.StrictServerInterface.
func (fixed) Login(context.Context, server.LoginRequestObject) (server.LoginResponseObject, error) {
	body := server.TokenResponse{Token: baseline.AnswerToken, SessionExpirationTime: baseline.Expires}
	return server.Login200JSONResponse{TokenJSONResponse: server.TokenJSONResponse(body)}, nil
}

// readWhole does what the edge does with bodies.
func readWhole(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		body, err := contract.ReadAll(r.Body, int(r.ContentLength))
		if err != nil {
			return err
		}
		r.Body = contract.NewBody(body)
		return next(c)
	}
}

// generated returns the generated server with validation, which holds its answers to check them, or does not.
func generated(b testing.TB, options contract.Options, hold bool) http.Handler {
	b.Helper()
	loaded, err := contract.Load()
	if err != nil {
		b.Fatal(err)
	}

	e := echo.New()
	e.JSONSerializer = serializer{}
	middlewares, served := map[string][]echo.MiddlewareFunc{}, map[route]bool{}
	for _, op := range loaded.With(options).Operations {
		if op.TakesBody {
			middlewares[op.ID] = append(middlewares[op.ID], readWhole)
		}
		if hold {
			middlewares[op.ID] = append(middlewares[op.ID], checkAnswer(b, op))
		}
		middlewares[op.ID] = append(middlewares[op.ID], validate(op))
		served[route{op.Method, edge.RoutePath(op.Path)}] = true
	}
	strict := server.NewStrictHandler(fixed{}, []server.StrictMiddlewareFunc{finish})
	registration := server.RegisterHandlersOptions{OperationMiddlewares: middlewares}
	server.RegisterHandlersWithOptions(router{e, served}, strict, registration)
	return e
}

// checkAnswer checks the response of an operation, which must have one write.
func checkAnswer(b testing.TB, op *contract.Operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			response := c.Response()
			w := checkingWriter{ResponseWriter: response.Writer, response: response, op: op}
			response.Writer = &w
			err := next(c)
			response.Writer = w.ResponseWriter
			if w.invalid != nil {
				b.Fatal(w.invalid)
			}
			return err
		}
	}
}

// checkingWriter checks what is written.
type checkingWriter struct {
	http.ResponseWriter

	response *echo.Response
	op       *contract.Operation
	invalid  *contract.ResponseError
}

// Write implements http.ResponseWriter.
func (w *checkingWriter) Write(p []byte) (int, error) {
	w.invalid = w.op.CheckResponse(w.response.Status, w.Header()["Content-Type"][0], p)
	return w.ResponseWriter.Write(p)
}

var (
	getAccount = baseline.NewExchange(http.MethodGet, "/api/v1/account", nil)
	login      = baseline.NewExchange(http.MethodPost, "/api/v1/users/auth/_login",
		[]byte(`{"username":"alice","password":"correct horse battery staple"}`))
)

// Ensures that a valid request and its answer need no more memory than they did: this does not vary as time does.
func TestValidation_Allocations(t *testing.T) {
	handler := generated(t, contract.Options{Responses: true}, true)
	for name, c := range map[string]struct {
		exchange baseline.Exchange
		most     float64
	}{
		"GET account": {getAccount, 8},
		"login":       {login, 16},
	} {
		t.Run(name, func(t *testing.T) {
			if n := baseline.Allocations(handler, c.exchange); n > c.most {
				t.Errorf("%v allocations, more than %v", n, c.most)
			}
		})
	}
}

// BenchmarkValidation compares the generated server with validation with the baseline, which has none, and what it
// costs to check responses too.
func BenchmarkValidation(b *testing.B) {
	for name, exchange := range map[string]baseline.Exchange{"GET account": getAccount, "login": login} {
		compiled := generated(b, contract.Options{}, false)
		b.Run(name+"/compiled", func(b *testing.B) { baseline.Compare(b, compiled, baseline.New(), exchange) })
		b.Run(name+"/interpreted", func(b *testing.B) {
			baseline.Compare(b, generated(b, contract.Options{Interpret: true}, false), baseline.New(), exchange)
		})
		b.Run(name+"/responses", func(b *testing.B) {
			checking := generated(b, contract.Options{Responses: true}, true)
			baseline.Compare(b, checking, generated(b, contract.Options{}, true), exchange)
		})
	}
}
