package edge

import (
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/tracing"
)

// Before returns middleware that takes a step before the handler. An error of the step is answered in its place.
func Before(step func(c echo.Context) error) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := step(c); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// skip is middleware for operations that do not need a step.
func skip(next echo.HandlerFunc) echo.HandlerFunc { return next }

var plainRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID identifies the request in the response and in the log. It uses the client's own id if that is harmless.
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

// operationOf returns the id of the requested operation, or "unknown" if the contract has none.
func operationOf(c echo.Context) string {
	if op := stateOf(c).operation; op != nil {
		return op.ID
	}
	return "unknown"
}

// describe adds the operation to the request's trace. It must run outside sendAnswer, which answers errors.
func describe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		tracing.Describe(c.Request().Context(), operationOf(c), requestIDOf(c), c.RealIP())
		return err
	}
}

// measure reports every request. It must run outside sendAnswer, which answers errors. Its operations are those of the
// contract and "unknown": clients must not be able to add others.
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

// accessLog writes a line for every request. It must run outside sendAnswer, which answers errors. It logs no bodies,
// query strings or headers, as they hold secrets.
func accessLog(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began := time.Now()
			err := next(c)
			log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", accessAttrs(c, time.Since(began))...)
			return err
		}
	}
}

func accessAttrs(c echo.Context, took time.Duration) []slog.Attr {
	r := c.Request()
	caller := CallerOf(r.Context())
	attrs := []slog.Attr{
		slog.String("request_id", requestIDOf(c)),
		slog.String("operation", operationOf(c)),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", c.Response().Status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("duration", took),
		slog.String("address", c.RealIP()),
		slog.String("user", caller.User),
	}
	if caller.Key.ID != "" {
		attrs = append(attrs, slog.String("api_key", caller.Key.ID))
	}
	if units := stateOf(c).answer.work.Used(); units > 0 {
		attrs = append(attrs, slog.Int64("work", units))
	}
	if id := tracing.ID(r.Context()); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}

	return attrs
}

// recoverPanics turns a panic into a 500, and its stack into a log line.
func recoverPanics(log *slog.Logger) echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableErrorHandler: true, // sendAnswer answers the error in place of what was written before
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			log.Error("panic", "request_id", requestIDOf(c), "error", err, "stack", string(stack))
			return fault.Wrap(fault.ServerFailed, err, ServerFailed)
		},
	})
}

// strictTransport makes browsers use TLS for this host for a year. It does not cover subdomains, which are not this
// server's.
const strictTransport = "max-age=31536000"

// commonHeaders keeps responses, which hold credentials and personal data, out of caches and other pages.
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

// checkRequest refuses a request that its family finds invalid as a whole.
func checkRequest(op *contract.Operation) echo.MiddlewareFunc {
	return Before(func(c echo.Context) error { return ExchangeOf(c).Check(c.Request(), op) })
}

// PathParams returns the decoded parameters of the path; the router leaves them encoded in some paths. It returns
// echo.ErrNotFound for an empty or malformed parameter.
func PathParams(c echo.Context) (map[string]string, error) {
	if len(c.ParamNames()) == 0 {
		return nil, nil
	}
	params := map[string]string{}
	for i, name := range c.ParamNames() {
		value := c.ParamValues()[i]
		if c.Request().URL.RawPath != "" {
			decoded, err := url.PathUnescape(value)
			if err != nil {
				return nil, echo.ErrNotFound
			}
			value = decoded
		}
		if value == "" {
			return nil, echo.ErrNotFound
		}
		params[name] = value
	}

	return params, nil
}
