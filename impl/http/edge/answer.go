package edge

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// refusedTimeout is how long a client has to send the rest of the body of a request that was shed, or whose caller was not
// authenticated, and how long to take the answer: no bound counts those by their caller. net/http reads up to 256 KiB of the rest
// before it sends an answer.
const refusedTimeout = time.Second

// answer is the response writer of every request. It holds what is written until the request is done, so that a slow client holds
// neither a work slot nor anything but the answer's bytes, and those count against its share of the byte budget until they
// are sent. An answer that does not fit the share is replaced by a refusal: nothing has been sent by then.
//
// A handler that flushes sends what it has written, and from there on writes to the client directly.
type answer struct {
	http.ResponseWriter // the connection's

	// class and caller are what the held bytes count against: that of the client's address until the user is authenticated.
	class  *admission.Class
	caller string
	// address is that of the client, as caller has it before the user is authenticated, and refusals bounds the refusals being sent
	// to it.
	address  string
	refusals *admission.Budget
	// admitted is set once something bounds how many such requests there are. slot is where the request holds a work slot, requests
	// are the bounds that count it, and share is the budget that counts it for its caller; each may be nil.
	admitted bool
	slot     *admission.Slots
	requests []*admission.Bound
	share    *admission.Budget

	// reshaped is set if the body is to be reshaped as a whole before it is sent.
	reshaped bool
	// received reports whether the whole body of the request was read.
	received func() bool

	status    int
	body      []byte
	taken     int64
	shed      bool
	streaming bool
}

// sendAnswer holds the response until the request is done, failures included, and then sends it. It must be inside of what reports
// the status.
func sendAnswer(limits *Limits) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			response := c.Response()
			arrived := c.Request()
			address := admission.Network(c.RealIP()).String()
			s := stateOf(c)
			a := &answer{
				ResponseWriter: response.Writer,
				class:          limits.Unauthenticated,
				caller:         address,
				address:        address,
				refusals:       limits.Refusals,
				reshaped:       s.exchange.Reshapes(),
				received:       trackBody(arrived),
			}
			response.Writer, s.answer = a, a
			defer func() {
				response.Writer = a.ResponseWriter
				a.end()
			}()

			if err := next(c); err != nil {
				a.finish(c, err)
			}
			release(c, arrived)
			if !a.streaming && a.status != 0 {
				response.Size = int64(len(a.body))
				a.send()
			}
			return nil
		}
	}
}

// release drops what the request needed while it was handled, which may take many times the memory of its body, so that a slow
// client does not hold it. The caller stays, for the access log.
func release(c echo.Context, arrived *http.Request) {
	stateOf(c).exchange = nil
	arrived = arrived.WithContext(withCaller(arrived.Context(), CallerOf(c.Request().Context())))
	arrived.Body = http.NoBody
	c.SetRequest(arrived)
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter. It returns fault.ServerBusy if the caller's share does not have the bytes.
func (a *answer) Write(p []byte) (int, error) {
	if a.streaming {
		return a.ResponseWriter.Write(p)
	}
	if !a.charge(len(a.body) + len(p)) {
		return 0, admission.Busy()
	}
	a.body = append(slices.Grow(a.body, len(p)), p...)
	return len(p), nil
}

// Flush implements http.Flusher: it sends what is held, unless that is to be reshaped as a whole.
func (a *answer) Flush() {
	if a.reshaped {
		return
	}
	if !a.streaming {
		a.streaming = true
		a.releaseSlot()
		a.send()
		a.drop()
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush() // what fails is seen by the next Write
}

// charge has the caller's share count n bytes of this answer, and reports whether it has that many.
func (a *answer) charge(n int) bool {
	counted := int64(n)
	if counted <= maxSmall {
		counted = 0
	}
	switch more := counted - a.taken; {
	case more > 0:
		if !a.class.Bytes.Take(a.caller, more) {
			return false
		}
	case more < 0:
		a.class.Bytes.Give(a.caller, -more)
	}
	a.taken = counted
	return true
}

// finish brings the response into the form in which it is sent: that of a failure if err is not nil.
func (a *answer) finish(c echo.Context, err error) {
	if err != nil {
		a.fail(c, err)
	}
	if err := a.reshape(c); err != nil {
		a.fail(c, err)
	}
}

// reshape brings the held body into the form that the request asked for, within the caller's share of the byte budget.
func (a *answer) reshape(c echo.Context) error {
	if !a.reshaped || a.streaming {
		return nil
	}

	body, err := ExchangeOf(c).Reshape(c.Request().Context(), a.body, a.charge)
	if err != nil {
		return err
	}
	a.body = body
	a.charge(len(body))
	return nil
}

// fail replaces whatever was written by the answer to a failure. If that is too large for the caller's share, the refusal is all
// that is said.
func (a *answer) fail(c echo.Context, err error) {
	if a.streaming {
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
	response := c.Response()
	for _, failure := range []error{err, admission.Busy()} {
		a.drop()
		a.status = 0
		response.Committed, response.Status, response.Size = false, http.StatusOK, 0
		c.Error(failure)
		if a.status == 0 || len(a.body) > 0 {
			break
		}
	}
	a.shed = a.status == http.StatusServiceUnavailable
}

// drop drops the held body, and gives its bytes back.
func (a *answer) drop() {
	a.body = nil
	a.charge(0)
}

func (a *answer) releaseSlot() {
	if a.slot != nil {
		a.slot.Release(a.caller)
		a.slot = nil
	}
}

// send sends the answer.
func (a *answer) send() {
	if a.shed || !a.admitted {
		a.sendRefusal()
		return
	}
	a.ResponseWriter.WriteHeader(a.status)
	if len(a.body) > 0 {
		_, _ = a.ResponseWriter.Write(a.body) // the client is gone then
	}
}

// sendRefusal sends the answer within refusedTimeout, or gives it up. The request no longer counts against the bounds of requests
// then: clients that do not read what refuses them must not have others refused. If too many refusals to the same address
// are being sent, the connection or stream is closed instead. A recorder of tests has no deadlines.
func (a *answer) sendRefusal() {
	a.releaseRequests()
	timeout := refusedTimeout
	if a.refusals.Take(a.address, 1) {
		defer a.refusals.Give(a.address, 1)
	} else {
		timeout = 0
	}

	connection := http.NewResponseController(a.ResponseWriter)
	if !a.received() { // else net/http waits for the client to disconnect, and takes a deadline that passes for that
		_ = connection.SetReadDeadline(time.Now().Add(timeout))
	}
	_ = connection.SetWriteDeadline(time.Now().Add(2 * timeout))
	a.Header().Set(echo.HeaderContentLength, strconv.Itoa(len(a.body)))
	a.ResponseWriter.WriteHeader(a.status)
	_, _ = a.ResponseWriter.Write(a.body)
	_ = connection.Flush()
	_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout)) // of what comes next on the connection
}

// trackedBody is a request's body that notes its end.
type trackedBody struct {
	io.ReadCloser

	ended bool
}

// Read implements io.Reader.
func (b *trackedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// trackBody has a request note the end of its body, and returns whether that was reached. A request without a body has it.
func trackBody(r *http.Request) func() bool {
	if r.Body == nil || r.Body == http.NoBody {
		return func() bool { return true }
	}
	b := &trackedBody{ReadCloser: r.Body}
	r.Body = b
	return func() bool { return b.ended }
}

func (a *answer) releaseRequests() {
	for _, bound := range a.requests {
		bound.Release()
	}
	a.requests = nil
}

// end gives back what the request has taken.
func (a *answer) end() {
	a.releaseSlot()
	a.drop()
	a.releaseRequests()
	if a.share != nil {
		a.share.Give(a.caller, 1)
	}
}
