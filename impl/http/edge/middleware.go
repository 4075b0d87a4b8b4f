package edge

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/outcome"
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
		id := ChosenRequestID(c.Request())
		if id == "" {
			id = newRequestID()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

// ChosenRequestID returns the request id that the client chose, or "" if it chose none or one that is not harmless.
func ChosenRequestID(r *http.Request) string {
	if id := r.Header.Get(echo.HeaderXRequestID); plainRequestID.MatchString(id) {
		return id
	}
	return ""
}

// newRequestID returns 16 random characters. They are no secret, so they cost no system call.
func newRequestID() string {
	var id [12]byte
	binary.NativeEndian.PutUint64(id[:], rand.Uint64())  //nolint:gosec // see above
	binary.NativeEndian.PutUint32(id[8:], rand.Uint32()) //nolint:gosec // see above
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// operationOf returns the id of the requested operation, or "unknown" if the contract has none.
func operationOf(c echo.Context) string {
	if op := stateOf(c).operation; op != nil {
		return op.ID
	}
	return unknownOperation
}

// describe adds the operation to the request's trace. It must run outside sendAnswer, which answers errors.
func describe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		tracing.Describe(c.Request().Context(), operationOf(c), requestIDOf(c), stateOf(c).address)
		return err
	}
}

// measure times and reports every request. It must run outside sendAnswer, which answers errors. Its operations are
// those of the contract and "unknown": clients must not be able to add others.
func measure(unknown Report) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			s := stateOf(c)
			s.began = time.Now()
			err := next(c)
			s.took = time.Since(s.began)

			report := s.report
			if report == nil {
				report = unknown
			}
			report(c.Response().Status, s.took)
			return err
		}
	}
}

// accessLog writes a line for every request. It must run outside measure, which takes the times. It logs no bodies,
// query strings or headers, as they hold secrets.
func accessLog(log slog.Handler) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			ctx := c.Request().Context()
			if !log.Enabled(ctx, slog.LevelInfo) {
				return err
			}

			attrs := accessAttrLists.Get().(*[]slog.Attr)
			*attrs = appendAccessAttrs((*attrs)[:0], c)
			s := stateOf(c)
			// The record has no source position: it is not logged.
			line := slog.NewRecord(s.began.Add(s.took), slog.LevelInfo, "request", 0)
			// A record copies its attributes, but not those of a group; one without a name is not seen in the line.
			line.AddAttrs(slog.Attr{Value: slog.GroupValue(*attrs...)})
			_ = log.Handle(ctx, line)
			clear(*attrs)
			accessAttrLists.Put(attrs)
			return err
		}
	}
}

// accessAttrLists are reused: a handler keeps nothing of a record.
var accessAttrLists = sync.Pool{New: func() any { return new([]slog.Attr) }}

func appendAccessAttrs(attrs []slog.Attr, c echo.Context) []slog.Attr {
	r, s := c.Request(), stateOf(c)
	attrs = append(attrs,
		slog.String("request_id", requestIDOf(c)),
		slog.String("operation", operationOf(c)),
		slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()), // so that it has printable characters only
		slog.Int("status", c.Response().Status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("duration", s.took),
		slog.String("address", s.address),
		slog.String("user", s.caller.User),
	)
	if s.refusal != "" {
		attrs = append(attrs, slog.String("refusal", s.refusal))
	}
	if s.claimed != "" {
		attrs = append(attrs, slog.String("claimed_user", s.claimed))
	}
	if s.caller.Key.ID != "" {
		attrs = append(attrs, slog.String("api_key", s.caller.Key.ID))
	}
	if units := s.answer.work.Used(); units > 0 {
		attrs = append(attrs, slog.Int64("work", units))
	}
	if id := tracing.ID(r.Context()); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}

	return attrs
}

// explain keeps for the log why a caller was not authenticated.
func (s *state) explain(err error) {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code.Kind == fault.Unauthenticated {
		s.refusal, s.claimed = outcome.Explain(err)
	}
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

// The values of headers that all responses have. They are shared: a header is replaced, and not changed.
var noStore, noReferrer, noSniff = []string{"no-store"}, []string{"no-referrer"}, []string{"nosniff"}

// commonHeaders keeps responses, which hold credentials and personal data, out of caches and other pages.
func commonHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h["Cache-Control"], h["Referrer-Policy"], h["X-Content-Type-Options"] = noStore, noReferrer, noSniff
		if c.Request().TLS != nil { // over plain HTTP it must not be sent (RFC 6797, section 7.2)
			h.Set("Strict-Transport-Security", strictTransport)
		}
		return next(c)
	}
}

// announceDeprecation says in each answer of a deprecated operation, also in refusals, since when it is deprecated and
// when it may be removed.
func announceDeprecation(op *contract.Operation) echo.MiddlewareFunc {
	if op.Deprecation == nil {
		return skip
	}
	since, sunset := []string{op.Deprecation.Since}, []string{op.Deprecation.Sunset}
	return Before(func(c echo.Context) error {
		h := c.Response().Header()
		h["Deprecation"] = since
		if op.Deprecation.Sunset != "" {
			h["Sunset"] = sunset
		}
		return nil
	})
}

// checkRequest refuses a request that its family finds invalid as a whole.
func checkRequest(op *contract.Operation) echo.MiddlewareFunc {
	return Before(func(c echo.Context) error { return ExchangeOf(c).Check(c.Request(), op) })
}

// requireCluster refuses operations that need an authentication cluster where there is none.
func requireCluster(config Config, op *contract.Operation) echo.MiddlewareFunc {
	if !config.Unclustered || op.Unclustered {
		return skip
	}
	return Before(func(echo.Context) error {
		return fault.New(fault.StoreMissing,
			"this server runs without an authentication cluster, which the request needs")
	})
}

// PathParams returns the decoded parameters of the path; the router leaves them encoded in some paths. It returns
// echo.ErrNotFound for an empty or malformed parameter.
func PathParams(c echo.Context) (map[string]string, error) {
	names := c.ParamNames()
	if len(names) == 0 {
		return nil, nil //nolint:nilnil // there are no parameters
	}
	params := make(map[string]string, len(names))
	for i, name := range names {
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
