package httpapi

import (
	"fmt"
	"io"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// maxSmall is up to which size a body or an answer is not counted against a byte budget: that of nearly all requests. A
// request with a larger body waits for a work slot.
const maxSmall = 16 << 10

// work is the work class of an operation, which x-work gives in the contract.
type work string

const (
	// light operations cost at most a small multiple of their request, and need no work slot.
	light work = ""
	// heavy operations cost more the more records are stored, or grow faster than their request.
	heavy work = "heavy"
	// revocation operations take access away. They share neither slots nor bytes with others, so that reads cannot starve them.
	revocation work = "revocation"
)

// workOf reads the work class of an operation from its extension in the contract.
func workOf(extension any) (work, error) {
	if extension == nil {
		return light, nil
	}
	text, _ := extension.(string)
	if w := work(text); w == heavy || w == revocation {
		return w, nil
	}
	return light, fmt.Errorf("x-work is %v, and not %s or %s", extension, heavy, revocation)
}

// Limits of one server. A request costs some 30 KiB while it is read, waits or is answered.
const (
	maxRequests = 8192
	// maxUnauthenticated bounds the requests to operations without credentials. One address has at most a quarter: others sign in
	// although it sends bodies that do not end.
	maxUnauthenticated = maxRequests / 2
	// authenticatedRequests are shared by the authenticated users: one has at most a quarter.
	authenticatedRequests = maxRequests / 2

	// maxRefusals bounds the refusals being sent. Most take microseconds; those to clients that do not read take seconds, and one address
	// has at most a quarter.
	maxRefusals = 2048

	// heavyBytes are shared by the authenticated users. The quarter that one user gets holds the largest answer with keys (32 MiB).
	heavyBytes = 160 << 20
	// revocationBytes are shared by the authenticated users, too.
	revocationBytes = 32 << 20
	// unauthenticatedBytes are shared by client addresses.
	unauthenticatedBytes = 32 << 20

	// heavyQueue is how many requests of one caller wait for work that takes long: a longer queue would only say later what
	// has to be said anyway.
	heavyQueue = 32
	// revocationQueue is longer, because most revocations take a millisecond; what bounds the wait is its time.
	revocationQueue = 1024
	// revocationsPerProcessor is how many revocations run at once: they mostly wait for the store.
	revocationsPerProcessor = 4
)

// Limits are the bounds of admission control.
type Limits struct {
	// Requests bounds all requests at once, and UnauthenticatedRequests those to operations without credentials. With HTTP/2 one
	// connection carries hundreds, so the bound of connections does not help.
	Requests, UnauthenticatedRequests *admission.Bound
	// UserRequests shares the requests at once between the authenticated users, and AddressRequests those to operations without
	// credentials between client addresses.
	UserRequests, AddressRequests *admission.Budget
	// Refusals shares the refusals being sent between client addresses.
	Refusals *admission.Budget
	// Heavy and Revocation are the classes of authenticated users, and Unauthenticated is that of client addresses.
	Heavy, Revocation, Unauthenticated *admission.Class
}

// NewLimits returns the limits of one server whose store lets a number of transactions read at once; 0 if there is none. Heavy
// requests never take all of these.
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

// Classes returns the classes by the names that metrics have for them.
func (l *Limits) Classes() map[string]*admission.Class {
	return map[string]*admission.Class{"heavy": l.Heavy, "revocation": l.Revocation, "unauthenticated": l.Unauthenticated}
}

// class returns the class of an operation's requests once their caller is authenticated.
func (l *Limits) class(op operation) *admission.Class {
	switch {
	case op.public:
		return l.Unauthenticated
	case op.work == revocation:
		return l.Revocation
	default:
		return l.Heavy
	}
}

// requests returns the bounds that a request of an operation counts against.
func (l *Limits) requests(op operation) []*admission.Bound {
	if op.public {
		return []*admission.Bound{l.UnauthenticatedRequests, l.Requests}
	}
	return []*admission.Bound{l.Requests}
}

// enter notes which operation is called, and refuses a request at once if too many are in flight, until its answer is sent. It is one
// middleware because Echo makes each anew for each request.
func enter(op operation, limits *Limits) echo.MiddlewareFunc {
	requests := limits.requests(op)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set(operationKey, op.id)
			a := answerOf(c)
			for i, bound := range requests {
				if err := bound.Acquire(c.Request().Context()); err != nil {
					return err
				}
				a.requests = requests[:i+1]
			}
			if op.public {
				if !limits.AddressRequests.Take(a.caller, 1) {
					return admission.Busy()
				}
				a.share, a.admitted = limits.AddressRequests, true
			}

			ctx := admission.WithCaller(c.Request().Context(), a.caller)
			if op.work == revocation {
				ctx = admission.Revocation(ctx)
			}
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// chargeUser counts the request, from here on, against the authenticated user's share and no longer against the client's address.
// API keys count as their owner, and requests on another user's behalf as the authenticating user.
func chargeUser(op operation, limits *Limits) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.public {
			return next
		}
		return func(c echo.Context) error {
			a, r := answerOf(c), c.Request()
			user := principalOf(r.Context()).User
			if !limits.UserRequests.Take(user, 1) {
				return admission.Busy()
			}
			a.class, a.caller, a.share, a.admitted = limits.class(op), user, limits.UserRequests, true
			c.SetRequest(r.WithContext(admission.WithCaller(r.Context(), "user "+user))) // no address begins like that
			return next(c)
		}
	}
}

// metered counts what is read of a body beyond what is small against the caller's share of a byte budget.
type metered struct {
	from        io.Reader
	bytes       *admission.Budget
	caller      string
	read, taken int64
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.read += int64(n)
	if more := m.read - maxSmall - m.taken; more > 0 {
		if !m.bytes.Take(m.caller, more) {
			return 0, admission.Busy()
		}
		m.taken += more
	}
	return n, err
}

func (m *metered) giveBack() {
	if m.taken > 0 {
		m.bytes.Give(m.caller, m.taken)
	}
}

// takeSlot lets a request work when it gets a work slot, if it needs one: that of a heavy operation or a revocation, one with a large body,
// and one whose answer is to be reshaped. It comes when the body has been read, and the slot is given back before the answer is
// sent: a slow client holds none.
func takeSlot(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, a := c.Request(), answerOf(c)
			large := op.body != nil && r.ContentLength > maxSmall
			if op.work == light && !large && !a.reshaped {
				return next(c)
			}

			if err := a.class.Slots.Acquire(r.Context(), a.caller); err != nil {
				return err
			}
			a.slot = a.class.Slots
			defer a.releaseSlot()

			a.finish(c, next(c))
			return nil
		}
	}
}
