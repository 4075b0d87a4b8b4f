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
	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// refusedTimeout limits the time to send the rest of the body of a shed or unauthenticated request, and the time to
// read its answer, because no bound counts such requests by caller. net/http reads up to 256 KiB of the rest before it
// sends an answer.
const refusedTimeout = time.Second

// answer is the response writer of every request. It buffers the response until the request is done, so a slow client
// holds no work slot, only the bytes of the answer. These count against the caller's share of the byte budget until
// they are sent. An answer that does not fit the share is replaced by a refusal, as nothing has been sent by then.
//
// When a handler flushes, the buffer is sent, and later writes go to the client directly.
type answer struct {
	http.ResponseWriter // the connection's

	// class and caller name the budget that the held bytes count against: the client address's until the user is
	// authenticated.
	class  *admission.Class
	caller string
	// address is the client's, which caller holds until the user is authenticated. refusals bounds the refusals being
	// sent to it.
	address  string
	refusals *admission.Budget
	// admitted is set once the request counts against its caller's or its address's share of requests. slot holds the
	// request's work slot, requests are the bounds that count the request, and share is the budget that counts it for
	// its caller; each may be nil.
	admitted bool
	slot     *admission.Slots
	requests []*admission.Bound
	share    *admission.Budget
	// work counts the units that the request spends while it holds a slot.
	work *work.Meter

	// reshaped is set if the whole body is to be reshaped before it is sent.
	reshaped bool
	// received reports whether the whole body of the request was read.
	received func() bool
	// validator is nil once it has checked the answer.
	validator *answerValidator

	status    int
	body      []byte
	taken     int64
	shed      bool
	streaming bool
}

// sendAnswer buffers the response, also that of a failure, until the request is done, and then sends it. It must run
// inside the middleware that reports the status.
func sendAnswer(limits *Limits, validator *answerValidator) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			response := c.Response()
			arrived := c.Request()
			s := stateOf(c)
			address := admission.Network(s.address).String()
			a := &s.answer
			*a = answer{
				ResponseWriter: response.Writer,
				class:          limits.Unauthenticated,
				caller:         address,
				address:        address,
				refusals:       limits.Refusals,
				reshaped:       s.exchange.Reshapes(),
				received:       trackBody(arrived),
				validator:      validator,
			}

			response.Writer = a
			defer func() {
				response.Writer = a.ResponseWriter
				a.end()
			}()

			if err := next(c); err != nil {
				s.explain(err)
				a.finish(c, err)
			}
			a.validate(c)

			release(c, arrived)
			if !a.streaming && a.status != 0 {
				response.Size = int64(len(a.body))
				a.send()
				if size, replaced := replacedSize(a.ResponseWriter); replaced {
					response.Size = int64(size)
				}
			}

			return nil
		}
	}
}

// replacedSize returns the size of the body that a writer sent in place of the answer's, and reports whether it did: to
// people a page is sent in place of some refusals.
func replacedSize(w http.ResponseWriter) (size int, replaced bool) {
	for {
		switch writer := w.(type) {
		case interface{ ReplacedSize() (int, bool) }:
			return writer.ReplacedSize()
		case interface{ Unwrap() http.ResponseWriter }:
			w = writer.Unwrap()
		default:
			return 0, false
		}
	}
}

// release drops the values that the handler needed, so that a slow client does not hold them: they may take many times
// the memory of the body.
func release(c echo.Context, arrived *http.Request) {
	stateOf(c).exchange = nil
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

// Flush implements http.Flusher: it sends the held bytes, unless they are to be reshaped as a whole.
func (a *answer) Flush() {
	if !a.reshaped {
		a.sendHeld()
	}
}

// sendHeld sends the held bytes.
func (a *answer) sendHeld() {
	if !a.streaming {
		a.streaming = true
		a.releaseSlot()
		a.send()
		a.drop()
	}

	_ = http.NewResponseController(a.ResponseWriter).Flush() // the next Write returns the error
}

// charge sets the number of bytes that count against the caller's share, and reports whether the share allows them.
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
	a.validate(c)
	if err := a.reshape(c); err != nil {
		a.fail(c, err)
	}
}

// validate replaces an answer that the contract does not allow, if that is configured. It checks an answer once.
func (a *answer) validate(c echo.Context) {
	validator := a.validator
	a.validator = nil
	if err := validator.check(c, a); err != nil {
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

// fail replaces the held response by the answer to a failure. If that answer is too large for the caller's share, a
// refusal by admission control replaces it.
func (a *answer) fail(c echo.Context, err error) {
	if a.streaming {
		c.Error(err)                // it is logged
		panic(http.ErrAbortHandler) // the client must not mistake half an answer for a complete one
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

// drop discards the held body, and returns its bytes to the budget.
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
		_, _ = a.ResponseWriter.Write(a.body) // it fails only if the client disconnected
	}
}

// sendRefusal sends the answer within refusedTimeout, or abandons it. First it releases the bounds on requests: clients
// that do not read their refusals must not cause others to be refused. If too many refusals to the same address are
// being sent, the connection or stream is closed instead. The deadlines have no effect on a test recorder.
func (a *answer) sendRefusal() {
	a.releaseRequests()
	timeout := refusedTimeout
	if a.refusals.Take(a.address, 1) {
		defer a.refusals.Give(a.address, 1)
	} else {
		timeout = 0
	}

	connection := http.NewResponseController(a.ResponseWriter)
	// After the whole body, net/http reads on only to notice a disconnect, and would mistake a passed deadline for one.
	if !a.received() {
		_ = connection.SetReadDeadline(time.Now().Add(timeout))
	}

	_ = connection.SetWriteDeadline(time.Now().Add(2 * timeout))
	a.Header().Set(echo.HeaderContentLength, strconv.Itoa(len(a.body)))
	a.ResponseWriter.WriteHeader(a.status)
	_, _ = a.ResponseWriter.Write(a.body)
	_ = connection.Flush()
	_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout)) // for the next request on the connection
}

// trackedBody is a request body that records whether its end was read.
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

// trackBody wraps the body of a request, and returns a function that reports whether its end was read. It reports true
// for a request without a body.
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

// end releases everything that the request holds.
func (a *answer) end() {
	a.releaseSlot()
	a.drop()
	a.releaseRequests()
	if a.share != nil {
		a.share.Give(a.caller, 1)
	}
}
