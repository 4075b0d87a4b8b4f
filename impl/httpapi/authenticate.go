package httpapi

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
)

// keyExpirationHeader tells the holder of an API key when it expires, as ECE does.
const keyExpirationHeader = "X-Elastic-Api-Key-Expiration"

const anonymous = "(anonymous)"

// authenticate finds out who calls, and lets in whom the contract and the roles allow, before anything of the request's
// body is read.
func authenticate(authn *authn.Service, rights *access.Service, op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := identifyCaller(c, authn, rights, op); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// authenticateAgain is authenticate for requests that have waited since: for a body, which a client may take readTimeout to
// send, or for a work slot. A caller whose credentials or roles are revoked meanwhile must not be served by what they were, or
// a caller that always has such a request under way could not be locked out.
func authenticateAgain(authn *authn.Service, rights *access.Service, elevations *elevation.Service, op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.public || op.body == nil && op.work == light {
			return next
		}
		allowed := requireElevation(elevations, op)(next)
		return func(c echo.Context) error {
			if err := identifyCaller(c, authn, rights, op); err != nil {
				return err
			}
			return allowed(c)
		}
	}
}

// identifyCaller puts the caller and the origin of the request's changes into the request's context.
func identifyCaller(c echo.Context, authn *authn.Service, rights *access.Service, op operation) error {
	r := c.Request()
	origin := audit.Origin{Actor: anonymous, Address: c.RealIP(), RequestID: requestIDOf(c)}
	ctx := audit.WithOrigin(r.Context(), origin) // a guess that is wrong is counted against the address
	if !op.public {
		p, err := authn.Authenticate(ctx, r.Header.Values(echo.HeaderAuthorization))
		if err != nil {
			return err
		}
		ctx = withPrincipal(ctx, p)
		c.SetRequest(r.WithContext(ctx))
		if ctx, err = admit(ctx, c, rights, op, p); err != nil {
			return err
		}
		origin.Actor = p.User
		if subject := subjectOf(ctx); subject.Method == identity.RunAs {
			origin.ActingAs = subject.User
		}
	}
	c.SetRequest(r.WithContext(audit.WithOrigin(ctx, origin)))
	return nil
}

// admit lets a caller in: to ECE's operations by ECE's roles, and to Elasticsearch's as somebody with privileges, on which
// the operation decides itself, because Elasticsearch looks at the request first.
func admit(ctx context.Context, c echo.Context, rights *access.Service, op operation, p identity.Principal) (context.Context, error) {
	if !op.elasticsearch {
		if len(c.Request().Header.Values(runAsHeader)) > 0 {
			return ctx, fault.New(fault.PermissionDenied, runAsHeader+": only Elasticsearch's operations let one act as somebody else", runAsHeader)
		}
		announceExpiry(c, p)
		return ctx, p.Authorize(op.permission)
	}
	subject, err := rights.Subject(ctx, p)
	if err != nil {
		return ctx, err
	}
	r := c.Request()
	if err := subject.RequireEndpoint(r.Method, r.URL.Path); err != nil {
		return ctx, err
	}
	switch names := r.Header.Values(runAsHeader); len(names) {
	case 0:
	case 1: // also an empty one: nobody means to act as oneself then
		if subject, err = rights.RunAs(ctx, subject, names[0], op.action); err != nil {
			return ctx, err
		}
	default:
		return ctx, fault.New(fault.InvalidData, "there is more than one header "+runAsHeader, runAsHeader)
	}
	return context.WithValue(ctx, subjectKey{}, subject), nil
}

// runAsHeader names the user whom a caller of Elasticsearch's operations acts as.
const runAsHeader = "es-security-runas-user"

type subjectKey struct{}

// subjectOf returns who calls one of Elasticsearch's operations; the zero Subject, which may do nothing, in any other.
func subjectOf(ctx context.Context) access.Subject {
	s, _ := ctx.Value(subjectKey{}).(access.Subject)
	return s
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

// withPrincipal returns a context with the authenticated caller.
func withPrincipal(ctx context.Context, p identity.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// principalOf returns who calls; the zero Principal, which may do nothing, in an operation that needs no credentials.
func principalOf(ctx context.Context) identity.Principal {
	p, _ := ctx.Value(principalKey{}).(identity.Principal)
	return p
}
