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

	"github.com/sallyport/sallyport/gen/server"
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

// statusCallerGone is what the log says of a request whose caller did not wait for the answer.
const statusCallerGone = 499

const (
	errorCodesHeader = "X-Cloud-Error-Codes"
	serverFailed     = "the server failed to answer this request"
)

// challenges are the ways to authenticate (RFC 9110, section 11.6.1).
var challenges = []string{`Basic realm="sallyport", charset="UTF-8"`, "ApiKey", "Bearer"}

// errorHandler answers every failure, wherever it comes from: the only place that knows how one looks on the wire.
func errorHandler(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		if c.Request().Context().Err() != nil {
			log.Debug("the caller went away", "request_id", requestIDOf(c), "error", err)
			c.Response().Status = statusCallerGone
			return
		}
		f := toFault(err)
		status := statuses[f.Code.Kind]
		if status >= http.StatusInternalServerError {
			log.Error("request failed", "request_id", requestIDOf(c), "status", status, "error", err)
		}
		h := c.Response().Header()
		h.Set(errorCodesHeader, f.Code.Name)
		if status == http.StatusUnauthorized {
			h[echo.HeaderWWWAuthenticate] = challenges
		}
		if f.RetryAfter > 0 {
			h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
		}
		if f.Link != "" {
			h.Set("Link", fmt.Sprintf(`<%s>; rel="https://github.com/sallyport/sallyport#second-factors-and-elevation"`, f.Link))
		}
		element := server.BasicFailedReplyElement{Code: f.Code.Name, Message: f.Message}
		if len(f.Fields) > 0 {
			element.Fields = &f.Fields
		}
		if err := c.JSON(status, server.BasicFailedReply{Errors: []server.BasicFailedReplyElement{element}}); err != nil {
			log.Debug("answer not sent", "request_id", requestIDOf(c), "error", err)
		}
	}
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
			return fault.New(fault.ResourceNotFound, "there is nothing at this path")
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
