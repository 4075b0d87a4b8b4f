// Package ece serves the API of Elastic Cloud Enterprise: accounts, users, sign-in, elevation and API keys, as strict
// handlers of the generated server. It turns requests into calls of the domain, and values and faults into responses;
// it decides nothing.
package ece

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/saml"
)

// Services are what the handlers call.
type Services struct {
	Accounts  *account.Service
	Auth      *authn.Service
	Keys      *apikey.Service
	Users     *user.Service
	SAML      *saml.Service
	Elevation *elevation.Service
	Trail     *audit.Trail
	Log       *slog.Logger
	// Speaks is the version that is served.
	Speaks compatibility.ECE
	// StrictContentType refuses JSON with curl's default content type.
	StrictContentType bool
}

// API is the family of Elastic Cloud Enterprise's operations. It serves all paths.
type API struct {
	Services

	contract *contract.Contract
	// grants are the permissions of roles, each to call one operation.
	grants identity.Grants
}

var (
	_ edge.Family                  = (*API)(nil)
	_ server.StrictServerInterface = (*API)(nil)
)

// New returns the family of a contract.
func New(c *contract.Contract, services Services) *API { return &API{services, c, grantsOf(c)} }

func grantsOf(c *contract.Contract) identity.Grants {
	grants := identity.Grants{}
	for _, op := range c.Operations {
		for _, role := range op.Roles {
			permission := identity.Permission(op.ID)
			grants[permission] = append(grants[permission], identity.Role(role))
		}
	}
	return grants
}

// Serves implements edge.Family.
func (a *API) Serves(string) bool { return true }

// Begin implements edge.Family.
func (a *API) Begin(c echo.Context) edge.Exchange {
	stripRegion(c.Request().URL)
	return exchange{a}
}

// Register implements edge.Family.
func (a *API) Register(e *echo.Echo, middleware func(*contract.Operation) []echo.MiddlewareFunc) error {
	all, served := map[string][]echo.MiddlewareFunc{}, map[route]bool{}
	for _, op := range a.contract.Operations {
		all[op.ID] = append(middleware(op), validate(op))
		served[route{op.Method, edge.RoutePath(op.Path)}] = true
	}
	e.JSONSerializer = serializer{}
	handler := server.NewStrictHandler(a, []server.StrictMiddlewareFunc{finish})
	options := server.RegisterHandlersOptions{OperationMiddlewares: all}
	server.RegisterHandlersWithOptions(router{e, served}, handler, options)
	return nil
}

// route is a method and a path as the router writes it.
type route struct{ method, path string }

// router registers the handlers of the contract's operations with their middleware composed. The generated code has
// all operations; one that the contract leaves out has no middleware, so it must not be reached.
type router struct {
	*echo.Echo

	served map[route]bool
}

var _ server.EchoRouter = router{}

func (r router) add(method, path string, h echo.HandlerFunc, m []echo.MiddlewareFunc) *echo.Route {
	if !r.served[route{method, path}] {
		return nil
	}
	return r.Add(method, path, edge.Compose(h, m...))
}

// GET implements server.EchoRouter.
func (r router) GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodGet, path, h, m)
}

// POST implements server.EchoRouter.
func (r router) POST(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodPost, path, h, m)
}

// PUT implements server.EchoRouter.
func (r router) PUT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodPut, path, h, m)
}

// PATCH implements server.EchoRouter.
func (r router) PATCH(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodPatch, path, h, m)
}

// DELETE implements server.EchoRouter.
func (r router) DELETE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodDelete, path, h, m)
}

// finish returns an error for a handler that returns no response, which would be sent as an empty 200, and sends some
// responses in place of the generated code.
func finish(next server.StrictHandlerFunc, operation string) server.StrictHandlerFunc {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		switch {
		case err != nil:
			return response, err
		case response == nil:
			return nil, fmt.Errorf("ece: %s: %w", operation, errNoResponse)
		}

		sent, err := sendDirectly(c, response)
		if sent {
			return nil, err
		}
		return response, err
	}
}

var errNoResponse = errors.New("the handler returned neither a response nor an error")
