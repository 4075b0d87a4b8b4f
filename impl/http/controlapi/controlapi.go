// Package controlapi serves the control API of a temporary server, the contract of which is api/control.yaml, as strict
// handlers of the generated server. Only test support and the command dev may import it.
package controlapi

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/api"
	generated "github.com/sallyport/sallyport/gen/control"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/control"
)

// Config describes a control API. Server, Token and Log must be set.
type Config struct {
	// Server is the server that is controlled.
	Server *control.Server
	// Token authorizes requests.
	Token string
	// Host is the host name that requests may name, beside loopback names and the address that they arrive at.
	Host string
	Log  *slog.Logger
}

// prefix is the beginning of the paths of the API.
const prefix = "/_control/"

// New returns a handler with the control API below /_control/v1 and the server at all other paths.
func New(c Config) (http.Handler, error) {
	if len(c.Token) < MinToken {
		return nil, errors.New("controlapi: the token is too short")
	}
	operations, err := load()
	if err != nil {
		return nil, err
	}

	a := &handlers{c}
	strict := generated.NewStrictHandlerWithOptions(a, nil, generated.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  refuseBody,
		ResponseErrorHandlerFunc: a.writeFailure,
	})
	mux := http.NewServeMux()
	generated.HandlerWithOptions(strict, generated.StdHTTPServerOptions{
		BaseRouter:       validatingMux{mux, operations},
		ErrorHandlerFunc: refuseParameter,
	})
	mux.HandleFunc("/", refuseOperation)

	guarded := guard{c, mux}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			guarded.ServeHTTP(w, r)
			return
		}
		c.Server.ServeHTTP(w, r)
	}), nil
}

// load returns the operations of the contract by method and path.
var load = sync.OnceValues(func() (map[string]*contract.Operation, error) {
	document, err := contract.Parse(api.Control)
	if err != nil {
		return nil, err
	}
	operations := map[string]*contract.Operation{}
	for _, op := range document.Operations {
		operations[op.Method+" "+op.Path] = op
	}
	return operations, nil
})
