// Package edge is what every request meets, whatever API it is of: the server, middleware, authentication, admission control and
// errors. The APIs are its families.
package edge

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/tracing"
)

// Config is what the edge needs.
type Config struct {
	// Families are the APIs to serve. The last one must serve all paths that the others do not.
	Families  []Family
	Auth      *authn.Service
	Elevation *elevation.Service
	Log       *slog.Logger
	// TrustedProxies are the networks whose X-Forwarded-For is trusted. Without any, the address of a client is that of its
	// connection, because otherwise every client could choose one.
	TrustedProxies []*net.IPNet
	// Limits are the bounds of admission control.
	Limits *Limits
	// Observe receives, of each response, the id of the operation, or "unknown" if the contract has none; the status; and the
	// time since the request was received.
	Observe func(operation string, status int, took time.Duration)
	// Tracer is nil if requests are not traced.
	Tracer *tracing.Tracer
}

// New returns the handler that serves the families.
func New(config Config) (http.Handler, error) {
	e := echo.New()
	e.HTTPErrorHandler = errorHandler(config.Log)
	e.IPExtractor = ipExtractor(config.TrustedProxies)
	e.Pre(begin(config.Families))

	if config.Tracer != nil {
		e.Use(describe)
	}
	e.Use(
		requestID,
		measure(config.Observe),
		accessLog(config.Log),
		sendAnswer(config.Limits),
		recoverPanics(config.Log),
		commonHeaders,
	)

	for _, family := range config.Families {
		err := family.Register(e, func(op *contract.Operation) []echo.MiddlewareFunc { return pipeline(config, family, op) })
		if err != nil {
			return nil, err
		}
	}
	if config.Tracer == nil {
		return e, nil
	}
	return config.Tracer.Handler(e), nil
}

// pipeline returns what the requests of an operation pass before its handler, in this order.
func pipeline(config Config, family Family, op *contract.Operation) []echo.MiddlewareFunc {
	before := append([]echo.MiddlewareFunc{enter(op, config.Limits)}, family.Screen(op)...)
	return append(before,
		refuseOtherSites(op),
		authenticate(config.Auth, op),
		chargeUser(op, config.Limits),
		requireElevation(config.Elevation, op),
		checkRequest(op),
		limitBody(op),
		readBody(op),
		takeSlot(op),
		authenticateAgain(config.Auth, config.Elevation, op),
	)
}

// Limits of a connection, against clients that are slow or greedy. Sizes are in bytes.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	// maxHeader is the request line with all header lines, to the empty line that ends them.
	maxHeader = 32 << 10
	maxBody   = 1 << 20
)

// headerSlack is how much longer a header of HTTP/1.1 may be than MaxHeaderBytes: net/http reads that much more. In HTTP/2 it
// is 320 bytes, where each field counts 32 bytes more than it has (RFC 9113, section 6.5.2).
const headerSlack = 4 << 10

// NewServer returns an HTTP server with limits for a handler of this package.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader - headerSlack,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
