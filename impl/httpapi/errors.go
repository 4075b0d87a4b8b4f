package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
)

// statuses says how each kind of fault is answered.
var statuses = map[fault.Kind]int{
	fault.Internal:             http.StatusInternalServerError,
	fault.InvalidInput:         http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Forbidden:            http.StatusForbidden,
	fault.ElevationRequired:    449,
	fault.NotFound:             http.StatusNotFound,
	fault.MethodNotAllowed:     http.StatusMethodNotAllowed,
	fault.Conflict:             http.StatusConflict,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.UnsupportedMediaType: http.StatusUnsupportedMediaType,
	fault.NotAcceptable:        http.StatusNotAcceptable,
	fault.RateLimited:          http.StatusTooManyRequests,
	fault.NotConfigured:        http.StatusNotImplemented,
	fault.Unavailable:          http.StatusBadGateway,
	fault.Overloaded:           http.StatusServiceUnavailable,
}

// statusClientGone is the status in the log of a request whose client disconnected before the answer.
const statusClientGone = 499

const serverFailed = "the server failed to answer this request"

// errorHandler answers every failure, wherever it comes from: the only place that knows how one looks on the wire.
func errorHandler(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		if c.Request().Context().Err() != nil {
			log.Debug("client disconnected", "request_id", requestIDOf(c), "error", err)
			c.Response().Header().Set("Connection", "close")
			_ = c.NoContent(statusClientGone) // a client that is there after all must not take nothing for success
			return
		}
		f := addNextPath(toFault(err))
		status, body := failure(c, f)
		if status >= http.StatusInternalServerError && f.Code.Kind != fault.Overloaded { // a flood must not become one of the log
			log.Error("request failed", "request_id", requestIDOf(c), "status", status, "error", err)
		}
		if f.RetryAfter > 0 {
			c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
		}
		if err := c.JSON(status, body); err != nil {
			log.Debug("answer not sent", "request_id", requestIDOf(c), "error", err)
		}
	}
}

// addNextPath adds the path of the operation to call next to a failure's message.
func addNextPath(f *fault.Error) *fault.Error {
	if f.Next == "" {
		return f
	}
	withPath := *f
	withPath.Message += " at " + paths()[f.Next]
	return &withPath
}

// failure returns the answer to a failure in the form of the family that the request is of, and sets its headers.
func failure(c echo.Context, f *fault.Error) (status int, body any) {
	if face := faceOf(c.Request().Context()); face != nil {
		return face.failure(c, f)
	}
	return failureOfECE(c, f)
}

// toFault finds out what an error is. What nobody meant a caller to see is a fixed text.
func toFault(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusBadRequest:
			return badParameter(he)
		case http.StatusNotFound:
			return fault.New(fault.RouteNotFound, "there is nothing at this path")
		case http.StatusMethodNotAllowed:
			return fault.New(fault.WrongMethod, "this path does not have this method; see the Allow header")
		}
	}
	return fault.Wrap(fault.ServerFailed, err, serverFailed)
}

var generatedText = regexp.MustCompile(`parameter '?([^ ':]+)`)

// badParameter answers the generated code's refusal to bind a parameter that the validator let pass: one that is given
// twice, for example.
func badParameter(he *echo.HTTPError) *fault.Error {
	found := generatedText.FindStringSubmatch(fmt.Sprint(he.Message))
	if found == nil {
		return fault.Wrap(fault.InvalidData, he, "a parameter cannot be read")
	}
	return fault.Wrap(fault.InvalidData, he, found[1]+": this value does not fit the parameter", found[1])
}

func bodyTooLarge() error {
	return fault.New(fault.BodyTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody), "body")
}
