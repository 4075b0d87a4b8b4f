package elastic

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath/pretty"
)

// exchange is one request of this API, and the form of its response.
type exchange struct {
	api *API
	// uri and path are those of the request as it was sent.
	uri, path string
	// mediaType is that of the response.
	mediaType string
	// version is the version of Elasticsearch that the response must be compatible with; "" if the request names none.
	version string
	// pretty responses are indented.
	pretty bool
	// trace adds the texts of stack_trace to failures.
	trace bool
	// filter selects parts of the response; nil for all.
	filter *filterpath.Filter
	// refused is the first error of the request as a whole. It is returned once the caller is authorized.
	refused error
	// subject is the caller with its privileges.
	subject access.Subject
	// query holds the operation's own parameters of the query string, each given once.
	query map[string]string
	// source is the body that the query string has in place of one, with its content type; "" for none.
	source, sourceType string
	// body is the uncompressed body of the request. Refusals give positions in it.
	body []byte
}

var _ edge.Exchange = (*exchange)(nil)

const (
	productHeader = "X-Elastic-Product"
	// runAsHeader names the user that the caller acts as.
	runAsHeader = "es-security-runas-user"
	// canonicalRunAs is runAsHeader as http.Header has it.
	canonicalRunAs = "Es-Security-Runas-User"
	// maxURI bounds, in bytes, the part of a request's path and query that a response quotes.
	maxURI = 1024
)

// Begin implements edge.Family. Every response names the product, because Elasticsearch's clients refuse responses that
// do not, and has the media type that the request asked for.
func (a *API) Begin(c echo.Context) edge.Exchange {
	r := c.Request()
	x := &exchange{
		api:       a,
		uri:       contract.ClipTo(r.URL.RequestURI(), maxURI),
		path:      contract.ClipTo(r.URL.EscapedPath(), maxURI),
		mediaType: echo.MIMEApplicationJSON,
	}

	x.negotiate(r.Header.Values(echo.HeaderAccept))
	x.takeCommon(r.URL)
	stripSlash(r.URL)

	h := c.Response().Header()
	h.Set(productHeader, "Elasticsearch")
	c.Response().Before(func() {
		if strings.HasPrefix(h.Get(echo.HeaderContentType), echo.MIMEApplicationJSON) {
			h.Set(echo.HeaderContentType, x.mediaType)
		}
	})

	return x
}

// stripSlash removes a trailing slash, which Elasticsearch ignores.
func stripSlash(u *url.URL) {
	if len(u.Path) > 1 && strings.HasSuffix(u.EscapedPath(), "/") {
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	}
}

// Authorize implements edge.Exchange. It resolves the caller's privileges; the operation checks them after it has read
// its request, because Elasticsearch validates the request first.
func (x *exchange) Authorize(c echo.Context, op *contract.Operation, caller identity.Principal) (string, error) {
	ctx, r := c.Request().Context(), c.Request()
	subject, err := x.api.Access.Subject(ctx, caller)
	if err != nil {
		return "", err
	}
	if err := subject.RequireEndpoint(r.Method, r.URL.Path); err != nil {
		return "", err
	}

	switch names := r.Header[canonicalRunAs]; len(names) {
	case 0:
	case 1: // also an empty name, which does not mean the caller
		if subject, err = x.api.Access.RunAs(ctx, subject, names[0], op.Extension(actionExtension)); err != nil {
			return "", err
		}
	default:
		return "", fault.New(fault.InvalidData, "there is more than one header "+runAsHeader, runAsHeader)
	}

	x.subject = subject
	if subject.Method == identity.RunAs {
		return subject.User, nil
	}

	return "", nil
}

// Check implements edge.Exchange. It refuses parameters that the operation does not have, because ignoring one could
// widen the request.
func (x *exchange) Check(r *http.Request, op *contract.Operation) error {
	if x.refused != nil {
		return x.refused
	}
	return x.takeOwn(r, op)
}

// Unpack implements edge.Exchange.
func (x *exchange) Unpack(r *http.Request) (io.Reader, error) {
	if x.source != "" {
		return x.unpackSource(r)
	}

	const header = "Content-Encoding"
	switch encoding := r.Header.Get(header); {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		return r.Body, nil
	case !strings.EqualFold(encoding, "gzip"):
		message := "Content-Encoding [" + contract.Clip(encoding) + "] is not supported, only [gzip] is"
		return nil, fault.New(fault.InvalidData, message, header)
	}

	r.Header.Del(header)
	unpacked, err := gzip.NewReader(r.Body)
	if errors.Is(err, io.EOF) {
		return http.NoBody, nil
	}
	if err != nil {
		return failingReader{err}, nil //nolint:nilerr // the error is the body's, and is worded when it is read
	}
	return unpacked, nil
}

// unpackSource returns the body from the query string. A request of unknown length may have another body.
func (x *exchange) unpackSource(r *http.Request) (io.Reader, error) {
	if n, err := io.ReadFull(r.Body, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return nil, unrecognized(x.path, []string{"[source]", "[source_content_type]"})
	}
	r.Header.Set(echo.HeaderContentType, x.sourceType)
	return strings.NewReader(x.source), nil
}

// failingReader is the body of a request if its compressed form has no valid header.
type failingReader struct{ err error }

// Read implements io.Reader.
func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// Unreadable implements edge.Exchange.
func (x *exchange) Unreadable(_ *http.Request, _ *contract.Operation, cause error) error {
	return fault.Wrap(fault.InvalidData, cause, "the body cannot be read as its headers say", "body")
}

// Receive implements edge.Exchange.
func (x *exchange) Receive(r *http.Request, _ *contract.Operation, body []byte) error {
	if len(body) > 0 {
		if err := x.checkContentType(r.Header); err != nil {
			return err
		}
	}
	x.body = body
	return nil
}

// Reshapes implements edge.Exchange.
func (x *exchange) Reshapes() bool { return x.filter != nil || x.pretty }

// ReshapesParts implements edge.Exchange. A filter keeps of each element of a list the same, whatever the others are.
func (x *exchange) ReshapesParts() bool { return !x.pretty }

// Reshape implements edge.Exchange: it filters and indents the body. It leaves a body as it is if that is not JSON, and
// does not indent it if the caller's share of the byte budget cannot hold both forms. It returns fault.InvalidData if
// the filter takes too long; the changes that the request has made are kept.
func (x *exchange) Reshape(ctx context.Context, body []byte, reserve func(bytes int) bool) ([]byte, error) {
	if x.filter != nil {
		kept, err := x.filter.Apply(ctx, body)
		switch {
		case errors.Is(err, filterpath.ErrTooMuchWork):
			return nil, fault.Wrap(fault.InvalidData, err, err.Error(), "filter_path")
		case errors.Is(err, filterpath.ErrNotJSON):
		case err != nil:
			return nil, err
		default:
			body = kept
		}
	}

	if x.pretty && reserve(len(body)+pretty.Size(body)) {
		if indented, ok := pretty.Indent(body); ok {
			body = indented
		}
	}

	return body, nil
}
