// Package edge is the part of the HTTP layer that all APIs share: the server, middleware, authentication, admission
// control and errors. The APIs are its families.
package edge

import (
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/tracing"
)

// Config holds the dependencies of the edge.
type Config struct {
	// Families are the APIs to serve. The last one must serve all paths that the others do not.
	Families  []Family
	Auth      *authn.Service
	Elevation *elevation.Service
	Log       *slog.Logger
	// TrustedProxies are the networks of proxies that set X-Forwarded-For. Without any, a client's address is that of
	// its connection: otherwise clients could choose their address.
	TrustedProxies []*net.IPNet
	// Unclustered is set if there is no authentication cluster: records do not outlive the server.
	Unclustered bool
	// Limits are the bounds of admission control.
	Limits *Limits
	// Observe returns the function that receives the responses of an operation, by its id, or "unknown" for requests
	// without an operation.
	Observe func(operation string) Report
	// Responses is what happens to responses that the contract does not allow.
	Responses ResponseValidation
	// ObserveInvalid receives the id of the operation of each response that the contract does not allow.
	ObserveInvalid func(operation string)
	// Tracer is nil if requests are not traced.
	Tracer *tracing.Tracer
}

// Report receives the status of a response, and the time since the request was received.
type Report = func(status int, took time.Duration)

// unknownOperation is the id of requests without an operation.
const unknownOperation = "unknown"

// Handler serves the families.
type Handler struct {
	http.Handler

	server *server
	// operations are the ids of operations by their routes.
	operations map[string]string
}

// New returns the handler that serves the families.
func New(config Config) (*Handler, error) {
	e := echo.New()
	e.HTTPErrorHandler = errorHandler(config.Log)
	e.IPExtractor = ipExtractor(config.TrustedProxies)

	operations := map[string]string{}
	for _, family := range config.Families {
		middleware := func(op *contract.Operation) []echo.MiddlewareFunc {
			operations[routeKey(op.Method, op.Path)] = op.ID
			return pipeline(config, family, op)
		}
		if err := family.Register(e, middleware); err != nil {
			return nil, err
		}
	}

	handle := Compose(callRoute,
		requestID,
		accessLog(config.Log.Handler()),
		measure(config.Observe(unknownOperation)),
		sendAnswer(config.Limits, newAnswerValidator(config)),
		recoverPanics(config.Log),
		commonHeaders,
	)
	s := &server{e, config.Families, handle}
	if config.Tracer == nil {
		return &Handler{s, s, operations}, nil
	}

	s.handle = describe(handle)
	return &Handler{config.Tracer.Handler(s), s, operations}, nil
}

// callRoute calls the handler of the route that was found.
func callRoute(c echo.Context) error { return c.Handler()(c) }

// server is the handler of all requests. Echo's own builds its middleware at each request.
type server struct {
	echo     *echo.Echo
	families []Family
	// handle calls the handler of the route.
	handle echo.HandlerFunc
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.echo.AcquireContext()
	c.Reset(r, w)
	begin(s.families, c)
	s.echo.Router().Find(r.Method, echo.GetPath(r), c)
	if err := s.handle(c); err != nil {
		s.echo.HTTPErrorHandler(err, c)
	}
	s.echo.ReleaseContext(c)
}

// endParameter makes a parameter at the end of a path end at a slash. Echo's router gives the rest of a request's path
// to a parameter without routes below it, so that PUT /role/a/b would be a request for the role "a/b".
func endParameter(op *contract.Operation) echo.MiddlewareFunc {
	if !strings.HasSuffix(op.Path, "}") {
		return skip
	}
	slashes := strings.Count(op.Path, "/")
	return Before(func(c echo.Context) error {
		if strings.Count(echo.GetPath(c.Request()), "/") != slashes {
			return echo.ErrNotFound
		}
		return nil
	})
}

// pipeline returns the middleware of an operation, in the order in which requests pass it.
func pipeline(config Config, family Family, op *contract.Operation) []echo.MiddlewareFunc {
	before := []echo.MiddlewareFunc{
		endParameter(op), announceDeprecation(op), enter(op, config.Limits, config.Observe(op.ID)),
	}
	before = append(before, family.Screen(op)...)
	return append(before,
		refuseOtherSites(op),
		authenticate(config.Auth, op),
		requireCluster(config, op),
		chargeUser(op, config.Limits),
		requireElevation(config.Elevation, op),
		checkRequest(op),
		limitBody(op),
		readBody(op),
		takeSlot(op),
		authenticateAgain(config.Auth, config.Elevation, op),
	)
}

// Compose returns a handler with middleware before it. Echo would build the middleware of a route again per request.
func Compose(handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) echo.HandlerFunc {
	for _, each := range slices.Backward(middleware) {
		handler = each(handler)
	}
	return handler
}

// Limits of a connection, against clients that are slow or greedy. Sizes are in bytes.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	// maxHeader bounds the request line and all header lines, including the empty line that ends them.
	maxHeader = 32 << 10
	maxBody   = 1 << 20
)

// headerSlack is the number of bytes that net/http reads beyond MaxHeaderBytes in HTTP/1.1. In HTTP/2 it is 320 bytes,
// and each field counts as 32 bytes more than it has (RFC 9113, section 6.5.2).
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
