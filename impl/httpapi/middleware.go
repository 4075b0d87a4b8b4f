package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/tracing"
)

const regionsPrefix = "/api/v1/regions/"

// stripRegion lets every path below /api/v1 answer below /api/v1/regions/{region} too, before routing: ECE's clients
// call the account there.
func stripRegion(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		rest, ok := strings.CutPrefix(r.URL.EscapedPath(), regionsPrefix)
		if !ok {
			return next(c)
		}
		region, rest, ok := strings.Cut(rest, "/")
		if !ok || region == "" {
			return next(c)
		}
		escaped := "/api/v1/" + rest
		path, err := url.PathUnescape(escaped)
		if err != nil {
			return next(c)
		}
		// Echo routes by the URL of the very request that came in, so that is what must change.
		r.URL.Path, r.URL.RawPath = path, ""
		if r.URL.EscapedPath() != escaped {
			r.URL.RawPath = escaped
		}
		return next(c)
	}
}

var plainRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID names the request in the answer and in the log, with the caller's own name for it if that is harmless.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !plainRequestID.MatchString(id) {
			id = secret.Text(12)
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// operationKey is where a request's context keeps the operation's id.
const operationKey = "operation"

// operationOf is the id of the operation that was called, or "unknown" where the contract has none.
func operationOf(c echo.Context) string {
	if id, known := c.Get(operationKey).(string); known {
		return id
	}
	return "unknown"
}

// describe tells the request's trace what was called. It must be around sendAnswer, which answers errors.
func describe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		tracing.Describe(c.Request().Context(), operationOf(c), requestIDOf(c), c.RealIP())
		return err
	}
}

// measure reports every request. It must be around sendAnswer, which answers errors. Its operations are those of the
// contract and "unknown": a caller must not be able to make new ones.
func measure(report func(operation string, status int, took time.Duration)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began := time.Now()
			err := next(c)
			report(operationOf(c), c.Response().Status, time.Since(began))
			return err
		}
	}
}

// accessLog writes a line for every request. It must be around sendAnswer, which answers errors. It logs neither bodies nor query strings nor headers: they hold secrets.
func accessLog(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began := time.Now()
			err := next(c)
			log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", accessed(c, time.Since(began))...)
			return err
		}
	}
}

// accessed is what an access log says of a request. Who called is known by name and, with an API key, by the key's id. A
// request that belongs to a trace names it.
func accessed(c echo.Context, took time.Duration) []slog.Attr {
	r := c.Request()
	p := principalOf(r.Context())
	attrs := []slog.Attr{
		slog.String("request_id", requestIDOf(c)),
		slog.String("operation", operationOf(c)),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", c.Response().Status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("duration", took),
		slog.String("address", c.RealIP()),
		slog.String("user", p.User),
	}
	if p.Key.ID != "" {
		attrs = append(attrs, slog.String("api_key", p.Key.ID))
	}
	if id := tracing.ID(r.Context()); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	return attrs
}

// recoverPanics turns a defect into a 500, and its stack into a log line.
func recoverPanics(log *slog.Logger) echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableErrorHandler: true, // sendAnswer answers the error in place of what was written before
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			log.Error("panic", "request_id", requestIDOf(c), "error", err, "stack", string(stack))
			return fault.Wrap(fault.ServerFailed, err, serverFailed)
		},
	})
}

// strictTransport has browsers use TLS for this host for a year, whatever a link says. It is for this name only: others of the
// domain are not ours.
const strictTransport = "max-age=31536000"

// commonHeaders keeps answers, which hold credentials and personal data, out of caches and other pages.
func commonHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if c.Request().TLS != nil { // over plain HTTP it must not be sent (RFC 6797, section 7.2)
			h.Set("Strict-Transport-Security", strictTransport)
		}
		return next(c)
	}
}

// limitBody refuses a body that is too large, at once if its length is declared, else while it is read.
func limitBody(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.body == nil {
			return next
		}
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > maxBody {
				return bodyTooLarge()
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
			return next(c)
		}
	}
}

// refuseNil makes an error of a handler's answer that is not there, which would be sent as an empty 200.
func refuseNil(next server.StrictHandlerFunc, _ string) server.StrictHandlerFunc {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		if err == nil && response == nil {
			err = errors.New("httpapi: the handler returned neither an answer nor an error")
		}
		return response, err
	}
}
