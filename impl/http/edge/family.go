package edge

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/admission"
)

// Family is one of the APIs that a server serves. It holds all differences between them: the edge never checks which
// family it serves.
type Family interface {
	// Serves reports whether a path is the family's. A request is of the first family that serves its path.
	Serves(path string) bool
	// Begin normalizes the path of a request before it is routed, and negotiates the form of its response.
	Begin(c echo.Context) Exchange
	// Screen returns the checks of an operation that come before its caller is authenticated.
	Screen(op *contract.Operation) []echo.MiddlewareFunc
	// Register routes the family's operations to their handlers, with the middleware of each before them.
	Register(e *echo.Echo, middleware func(*contract.Operation) []echo.MiddlewareFunc) error
}

// Exchange is one request of a family, and its response.
type Exchange interface {
	// Authorize returns a fault unless the caller may call the operation. Otherwise it returns the user that the caller
	// acts as, or "".
	Authorize(c echo.Context, op *contract.Operation, caller identity.Principal) (actingAs string, err error)
	// Check returns a fault if the request as a whole is invalid. It is called once the caller is authorized.
	Check(r *http.Request, op *contract.Operation) error

	// Unpack returns the body of the request as it was before it was compressed.
	Unpack(r *http.Request) (io.Reader, error)
	// Unreadable returns the fault of a body that cannot be read to its end.
	Unreadable(r *http.Request, op *contract.Operation, cause error) error
	// Receive takes the whole body, and returns a fault if its headers are not acceptable.
	Receive(r *http.Request, op *contract.Operation, body []byte) error

	// Failure returns the response to a fault, and sets its headers.
	Failure(c echo.Context, f *fault.Error) (status int, body any)
	// Reshapes reports whether Reshape changes responses.
	Reshapes() bool
	// ReshapesParts reports whether Reshape can also be given a list in parts, as SendList sends it. Parts of which it
	// keeps nothing become an object without members.
	ReshapesParts() bool
	// Reshape returns the body of a response in the form that the request asked for. It calls reserve before it
	// allocates that number of bytes, and leaves out the step if reserve returns false.
	Reshape(ctx context.Context, body []byte, reserve func(bytes int) bool) ([]byte, error)
}

// state is the edge's state of one request.
type state struct {
	// exchange is nil once the response is complete, so that a slow client does not hold its memory.
	exchange Exchange
	// operation is the requested operation; nil if the contract has none.
	operation *contract.Operation
	// report reports the operation's response; nil if the contract has none.
	report Report
	// address is the client's address.
	address string
	// began is when the handling of the request began, and took its duration.
	began time.Time
	took  time.Duration
	// caller is the authenticated caller.
	caller identity.Principal
	// refusal is why the caller was not authenticated, and claimed the user that it claimed to be, if there is one.
	refusal, claimed string
	// origin is that of the request's changes.
	origin audit.Origin
	// worksFor is the caller that admission control knows.
	worksFor string
	answer   answer
}

type stateKey struct{}

func stateOf(c echo.Context) *state { return c.Request().Context().Value(stateKey{}).(*state) }

// ExchangeOf returns the exchange of a request that is being handled.
func ExchangeOf(c echo.Context) Exchange { return stateOf(c).exchange }

// begin assigns a request to its family. The request's context refers to its state from here on, so the context is
// made once.
func begin(families []Family, c echo.Context) {
	s := &state{address: c.RealIP()}
	ctx := admission.WithCallerAt(audit.WithOriginAt(c.Request().Context(), &s.origin), &s.worksFor)
	ctx = context.WithValue(ctx, stateKey{}, s) // last, because it is looked up most
	c.SetRequest(c.Request().WithContext(ctx))

	path := c.Request().URL.Path
	for _, family := range families {
		if family.Serves(path) {
			s.exchange = family.Begin(c)
			return
		}
	}
}
