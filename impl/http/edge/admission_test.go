package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath/pretty"
	"github.com/sallyport/sallyport/impl/platform/admission"
)

// Ensures that each operation of the contract is in a class that its callers' requests count against, and that classes
// come from the contract only.
func TestLimits_Class(t *testing.T) {
	t.Parallel()

	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}

	l := NewLimits(0)
	counts := map[contract.Work]int{}
	for _, op := range c.Operations {
		counts[op.Work]++
		want := l.Heavy
		switch {
		case op.Public:
			want = l.Unauthenticated
		case op.Work == contract.Revocation:
			want = l.Revocation
		}
		if l.class(op) != want || op.Public && op.Work != contract.Light {
			t.Errorf("%s: work %q, public %t", op.ID, op.Work, op.Public)
		}
	}

	if len(counts) != 3 {
		t.Errorf("operations by class: %v", counts)
	}
}

// stubFamily serves all paths. Its responses are filtered and indented if the query string says so.
type stubFamily struct{}

func (stubFamily) Serves(string) bool { return true }

func (stubFamily) Begin(c echo.Context) Exchange {
	_, indent := c.QueryParams()["pretty"]
	return stubExchange{only: c.QueryParam("only"), indent: indent}
}

func (stubFamily) Screen(*contract.Operation) []echo.MiddlewareFunc { return nil }

func (stubFamily) Register(*echo.Echo, func(*contract.Operation) []echo.MiddlewareFunc) error {
	return nil
}

// stubExchange keeps one member of an object, and indents.
type stubExchange struct {
	only   string
	indent bool
}

func (stubExchange) Authorize(echo.Context, *contract.Operation, identity.Principal) (string, error) {
	return "", nil
}
func (stubExchange) Check(*http.Request, *contract.Operation) error           { return nil }
func (stubExchange) Unpack(r *http.Request) (io.Reader, error)                { return r.Body, nil }
func (stubExchange) Receive(*http.Request, *contract.Operation, []byte) error { return nil }
func (x stubExchange) Reshapes() bool                                         { return x.only != "" || x.indent }
func (x stubExchange) ReshapesParts() bool                                    { return !x.indent }

func (stubExchange) Unreadable(_ *http.Request, _ *contract.Operation, cause error) error {
	return cause
}

func (stubExchange) Failure(_ echo.Context, f *fault.Error) (int, any) {
	status := map[fault.Kind]int{
		fault.Internal:   http.StatusInternalServerError,
		fault.Overloaded: http.StatusServiceUnavailable,
	}
	return status[f.Code.Kind], f.Message
}

func (x stubExchange) Reshape(_ context.Context, body []byte, reserve func(int) bool) ([]byte, error) {
	if members := map[string]json.RawMessage{}; x.only != "" && json.Unmarshal(body, &members) == nil {
		body = fmt.Appendf(nil, `{%q:%s}`, x.only, members[x.only])
	}
	if x.indent && reserve(len(body)+pretty.Size(body)) {
		if indented, ok := pretty.Indent(body); ok {
			body = indented
		}
	}
	return body, nil
}

// begun is a context of Echo with a request that was assigned to a stubFamily.
func begun(r *http.Request, w http.ResponseWriter) echo.Context {
	c := echo.New().NewContext(r, w)
	begin([]Family{stubFamily{}}, c)
	return c
}

// stalled is a connection to a client that does not read.
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

// admitted returns a server with one operation of an authenticated user, and its limits.
func admitted(op *contract.Operation, answer func(echo.Context) error) (*Limits, http.Handler) {
	return admittedLogging(op, io.Discard, answer)
}

// admittedLogging is admitted with a log.
func admittedLogging(
	op *contract.Operation, log io.Writer, answer func(echo.Context) error,
) (*Limits, http.Handler) {
	l := NewLimits(0)
	e := echo.New()
	e.HTTPErrorHandler = errorHandler(slog.New(slog.NewTextHandler(log, nil)))
	e.GET("/*", answer, enter(op, l, nil), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			stateOf(c).caller = identity.Principal{User: "alice"}
			return next(c)
		}
	}, chargeUser(op, l), takeSlot(op))

	return l, &server{e, []Family{stubFamily{}}, Compose(callRoute, sendAnswer(l, nil))}
}

// Ensures that an answer to a slow client holds its bytes and no work slot, that an answer that exceeds the share is
// refused, that reshaped answers count in the form in which they are sent, and that nothing is held afterwards.
func TestSendAnswer_SlowReader(t *testing.T) {
	t.Parallel()

	const share = heavyBytes / 4
	deep := strings.Repeat("[", maxSmall/2) + strings.Repeat("]", maxSmall/2)
	text := func(size int) string { return `["` + strings.Repeat("x", size-4) + `"]` }
	for name, c := range map[string]struct {
		target, answer string
		status         int
		held           int64
	}{
		"small":               {"/", text(maxSmall), 200, 0},
		"counted":             {"/", text(maxSmall + 1), 200, maxSmall + 1},
		"the whole share":     {"/", text(share), 200, share},
		"more than the share": {"/", text(share + 1), 503, 0},
		"filtered": {"/?only=a", `{"a":` + text(maxSmall) + `,"b":` + text(maxSmall) + `}`, 200,
			maxSmall + 6},
		"indented":                    {"/?pretty", text(maxSmall), 200, maxSmall + 5},
		"indented exceeds the share":  {"/?pretty", text(share - maxSmall), 200, share - maxSmall},
		"both forms exceed the share": {"/?pretty", text(share + 1), 503, 0},
		"deep, and indented":          {"/?pretty", deep, 200, int64(pretty.Size([]byte(deep)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			l, e := admitted(&contract.Operation{Work: contract.Heavy}, func(ctx echo.Context) error {
				return ctx.Blob(http.StatusOK, echo.MIMEApplicationJSON, []byte(c.answer))
			})
			recorder := httptest.NewRecorder()
			w := stalled{recorder, make(chan struct{}), make(chan struct{})}
			served := make(chan struct{})
			go func() {
				defer close(served)
				e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.target, nil))
			}()

			<-w.reached
			if _, running := l.Heavy.Slots.Load(); running != 0 || l.Heavy.Bytes.Held() != c.held ||
				l.UserRequests.Held() != 1 {
				t.Errorf(
					"while it is sent %d run, %d bytes and %d requests are held; want 0, %d and 1",
					running,
					l.Heavy.Bytes.Held(),
					l.UserRequests.Held(),
					c.held,
				)
			}

			close(w.resume)
			<-served
			if recorder.Code != c.status {
				t.Errorf("answered with %d; want %d", recorder.Code, c.status)
			}

			wantIdle(t, l)
		})
	}
}

// wantIdle fails the test if anything of the limits is in use.
func wantIdle(t *testing.T, l *Limits) {
	t.Helper()
	for name, class := range l.Classes() {
		if _, running := class.Slots.Load(); running != 0 || class.Bytes.Held() != 0 {
			t.Errorf("%s: %d run and %d bytes are held afterwards", name, running, class.Bytes.Held())
		}
	}
	if _, requests := l.Requests.Load(); requests != 0 || l.UserRequests.Held() != 0 {
		t.Errorf("%d requests run afterwards, %d of users", requests, l.UserRequests.Held())
	}
}

// Ensures that no part of an incomplete answer is sent.
func TestSendAnswer_HandlerFails(t *testing.T) {
	t.Parallel()

	for name, fails := range map[string]func(echo.Context) error{
		"an error after a part": func(c echo.Context) error {
			_ = c.Blob(http.StatusOK, echo.MIMEApplicationJSON, []byte(`{"part":`))
			return io.ErrUnexpectedEOF
		},
		"a panic after a part": func(c echo.Context) error {
			_ = c.Blob(http.StatusOK, echo.MIMEApplicationJSON, []byte(`{"part":`))
			panic("a defect")
		},
	} {
		for _, op := range []*contract.Operation{
			{Work: contract.Light},
			{Work: contract.Heavy},
			{Work: contract.Revocation},
		} {
			t.Run(name+", "+string(op.Work), func(t *testing.T) {
				t.Parallel()

				l, e := admitted(op, recoverPanics(slog.New(slog.DiscardHandler))(fails))
				recorder := httptest.NewRecorder()
				e.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?pretty", nil))
				if recorder.Code != http.StatusInternalServerError || !json.Valid(recorder.Body.Bytes()) ||
					strings.Contains(recorder.Body.String(), "part") {
					t.Errorf("answered with %d %s", recorder.Code, recorder.Body)
				}

				wantIdle(t, l)
			})
		}
	}
}

// Ensures that a handler that flushes releases its work slot, and that the connection is aborted if it fails
// afterwards.
func TestSendAnswer_Flush(t *testing.T) {
	t.Parallel()

	var l *Limits
	part := func(c echo.Context) {
		c.Response().WriteHeader(http.StatusOK)
		_, _ = c.Response().Write(bytes.Repeat([]byte("x"), 2*maxSmall))
		c.Response().Flush()
		if _, running := l.Revocation.Slots.Load(); running != 0 || l.Revocation.Bytes.Held() != 0 {
			t.Errorf("%d run and %d bytes are held after the answer has begun", running, l.Revocation.Bytes.Held())
		}
	}

	l, e := admitted(&contract.Operation{Work: contract.Revocation}, func(c echo.Context) error {
		part(c)
		_, err := c.Response().Write([]byte("y"))
		return err
	})

	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if recorder.Code != http.StatusOK || recorder.Body.Len() != 2*maxSmall+1 || !recorder.Flushed {
		t.Errorf("answered with %d and %d bytes, flushed %t", recorder.Code, recorder.Body.Len(), recorder.Flushed)
	}

	wantIdle(t, l)

	l, e = admitted(&contract.Operation{Work: contract.Revocation}, func(c echo.Context) error {
		part(c)
		return io.ErrUnexpectedEOF
	})

	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("half an answer ended with %v", err)
		}
		wantIdle(t, l)
	}()

	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
}

// Ensures that the bytes of a body beyond maxSmall count as they are read, whatever its declared length, and that a
// body is refused when it exceeds the caller's share.
func TestMeteredReader(t *testing.T) {
	t.Parallel()

	bytes := admission.NewBudget(4000)
	m := &meteredReader{bytes: bytes, caller: "alice", from: strings.NewReader(strings.Repeat("x", maxSmall))}
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

// Ensures that one address gets at most a quarter of the unauthenticated requests, and that all addresses together
// leave capacity to authenticated callers.
func TestEnter_Unauthenticated(t *testing.T) {
	t.Parallel()

	l := NewLimits(0)
	call := func(op *contract.Operation, address string, next echo.HandlerFunc) (err error) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = address + ":1"
		c := begun(r, httptest.NewRecorder())
		_ = sendAnswer(l, nil)(func(c echo.Context) error {
			err = enter(op, l, nil)(next)(c)
			return nil
		})(c)
		return err
	}

	served := func(echo.Context) error { return nil }
	over := make(chan struct{})
	var wg, entered sync.WaitGroup
	defer wg.Wait()
	defer close(over)
	hold := func(address string, n int) {
		entered.Add(n)
		for range n {
			wg.Go(func() {
				err := call(
					&contract.Operation{Public: true},
					address,
					func(echo.Context) error { entered.Done(); <-over; return nil },
				)
				if err != nil {
					t.Error(err)
					entered.Done()
				}
			})
		}

		entered.Wait()
	}

	hold("192.0.2.1", maxUnauthenticated/4)
	if err := call(&contract.Operation{Public: true}, "192.0.2.1", served); !fault.Has(err, fault.ServerBusy) {
		t.Errorf("one more request of the address got %v", err)
	}

	for i := 2; i < 20; i++ {
		if err := call(&contract.Operation{Public: true}, fmt.Sprint("192.0.2.", i), served); err != nil {
			t.Errorf("another address got %v", err)
		}
		hold(fmt.Sprint("192.0.2.", i), 40)
	}

	if err := call(&contract.Operation{}, "192.0.2.1", served); err != nil {
		t.Errorf("a caller with credentials got %v", err)
	}
}

// stalledClient is a connection to a client that does not read: a write blocks until reads is closed.
type stalledClient struct {
	header   http.Header
	began    chan struct{}
	reads    chan struct{}
	deadline time.Time
}

// Header implements http.ResponseWriter.
func (s *stalledClient) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *stalledClient) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (s *stalledClient) Write(p []byte) (int, error) {
	close(s.began)
	<-s.reads
	return len(p), nil
}

// SetReadDeadline is what http.ResponseController asks for.
func (s *stalledClient) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is what http.ResponseController asks for.
func (s *stalledClient) SetWriteDeadline(at time.Time) error {
	if s.deadline.IsZero() {
		s.deadline = at
	}
	return nil
}

// Ensures that refusals to clients that do not read them do not count as requests, and that one address has at most a
// quarter of the refusals: the next one is abandoned at once, but another address's is not.
func TestSendAnswer_Refusals(t *testing.T) {
	t.Parallel()

	l := NewLimits(0)
	reads := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(reads)
	refuse := func(address string) *stalledClient {
		client := &stalledClient{header: http.Header{}, began: make(chan struct{}), reads: reads}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = address + ":1"
		c := begun(r, client)
		refused := func(echo.Context) error { return fault.New(fault.CredentialsInvalid, "refused") }
		wg.Go(func() { _ = sendAnswer(l, nil)(enter(&contract.Operation{}, l, nil)(refused))(c) })
		<-client.began
		return client
	}

	for range maxRefusals / 4 {
		refuse("192.0.2.1")
	}

	if _, running := l.Requests.Load(); running != 0 {
		t.Errorf("%d refusals count as requests", running)
	}
	if client := refuse("192.0.2.1"); client.deadline.After(time.Now()) {
		t.Error("one more refusal of the address is not given up at once")
	}
	if client := refuse("192.0.2.2"); !client.deadline.After(time.Now()) {
		t.Error("a refusal of another address is given up at once")
	}
}

// countingDeadlines is a response writer that counts the read deadlines that were set.
type countingDeadlines struct {
	*httptest.ResponseRecorder

	set int
}

// SetReadDeadline is what http.ResponseController calls.
func (d *countingDeadlines) SetReadDeadline(time.Time) error {
	d.set++
	return nil
}

// Ensures that a refusal limits the time for the rest of a body, and sets no deadline if nothing is left to read:
// net/http would mistake a passed deadline for a disconnect, and cancel the next requests on the connection.
func TestSendAnswer_ReadDeadline(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		body  string
		reads bool
		want  int
	}{
		"no body":         {want: 0},
		"body not read":   {body: "{}", want: 1},
		"whole body read": {body: "{}", reads: true, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
			if c.body == "" {
				r.Body = http.NoBody
			}

			w := &countingDeadlines{ResponseRecorder: httptest.NewRecorder()}
			refused := func(context echo.Context) error {
				if c.reads {
					_, _ = io.ReadAll(context.Request().Body)
				}
				return fault.New(fault.CredentialsInvalid, "refused")
			}

			l := NewLimits(0)
			_ = sendAnswer(l, nil)(enter(&contract.Operation{}, l, nil)(refused))(begun(r, w))
			if w.set != c.want {
				t.Errorf("%d read deadlines were set, want %d", w.set, c.want)
			}
		})
	}
}
