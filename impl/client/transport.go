package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	requestIDHeader = "X-Request-Id"
	// maxAnswer limits the body of an answer, in bytes. The server's largest are half of it.
	maxAnswer = 128 << 20
	// maxShed is the size of a body up to which a request that was shed certainly had no effect. The server can also
	// refuse to send an answer over 16 KiB, after the work; such an answer belongs to a large request.
	maxShed = 8 << 10
)

// transport sends the requests of a client: those of the generated client, and its own for the session.
type transport struct {
	address address
	send    http.RoundTripper
	agent   string
	timeout time.Duration
	// fixed is the Authorization header of a client without a session; session is nil then. Both are pointers, because fmt
	// shows the members of a struct, and not what they point to.
	fixed   *string
	session *session
	budget  *budget
	clock   clock
}

// call is a request with its body, which may be sent several times.
type call struct {
	*http.Request

	traits   traits
	path     string // of the operation, in escaped form
	body     []byte
	attempts int
	// uncertain is set once an attempt may have taken effect.
	uncertain bool
}

// Do implements the generated client's HttpRequestDoer. It returns a successful answer, or an *Error.
func (t *transport) Do(r *http.Request) (*http.Response, error) {
	c, err := t.newCall(r)
	if err != nil {
		return nil, err
	}

	var answer *http.Response
	var failed *Error
	switch {
	case r.Header.Get("Authorization") != "":
		answer, failed = t.repeat(c, r.Header.Get("Authorization"))
	case t.session == nil || c.traits.public:
		answer, failed = t.repeat(c, *t.fixed)
	default:
		answer, failed = t.inSession(c)
	}
	if failed != nil {
		return nil, failed
	}
	return answer, nil
}

// newCall reads a request, and directs it to the region.
func (t *transport) newCall(r *http.Request) (*call, error) {
	c := &call{Request: r.Clone(r.Context()), path: t.address.operationPath(r.URL)}
	c.traits = traitsOf(r.Method, c.path)

	moved, err := t.address.inRegion(r.URL)
	if err != nil {
		return nil, c.failed("the path of the request is not valid", err)
	}
	c.URL = moved

	if r.Body != nil {
		c.body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, c.failed("the body of the request cannot be read", err)
		}
	}

	if c.Header.Get("User-Agent") == "" {
		c.Header.Set("User-Agent", t.agent)
	}
	if c.Header.Get(requestIDHeader) == "" {
		c.Header.Set(requestIDHeader, rand.Text())
	}
	return c, nil
}

// failed returns an error without an answer.
func (c *call) failed(message string, cause error) *Error {
	return &Error{
		Method: c.Method, Path: c.path, Message: message, RequestID: c.Header.Get(requestIDHeader),
		Attempts: c.attempts, Uncertain: c.uncertain, cause: cause,
	}
}

// inSession sends a request in the session. The session is renewed once if it has ended, and elevated once if the
// operation needs that: the server refused the request before it did anything.
func (t *transport) inSession(c *call) (*http.Response, *Error) {
	var renewed, elevated bool
	for {
		used, err := t.session.current(c.Context())
		if err != nil {
			return nil, c.because(err)
		}
		answer, failed := t.repeat(c, "Bearer "+used.value)
		if failed == nil {
			return answer, nil
		}

		switch {
		case !renewed && t.session.canRenew(c, failed):
			renewed = true
			err = t.session.renew(c.Context(), used)
		case !elevated && t.session.codes != nil && IsElevationNeeded(failed):
			elevated = true
			err = t.session.elevate(c.Context(), used)
		default:
			return nil, failed
		}
		if err != nil {
			return nil, c.because(err)
		}
	}
}

// because returns the error of a request for which the session could not be prepared. Only the attempts at the request
// itself decide whether it may have taken effect.
func (c *call) because(err error) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return c.failed("", err)
	}
	alone := *e
	alone.Uncertain = c.uncertain
	return &alone
}

// repeat sends a request until it succeeds, or may not be sent again.
func (t *transport) repeat(c *call, authorization string) (*http.Response, *Error) {
	for retry := 0; ; retry++ {
		answer, failed := t.attempt(c, authorization)
		if failed == nil {
			t.budget.earn()
			return answer, nil
		}
		if retry == maxRetries || !c.mayRepeat(failed) {
			return nil, failed
		}

		wait, patient := t.clock.backoff(c.Context(), retry, failed.RetryAfter)
		if !patient || !t.budget.spend() {
			return nil, failed
		}
		if err := t.clock.pause(c.Context(), wait); err != nil {
			failed.cause = joined(err, failed.cause)
			return nil, failed
		}
	}
}

// mayRepeat reports whether a failed request may be sent again: because it had no effect, or because a second time has
// the effect of one.
func (c *call) mayRepeat(e *Error) bool {
	if c.Context().Err() != nil || e.permanent {
		return false
	}
	switch e.Status {
	case 0:
		return e.unsent || c.traits.repeatable
	case http.StatusTooManyRequests:
		return true // the server and proxies count before they do or forward anything
	case http.StatusServiceUnavailable:
		return c.traits.repeatable || c.shed(e)
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return c.traits.repeatable
	}
	return false
}

// attempt sends a request once.
func (t *transport) attempt(c *call, authorization string) (*http.Response, *Error) {
	if err := c.Context().Err(); err != nil {
		return nil, c.failed("", err)
	}
	ctx, cancel := t.clock.withTimeout(c.Context(), t.timeout)
	defer cancel()

	r := c.Clone(ctx)
	r.Body, r.GetBody, r.ContentLength = http.NoBody, nil, int64(len(c.body))
	if len(c.body) > 0 {
		// With GetBody, net/http sends a request again that a closing connection has not begun to process.
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.body)), nil }
		r.Body, _ = r.GetBody()
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}

	c.attempts++
	answer, err := t.send.RoundTrip(r)
	if err != nil {
		return nil, c.settle(c.unanswered(ctx, err))
	}
	body, err := readAnswer(answer)
	if err != nil {
		return nil, c.settle(c.unanswered(ctx, err))
	}
	if failed := c.check(answer, body, t.clock.now()); failed != nil {
		return nil, c.settle(failed)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// settle records whether a failed attempt may have taken effect.
func (c *call) settle(e *Error) *Error {
	c.uncertain = c.uncertain || !c.traits.reads && c.mayHaveWorked(e)
	e.Uncertain = c.uncertain
	return e
}

// mayHaveWorked reports whether the server may have carried out an attempt that failed.
func (c *call) mayHaveWorked(e *Error) bool {
	switch e.Status {
	case 0, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return !e.unsent
	case http.StatusServiceUnavailable:
		return !c.shed(e)
	}
	return e.Status < http.StatusMultipleChoices // a success that cannot be read
}

// shed reports whether the server refused an attempt under load, before any work.
func (c *call) shed(e *Error) bool { return e.shed() && len(c.body) <= maxShed }

var errTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)

// readAnswer reads the whole body of an answer, so that one that breaks off is repeated like one that does not come.
func readAnswer(answer *http.Response) ([]byte, error) {
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		return nil, errTooLarge
	}
	return body, err
}

// unanswered returns the error of an attempt that got no complete answer.
func (c *call) unanswered(attempt context.Context, err error) *Error {
	message := ""
	switch {
	case c.Context().Err() != nil:
		err = joined(c.Context().Err(), err)
	case attempt.Err() != nil:
		message, err = "the attempt timed out", joined(attempt.Err(), err)
	}
	failed := c.failed(message, err)

	dial, dialed := errors.AsType[*net.OpError](err)
	failed.unsent = refusedTLS(err) || dialed && (dial.Op == "dial" || dial.Op == "proxyconnect")
	failed.permanent = refusedTLS(err) || errors.Is(err, errTooLarge)
	return failed
}

// refusedTLS reports whether no TLS connection could be established. Another attempt does not help.
func refusedTLS(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return certificate || record || errors.Is(err, http.ErrSchemeMismatch)
}

// joined adds the context's error to one that may not have it.
func joined(ended, err error) error {
	switch {
	case err == nil:
		return ended
	case errors.Is(err, ended):
		return err
	}
	return fmt.Errorf("%w: %w", ended, err)
}

// check returns the error that an answer is, or nil for a success. The Location of a redirect is not shown, as it may
// contain a token.
func (c *call) check(answer *http.Response, body []byte, now time.Time) *Error {
	status := answer.StatusCode
	redirect := status >= http.StatusMultipleChoices && status < http.StatusBadRequest
	switch {
	case status == http.StatusFound && c.traits.redirects:
		return nil
	case status >= http.StatusOK && status < http.StatusMultipleChoices && c.readable(answer, body):
		return nil
	}

	failed := c.failed("", nil)
	failed.Status = status
	if id := answer.Header.Get(requestIDHeader); id != "" {
		failed.RequestID = clip(id)
	}
	failed.RetryAfter = readRetryAfter(answer.Header.Get("Retry-After"), now)
	switch {
	case redirect:
		failed.Message = "the server redirects; redirects are not followed"
	case status < http.StatusBadRequest:
		failed.Message = "the answer is not JSON, and perhaps not this server's"
	default:
		failed.readFailure(body)
	}
	return failed
}

// readable reports whether the generated client can read a successful answer.
func (c *call) readable(answer *http.Response, body []byte) bool {
	if c.Method == http.MethodHead || c.traits.document {
		return true
	}
	return strings.Contains(answer.Header.Get("Content-Type"), "json") && json.Valid(body)
}
