package httpapi

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/overload"
)

// maxSmall is up to which size a body is nobody's concern: that of nearly all requests. What is larger is counted while it is
// read, and waits for a turn before it is looked at.
const maxSmall = 16 << 10

// large are the operations that need a turn whatever their body's size, because their work grows with what is stored.
var large = map[string]bool{
	"get-users":             true,
	"delete-user":           true,
	"get-api-keys":          true,
	"delete-api-keys":       true,
	"get-users-api-keys":    true,
	"delete-users-api-keys": true,
	"get-user-api-keys":     true,
	"delete-user-api-keys":  true,

	"security-bulk-update-api-keys":       true,
	"security-delete-user":                true,
	"security-get-api-keys":               true,
	"security-get-application-privileges": true,
	"security-get-privileges":             true,
	"security-get-roles":                  true,
	"security-get-users":                  true,
	"security-invalidate-api-keys":        true,
	"security-invalidate-token":           true,
	"security-query-api-keys":             true,
	"security-query-api-keys-get":         true,
}

// What there is room for at once, in requests and in bytes. A request costs some 30 KiB while it is read, waits or is answered.
// Strangers send little but identity providers' answers.
const (
	maxRequests    = 8192
	maxStrangers   = maxRequests / 2
	knownBytes     = 64 << 20
	strangersBytes = 16 << 20
)

// Limits are what there is room for. Who has not shown who he is must not use up what is for those who have.
type Limits struct {
	// Requests are all that are under way, and StrangersRequests those that need no credentials. With HTTP/2 one connection has
	// hundreds, so the bound of connections does not help.
	Requests, StrangersRequests *overload.Bound
	// Known and Strangers have room for the large requests of callers who have shown who they are, and of those who have not.
	Known, Strangers *overload.Room
}

// NewLimits returns the limits of one server.
func NewLimits() *Limits {
	return &Limits{
		overload.NewBound(maxRequests, 0), overload.NewBound(maxStrangers, 0), overload.NewRoom(knownBytes), overload.NewRoom(strangersBytes),
	}
}

// room returns what there is for an operation's large requests.
func (l *Limits) room(op operation) *overload.Room {
	if op.public {
		return l.Strangers
	}
	return l.Known
}

// requests returns the bounds that a request of an operation counts against.
func (l *Limits) requests(op operation) []*overload.Bound {
	if op.public {
		return []*overload.Bound{l.StrangersRequests, l.Requests}
	}
	return []*overload.Bound{l.Requests}
}

// enter notes which operation is called, and turns away at once what are too many requests. It is one middleware because Echo
// makes each anew for each request.
func enter(op operation, requests []*overload.Bound) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set(operationKey, op.id)
			for _, bound := range requests {
				if err := bound.Acquire(c.Request().Context()); err != nil {
					return err
				}
				defer bound.Release()
			}
			return next(c)
		}
	}
}

// metered counts what is read of a body beyond what is small against the bytes that there is room for.
type metered struct {
	from        io.Reader
	bytes       *overload.Budget
	read, taken int64
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.read += int64(n)
	if more := m.read - maxSmall - m.taken; more > 0 {
		if !m.bytes.Take(more) {
			return 0, overload.Busy()
		}
		m.taken += more
	}
	return n, err
}

func (m *metered) giveBack() { m.bytes.Give(m.taken) }

// takeTurn lets large requests in as they get their turn. It comes when the body was read: who sends slowly holds none.
func takeTurn(op operation, room *overload.Room) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.body == nil && !large[op.id] {
			return next
		}
		return func(c echo.Context) error {
			r := c.Request()
			if !large[op.id] && r.ContentLength <= maxSmall {
				return next(c)
			}
			if err := room.Turns.Acquire(r.Context()); err != nil {
				return err
			}
			t := &turn{ResponseWriter: c.Response().Writer, room: room}
			c.Response().Writer = t
			defer func() {
				c.Response().Writer = t.ResponseWriter
				t.end()
			}()
			return next(c)
		}
	}
}

// turn is a large request's. It ends when the answer is there, before it is sent: who reads slowly holds none either,
// as long as there is room for what is to be sent.
type turn struct {
	http.ResponseWriter

	room    *overload.Room
	over    bool
	sending int64
}

// Write implements http.ResponseWriter.
func (t *turn) Write(p []byte) (int, error) {
	if n := int64(len(p)); !t.over && t.room.Bytes.Take(n) {
		t.over, t.sending = true, n
		t.room.Turns.Release()
	}
	return t.ResponseWriter.Write(p)
}

// Unwrap is what http.ResponseController looks for.
func (t *turn) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *turn) end() {
	if t.over {
		t.room.Bytes.Give(t.sending)
		return
	}
	t.room.Turns.Release()
}
