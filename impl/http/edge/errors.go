package edge

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

// statusClientGone is the logged status of a request if the client disconnected before the response.
const statusClientGone = 499

// ServerFailed is the text of all errors that do not show their cause to clients.
const ServerFailed = "the server failed to answer this request"

// errorHandler answers every failure in the form of the request's family.
func errorHandler(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		gone := c.Request().Context().Err() != nil
		if c.Response().Committed {
			if !gone {
				log.Warn("answer interrupted", "request_id", requestIDOf(c), "error", err)
			}
			return
		}

		if gone {
			log.Debug("client disconnected", "request_id", requestIDOf(c), "error", err)
			c.Response().Header().Set("Connection", "close")
			// A client that is still connected must not mistake an empty 200 for success.
			_ = c.NoContent(statusClientGone)
			return
		}

		f := toFault(err)
		status, body := ExchangeOf(c).Failure(c, f)
		// Refusals by admission control are not logged as errors: a flood of requests must not become one of the log.
		if status >= http.StatusInternalServerError && f.Code.Kind != fault.Overloaded {
			log.Error("request failed", "request_id", requestIDOf(c), "status", status, "error", err)
		}

		if f.RetryAfter > 0 {
			seconds := int(math.Ceil(f.RetryAfter.Seconds()))
			c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds))
		}

		if err := c.JSON(status, body); err != nil {
			log.Debug("answer not sent", "request_id", requestIDOf(c), "error", err)
		}
	}
}

// toFault returns an error's fault. Errors that are not meant for clients have a fixed text.
func toFault(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}

	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch he.Code {
		case http.StatusBadRequest:
			return badParameter(he)
		case http.StatusNotFound:
			return fault.New(fault.RouteNotFound, "there is nothing at this path")
		case http.StatusMethodNotAllowed:
			return fault.New(fault.WrongMethod, "this path does not have this method; see the Allow header")
		}
	}

	return fault.Wrap(fault.ServerFailed, err, ServerFailed)
}

var parameterName = regexp.MustCompile(`parameter '?([^ ':]+)`)

// badParameter returns the fault of a parameter that the generated code cannot bind although it was validated: one that
// is given twice, for example.
func badParameter(he *echo.HTTPError) *fault.Error {
	found := parameterName.FindStringSubmatch(fmt.Sprint(he.Message))
	if found == nil {
		return fault.Wrap(fault.InvalidData, he, "a parameter cannot be read")
	}
	return fault.Wrap(fault.InvalidData, he, found[1]+": this value does not fit the parameter", found[1])
}
