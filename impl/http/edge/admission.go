package edge

import (
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// maxSmall is the size in bytes up to which a body or an answer does not count against a byte budget. Nearly all are
// smaller. A request with a larger body waits for a work slot.
const maxSmall = 16 << 10

// Limits of one server. A request costs about 30 KiB while it is read, queued or answered.
const (
	maxRequests = 8192
	// maxUnauthenticated bounds the requests to operations without credentials. One address has at most a
	// quarter, so others can sign in while it sends bodies that do not end.
	maxUnauthenticated = maxRequests / 2
	// authenticatedRequests are shared by the authenticated users. One user has at most a quarter.
	authenticatedRequests = maxRequests / 2

	// maxRefusals bounds the refusals being sent. Most take microseconds, but those to clients that do not read take
	// seconds. One address has at most a quarter.
	maxRefusals = 2048

	// heavyBytes are shared by the authenticated users. One user's quarter holds the largest answer with keys (32 MiB).
	heavyBytes = 160 << 20
	// revocationBytes are shared by the authenticated users, too.
	revocationBytes = 32 << 20
	// unauthenticatedBytes are shared by client addresses.
	unauthenticatedBytes = 32 << 20

	// heavyQueue is the number of heavy requests of one caller that may be queued. A longer queue would only delay the
	// refusals.
	heavyQueue = 32
	// revocationQueue is longer, because most revocations take a millisecond; the wait is bounded by a timeout.
	revocationQueue = 1024
	// revocationsPerProcessor is the number of revocations that run at once per processor: they mostly wait for the
	// store.
	revocationsPerProcessor = 4
)

// Limits are the bounds of admission control.
type Limits struct {
	// Requests bounds all requests at once, and UnauthenticatedRequests those to operations without credentials. With
	// HTTP/2 one connection carries hundreds of requests, so a limit on connections is not enough.
	Requests, UnauthenticatedRequests *admission.Bound
	// UserRequests shares the requests at once between the authenticated users, and AddressRequests those to operations
	// without credentials between client addresses.
	UserRequests, AddressRequests *admission.Budget
	// Refusals shares the refusals being sent between client addresses.
	Refusals *admission.Budget
	// Heavy and Revocation are the classes of authenticated users, and Unauthenticated is that of client addresses.
	Heavy, Revocation, Unauthenticated *admission.Class
}

// NewLimits returns the limits of one server. reads is the number of concurrent read transactions of its store; 0 if
// that is unlimited. Heavy requests never take all of them.
func NewLimits(reads int) *Limits {
	n := admission.Processors()
	concurrent := n
	if reads > 0 {
		concurrent = min(n, reads/2)
	}

	return &Limits{
		Requests:                admission.NewBound(maxRequests, 0),
		UnauthenticatedRequests: admission.NewBound(maxUnauthenticated, 0),
		UserRequests:            admission.NewBudget(authenticatedRequests),
		AddressRequests:         admission.NewBudget(maxUnauthenticated),
		Refusals:                admission.NewBudget(maxRefusals),
		Heavy:                   admission.NewClass(concurrent, heavyQueue, heavyBytes),
		Revocation:              admission.NewClass(n*revocationsPerProcessor, revocationQueue, revocationBytes),
		Unauthenticated:         admission.NewClass(n, heavyQueue, unauthenticatedBytes),
	}
}

// Classes returns the classes by their names in metrics.
func (l *Limits) Classes() map[string]*admission.Class {
	return map[string]*admission.Class{
		"heavy":           l.Heavy,
		"revocation":      l.Revocation,
		"unauthenticated": l.Unauthenticated,
	}
}

// class returns the class that an operation's requests belong to once their caller is authenticated.
func (l *Limits) class(op *contract.Operation) *admission.Class {
	switch {
	case op.Public:
		return l.Unauthenticated
	case op.Work == contract.Revocation:
		return l.Revocation
	default:
		return l.Heavy
	}
}

// requests returns the bounds that a request of an operation counts against.
func (l *Limits) requests(op *contract.Operation) []*admission.Bound {
	if op.Public {
		return []*admission.Bound{l.UnauthenticatedRequests, l.Requests}
	}
	return []*admission.Bound{l.Requests}
}

// enter records the operation, and counts the request until its answer is sent. It refuses the request at once if too
// many are in flight.
func enter(op *contract.Operation, limits *Limits, report Report) echo.MiddlewareFunc {
	requests := limits.requests(op)
	return Before(func(c echo.Context) error {
		s := stateOf(c)
		a := &s.answer
		s.operation, s.report, s.worksFor = op, report, a.caller
		for i, bound := range requests {
			if err := bound.Acquire(c.Request().Context()); err != nil {
				return err
			}
			a.requests = requests[:i+1]
		}

		if op.Public {
			if !limits.AddressRequests.Take(a.caller, 1) {
				return admission.Busy()
			}
			a.share, a.admitted = limits.AddressRequests, true
		}

		if op.Work == contract.Revocation {
			c.SetRequest(c.Request().WithContext(admission.Revocation(c.Request().Context())))
		}
		return nil
	})
}

// chargeUser counts the request from here on against the authenticated user's share instead of the client address's.
// API keys count as their owner, and requests on another user's behalf as the authenticating user.
func chargeUser(op *contract.Operation, limits *Limits) echo.MiddlewareFunc {
	if op.Public {
		return skip
	}
	return Before(func(c echo.Context) error {
		s := stateOf(c)
		a, user := &s.answer, s.caller.User
		if !limits.UserRequests.Take(user, 1) {
			return admission.Busy()
		}

		a.class, a.caller, a.share, a.admitted = limits.class(op), user, limits.UserRequests, true
		s.worksFor = "user " + user // no address begins with "user "
		return nil
	})
}

// takeSlot waits for a work slot if the request needs one: if its operation is heavy or a revocation, if its body is
// large, or if its answer is to be reshaped. It runs after the body has been read, and releases the slot before the
// answer is sent, so that a slow client holds none.
func takeSlot(op *contract.Operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, a := c.Request(), &stateOf(c).answer
			large := op.TakesBody && r.ContentLength > maxSmall
			if op.Work == contract.Light && !large && !a.reshaped {
				return next(c)
			}

			if err := a.class.Slots.Acquire(r.Context(), a.caller); err != nil {
				return err
			}

			a.slot = a.class.Slots
			defer a.releaseSlot()

			ctx, meter := work.Metered(r.Context())
			a.work = meter
			c.SetRequest(r.WithContext(ctx))

			a.finish(c, next(c))
			return nil
		}
	}
}
