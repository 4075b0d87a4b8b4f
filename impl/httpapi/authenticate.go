package httpapi

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/auth"
	"github.com/sallyport/sallyport/impl/elevation"
	"github.com/sallyport/sallyport/impl/identity"
)

// keyExpirationHeader tells the holder of an API key when it expires, as ECE does.
const keyExpirationHeader = "X-Elastic-Api-Key-Expiration"

const anonymous = "(anonymous)"

// authenticate finds out who calls, and lets in whom the contract and the roles allow, before anything of the request's
// body is read.
func authenticate(authn *auth.Service, op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			origin := audit.Origin{Actor: anonymous, Address: c.RealIP(), RequestID: requestIDOf(c)}
			ctx := audit.WithOrigin(r.Context(), origin) // a guess that is wrong is counted against the address
			if !op.public {
				p, err := authn.Authenticate(ctx, r.Header.Values(echo.HeaderAuthorization))
				if err != nil {
					return err
				}
				announceExpiry(c, p)
				ctx = context.WithValue(ctx, principalKey{}, p)
				c.SetRequest(r.WithContext(ctx))
				if err := p.Authorize(op.permission); err != nil {
					return err
				}
				origin.Actor = p.User
			}
			c.SetRequest(r.WithContext(audit.WithOrigin(ctx, origin)))
			return next(c)
		}
	}
}

// requireElevation lets in callers with elevated permissions only, where the contract asks for them and as far as the
// policy does.
func requireElevation(elevations *elevation.Service, op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if !op.elevated {
			return next
		}
		return func(c echo.Context) error {
			if err := elevations.Require(principalOf(c.Request().Context())); err != nil {
				return err
			}
			return next(c)
		}
	}
}

func announceExpiry(c echo.Context, p identity.Principal) {
	if p.Method == identity.APIKey && !p.Expires.IsZero() {
		c.Response().Header().Set(keyExpirationHeader, p.Expires.Format(time.RFC3339))
	}
}

type principalKey struct{}

// principalOf returns who calls; the zero Principal, which may do nothing, in an operation that needs no credentials.
func principalOf(ctx context.Context) identity.Principal {
	p, _ := ctx.Value(principalKey{}).(identity.Principal)
	return p
}
