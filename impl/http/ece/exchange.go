package ece

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
)

const regionsPrefix = "/api/v1/regions/"

// stripRegion makes each path below /api/v1/regions/{region} the one below /api/v1: ECE's clients call the account
// there.
func stripRegion(u *url.URL) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), regionsPrefix)
	if !ok {
		return
	}

	region, rest, ok := strings.Cut(rest, "/")
	if !ok || region == "" {
		return
	}

	escaped := "/api/v1/" + rest
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return
	}

	u.Path, u.RawPath = path, ""
	if u.EscapedPath() != escaped {
		u.RawPath = escaped
	}
}

// exchange is one request of this API. It keeps nothing of it.
type exchange struct{ api *API }

var _ edge.Exchange = exchange{}

const (
	// runAsHeader names the user that a caller of Elasticsearch's operations acts as.
	runAsHeader = "es-security-runas-user"
	// canonicalRunAs is runAsHeader as http.Header has it.
	canonicalRunAs = "Es-Security-Runas-User"
	// keyExpirationHeader gives the holder of an API key its expiration, as ECE does.
	keyExpirationHeader = "X-Elastic-Api-Key-Expiration"
)

// Authorize implements edge.Exchange. ECE's roles decide.
func (x exchange) Authorize(c echo.Context, op *contract.Operation, caller identity.Principal) (string, error) {
	if len(c.Request().Header[canonicalRunAs]) > 0 {
		message := runAsHeader + ": only Elasticsearch's operations let a caller act as another user"
		return "", fault.New(fault.PermissionDenied, message, runAsHeader)
	}
	if caller.Method == identity.APIKey && !caller.Expires.IsZero() {
		c.Response().Header().Set(keyExpirationHeader, caller.Expires.Format(time.RFC3339))
	}
	permission := identity.Permission(op.ID)
	return "", caller.Authorize(permission, x.api.grants[permission])
}

// Check implements edge.Exchange. ECE ignores unknown parameters of the query string.
func (exchange) Check(*http.Request, *contract.Operation) error { return nil }

// Unpack implements edge.Exchange. ECE takes no compressed bodies.
func (exchange) Unpack(r *http.Request) (io.Reader, error) { return r.Body, nil }

// Unreadable implements edge.Exchange.
func (exchange) Unreadable(r *http.Request, op *contract.Operation, cause error) error {
	return refusal(op.Unreadable(r.Header.Get(echo.HeaderContentType), cause))
}

// Receive implements edge.Exchange. It corrects curl's default content type.
func (x exchange) Receive(r *http.Request, op *contract.Operation, body []byte) error {
	if !x.api.StrictContentType && len(op.FormFields) == 0 && isJSONByCurl(r.Header, body) {
		r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	}
	return nil
}

// Reshapes implements edge.Exchange.
func (exchange) Reshapes() bool { return false }

// ReshapesParts implements edge.Exchange.
func (exchange) ReshapesParts() bool { return true }

// Reshape implements edge.Exchange.
func (exchange) Reshape(_ context.Context, body []byte, _ func(int) bool) ([]byte, error) {
	return body, nil
}
