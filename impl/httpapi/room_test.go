package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/overload"
)

// Ensures that what needs a turn is in the contract, and that nobody gets one without credentials whatever the body.
func TestLarge(t *testing.T) {
	t.Parallel()
	_, operations, err := loadOperations()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]operation{}
	for _, op := range operations {
		known[op.id] = op
	}
	for id := range large {
		if op, found := known[id]; !found || op.public {
			t.Errorf("%s: found %t, public %t", id, found, op.public)
		}
	}
}

// stalled is a connection whose other end does not read.
type stalled struct {
	http.ResponseWriter

	reached, resume chan struct{}
}

// Write implements http.ResponseWriter.
func (s stalled) Write(p []byte) (int, error) {
	s.reached <- struct{}{}
	<-s.resume
	return s.ResponseWriter.Write(p)
}

// Ensures that who reads slowly keeps no turn while there is room for the answer, keeps it where there is none, and leaves
// nothing behind in either case.
func TestTakeTurn_SlowReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer        int
		running, held int64
	}{"there is room": {1000, 0, 1000}, "there is none": {1001, 1, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			room := overload.NewRoom(1000)
			e := echo.New()
			e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, strings.Repeat("x", c.Get("answer").(int))) },
				func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(ctx echo.Context) error { ctx.Set("answer", c.answer); return next(ctx) }
				}, takeTurn(operation{id: "get-users"}, room))
			w := stalled{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
			served := make(chan struct{})
			go func() {
				defer close(served)
				e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			}()
			<-w.reached
			if _, running := room.Turns.Load(); int64(running) != c.running || room.Bytes.Held() != c.held {
				t.Errorf("while it is sent %d run and %d bytes are held; want %d and %d", running, room.Bytes.Held(), c.running, c.held)
			}
			close(w.resume)
			<-served
			if _, running := room.Turns.Load(); running != 0 || room.Bytes.Held() != 0 {
				t.Errorf("afterwards %d run and %d bytes are held", running, room.Bytes.Held())
			}
		})
	}
}

// Ensures that a body is counted as it comes and not as it is announced, from where it is no longer small, and that it is
// turned away when there is no more room.
func TestMetered(t *testing.T) {
	t.Parallel()
	bytes := overload.NewBudget(1000)
	m := &metered{bytes: bytes, from: strings.NewReader(strings.Repeat("x", maxSmall))}
	if _, err := io.Copy(io.Discard, m); err != nil || bytes.Held() != 0 {
		t.Errorf("a small body: %v, %d bytes are held", err, bytes.Held())
	}
	m.from = strings.NewReader(strings.Repeat("x", 1000))
	if _, err := io.Copy(io.Discard, m); err != nil || bytes.Held() != 1000 {
		t.Errorf("a larger one: %v, %d bytes are held", err, bytes.Held())
	}
	m.from = strings.NewReader("x")
	if _, err := io.ReadAll(m); !fault.Has(err, fault.ServerBusy) || bytes.Held() != 1000 {
		t.Errorf("one byte more: %v, %d bytes are held", err, bytes.Held())
	}
	if m.giveBack(); bytes.Held() != 0 {
		t.Errorf("%d bytes are held afterwards", bytes.Held())
	}
}

// Ensures that strangers, however many requests they have under way, leave room for callers who show who they are.
func TestEnter_Strangers(t *testing.T) {
	t.Parallel()
	l := NewLimits()
	call := func(op operation, next echo.HandlerFunc) error {
		c := echo.New().NewContext(httptest.NewRequest(http.MethodPost, "/", nil), httptest.NewRecorder())
		return enter(op, l.requests(op))(next)(c)
	}
	served := func(echo.Context) error { return nil }
	over := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(over)
	var entered sync.WaitGroup
	for range maxStrangers {
		entered.Add(1)
		wg.Go(func() {
			err := call(operation{public: true}, func(echo.Context) error { entered.Done(); <-over; return nil })
			if err != nil {
				t.Error(err)
				entered.Done()
			}
		})
	}
	entered.Wait()
	if err := call(operation{public: true}, served); !fault.Has(err, fault.ServerBusy) {
		t.Errorf("one more stranger got %v", err)
	}
	if err := call(operation{}, served); err != nil {
		t.Errorf("a caller with credentials got %v", err)
	}
}
