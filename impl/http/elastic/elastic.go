// Package elastic serves Elasticsearch's security API. Its operations are rows of a table, which operation.go executes.
// It converts requests to calls of the domain, and values and faults to responses; the decisions are the domain's.
package elastic

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/profile"
	"github.com/sallyport/sallyport/impl/authn/servicetoken"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/rolemapping"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/saml"
)

// Services are the services that the operations call.
type Services struct {
	Accounts *account.Service
	Auth     *authn.Service
	Keys     *apikey.Service
	Users    *user.Service
	Roles    *role.Service
	// RoleMappings give roles to users of identity providers.
	RoleMappings *rolemapping.Service
	// SAML lets users sign in at identity providers.
	SAML *saml.Service
	// Privileges are those of applications.
	Privileges *applicationprivilege.Service
	// Access resolves the privileges of callers.
	Access *access.Service
	// Tokens are those of service accounts.
	Tokens    *servicetoken.Service
	Profiles  *profile.Service
	Elevation *elevation.Service
	// Speaks is the version that is served, and Names are the names of its privileges.
	Speaks compatibility.Elasticsearch
	Names  privilege.Names
	// Now is the clock that relative dates of queries refer to.
	Now func() time.Time
}

// API is the family of Elasticsearch's operations. It serves the root and all paths that begin with an underscore.
type API struct {
	Services

	contract *contract.Contract
	table    []operation
}

var _ edge.Family = (*API)(nil)

// New returns the family of a contract.
func New(c *contract.Contract, services Services) *API {
	a := &API{Services: services, contract: c}
	a.table = slices.Concat(
		a.clusterOperations(),
		a.callerOperations(),
		a.keyOperations(),
		a.crossClusterOperations(),
		a.cloneOperations(),
		a.userOperations(),
		a.passwordOperations(),
		a.roleOperations(),
		a.roleMappingOperations(),
		a.privilegeOperations(),
		a.tokenOperations(),
		a.serviceOperations(),
		a.profileOperations(),
		a.samlOperations(),
	)

	return a
}

// Serves implements edge.Family.
func (a *API) Serves(path string) bool { return path == "/" || strings.HasPrefix(path, "/_") }

// Screen implements edge.Family.
func (a *API) Screen(*contract.Operation) []echo.MiddlewareFunc { return nil }

// Register implements edge.Family. It returns an error unless each of the family's operations in the contract has a row
// in the table, and each row an operation.
func (a *API) Register(e *echo.Echo, middleware func(*contract.Operation) []echo.MiddlewareFunc) error {
	rows := map[string]operation{}
	for _, row := range a.table {
		for _, id := range row.ids() {
			rows[id] = row
		}
	}

	for _, id := range a.Speaks.Operations {
		delete(rows, id)
	}

	for _, op := range a.contract.Operations {
		if !a.Serves(op.Path) {
			continue
		}
		row, ok := rows[op.ID]
		if !ok || op.Extension(actionExtension) == "" {
			return fmt.Errorf("elastic: operation %s has no row in the table, or no %s", op.ID, actionExtension)
		}
		delete(rows, op.ID)
		e.Add(op.Method, edge.RoutePath(op.Path), edge.Compose(a.handle(op, row), middleware(op)...))
	}

	for _, id := range a.Speaks.Operations {
		delete(rows, id)
	}
	for id := range rows {
		return fmt.Errorf("elastic: the contract has no operation %s", id)
	}

	return nil
}
