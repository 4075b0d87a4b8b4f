package edge

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/contract"
)

const anonymous = "(anonymous)"

// authenticate authenticates the caller and has the family authorize it, before any of the body is read.
func authenticate(auth *authn.Service, op *contract.Operation) echo.MiddlewareFunc {
	return Before(func(c echo.Context) error { return identifyCaller(c, auth, op) })
}

// authenticateAgain repeats authenticate for requests that have waited: for a body, which may take up to readTimeout,
// or for a work slot. Credentials or roles that were revoked meanwhile must not be honored: otherwise a caller that
// always has such a request in flight could not be locked out.
func authenticateAgain(auth *authn.Service, elevations *elevation.Service, op *contract.Operation) echo.MiddlewareFunc {
	if op.Public || !op.TakesBody && op.Work == contract.Light {
		return skip
	}
	repeated, elevated := authenticate(auth, op), requireElevation(elevations, op)
	return func(next echo.HandlerFunc) echo.HandlerFunc { return repeated(elevated(next)) }
}

// identifyCaller sets the caller of the request and the origin of its changes.
func identifyCaller(c echo.Context, auth *authn.Service, op *contract.Operation) error {
	r, s := c.Request(), stateOf(c)
	// A failed attempt is counted against the address.
	s.origin = audit.Origin{Actor: anonymous, Address: s.address, RequestID: requestIDOf(c)}
	if op.Public {
		return nil
	}

	caller, err := auth.Authenticate(r.Context(), r.Header[echo.HeaderAuthorization])
	if err != nil {
		return err
	}

	s.caller = caller
	actingAs, err := s.exchange.Authorize(c, op, caller)
	if err != nil {
		return err
	}

	s.origin.Actor, s.origin.ActingAs = caller.User, actingAs
	return nil
}

// requireElevation refuses callers without elevated permissions, if the contract and the policy require them.
func requireElevation(elevations *elevation.Service, op *contract.Operation) echo.MiddlewareFunc {
	if !op.Elevated {
		return skip
	}
	return Before(func(c echo.Context) error { return elevations.Require(stateOf(c).caller) })
}

// CallerOf returns the authenticated caller of a request. Public operations get the zero Principal, which has no
// permissions.
func CallerOf(ctx context.Context) identity.Principal {
	if s, ok := ctx.Value(stateKey{}).(*state); ok {
		return s.caller
	}
	return identity.Principal{}
}

// ProofOf returns what a caller has proved beyond its identity.
func ProofOf(elevations *elevation.Service, caller identity.Principal) user.Proof {
	return user.Proof{
		RecentPassword: elevations.Recent(caller),
		SecondFactor:   elevations.RequireFactor(caller),
		Elevation:      elevations.Require(caller),
	}
}
