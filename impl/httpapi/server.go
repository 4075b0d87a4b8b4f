// Package httpapi is the HTTP edge: it turns requests into calls of the domain, and values and faults into answers. It
// decides nothing. It alone knows Echo, kin-openapi and the generated server.
package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/platform/tracing"
	"github.com/sallyport/sallyport/impl/saml"
)

// Deps are what the edge calls.
type Deps struct {
	Accounts *account.Service
	Auth     *authn.Service
	Keys     *apikey.Service
	Users    *user.Service
	Roles    *role.Service
	// Privileges are those of applications.
	Privileges *applicationprivilege.Service
	// Access says what callers of Elasticsearch's operations may do.
	Access *access.Service
	SAML   *saml.Service
	// Elevation says who must be elevated, and keeps second factors.
	Elevation *elevation.Service
	Log       *slog.Logger
	// TrustedProxies are the networks whose X-Forwarded-For is believed. Without any, the address of a caller is that of
	// the connection, because otherwise every caller could choose one.
	TrustedProxies []*net.IPNet
	// Limits are the bounds of admission control.
	Limits *Limits
	// Observe is told of each answer: its operation's id, or "unknown" where the contract has none; its status; and how
	// long it took.
	Observe func(operation string, status int, took time.Duration)
	// Tracer is nil where no requests are to be traced.
	Tracer *tracing.Tracer
}

// handlers implements the generated interface, one method an operation.
type handlers struct {
	Deps
	patches patchReader
}

var _ server.StrictServerInterface = (*handlers)(nil)

// New returns the handler that serves the contract.
func New(d Deps) (http.Handler, error) {
	e, err := newEcho(d, validate)
	if err != nil || d.Tracer == nil {
		return e, err
	}
	return d.Tracer.Handler(e), nil
}

// newEcho is New with a validator of one's own: benchmarks take none, to show what it costs.
func newEcho(d Deps, validate func(operation) echo.MiddlewareFunc) (*echo.Echo, error) {
	document, operations, err := loadOperations()
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.HTTPErrorHandler = errorHandler(d.Log)
	e.IPExtractor = ipExtractor(d.TrustedProxies)
	e.Pre(stripRegion, showFace, stripSlash)
	if d.Tracer != nil {
		e.Use(describe)
	}
	e.Use(
		requestID,
		measure(d.Observe),
		accessLog(d.Log),
		sendAnswer(d.Limits),
		recoverPanics(d.Log),
		commonHeaders,
	)
	h := &handlers{Deps: d, patches: patchReader{document}}
	middlewares := map[string][]echo.MiddlewareFunc{}
	for _, op := range operations {
		op.reader = readers[op.id]
		middlewares[op.id] = []echo.MiddlewareFunc{
			enter(op, d.Limits),
			keepQuery(op),
			refuseOtherSites(op),
			refuseEmbedded(op),
			refuseRepeated(op),
			authenticate(d.Auth, d.Access, op),
			chargeUser(op, d.Limits),
			requireElevation(d.Elevation, op),
			checkQuery(op),
			limitBody(op),
			readBody(op),
			takeSlot(op),
			authenticateAgain(d.Auth, d.Access, d.Elevation, op),
			validate(op),
		}
	}
	strict := server.NewStrictHandler(h, []server.StrictMiddlewareFunc{refuseNil})
	server.RegisterHandlersWithOptions(e, strict, server.RegisterHandlersOptions{OperationMiddlewares: middlewares})
	return e, nil
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
