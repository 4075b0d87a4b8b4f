package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/filterpath"
	"github.com/sallyport/sallyport/impl/filterpath/pretty"
)

// isElasticsearch tells whether a path is Elasticsearch's: all of those that begin with an underscore, and the root.
func isElasticsearch(path string) bool { return path == "/" || strings.HasPrefix(path, "/_") }

// face is what the edge remembers of one request at a path of Elasticsearch's: how to answer it, and what it brought.
type face struct {
	// uri and path are as the request came, before the edge took anything away.
	uri, path string
	// mediaType is what the answer is sent as.
	mediaType string
	// version is that of Elasticsearch which the answer is to be compatible with; empty if the caller does not care.
	version string
	// pretty answers are indented.
	pretty bool
	// trace adds the texts of stack_trace to failures.
	trace bool
	// filter is what is kept of the answer; nil is all.
	filter *filterpath.Filter
	// refused is what is wrong with the request as a whole. It is told once the caller is known.
	refused error
	// body is the request's, unpacked, as far as it was read.
	body []byte
	// document is the body's value once it was validated.
	document any
}

type faceKey struct{}

// faceOf returns the face of a request, or nil for one that is at no path of Elasticsearch's.
func faceOf(ctx context.Context) *face {
	f, _ := ctx.Value(faceKey{}).(*face)
	return f
}

// documentOf returns the body of a request as it was validated, in the types of strictjson.Decode, or nil if there was
// none. Operations that follow Elasticsearch read it by themselves, because how they refuse a body is a part of what they
// promise.
func documentOf(ctx context.Context) any {
	if f := faceOf(ctx); f != nil {
		return f.document
	}
	return nil
}

const (
	productHeader = "X-Elastic-Product"
	// maxURI bounds, in bytes, what an answer repeats of a request's path and query.
	maxURI = 1024
)

// showFace gives every answer at a path of Elasticsearch's what its clients look for: the product's name, without which
// they refuse to go on, the media type they asked for, and the form.
func showFace(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !isElasticsearch(r.URL.Path) {
			return next(c)
		}
		f := &face{uri: clipTo(r.URL.RequestURI(), maxURI), path: clipTo(r.URL.EscapedPath(), maxURI), mediaType: echo.MIMEApplicationJSON}
		f.negotiate(r.Header.Values(echo.HeaderAccept))
		f.takeCommon(r.URL)
		c.SetRequest(r.WithContext(context.WithValue(r.Context(), faceKey{}, f)))
		h := c.Response().Header()
		h.Set(productHeader, "Elasticsearch")
		c.Response().Before(func() {
			if strings.HasPrefix(h.Get(echo.HeaderContentType), echo.MIMEApplicationJSON) {
				h.Set(echo.HeaderContentType, f.mediaType)
			}
		})
		if f.filter == nil && !f.pretty {
			return next(c)
		}
		return f.reshape(c, next)
	}
}

// reshape holds the answer back until it is complete, and sends what the filter leaves of it, indented if that was asked
// for.
func (f *face) reshape(c echo.Context, next echo.HandlerFunc) error {
	sent := c.Response().Writer
	held := &heldAnswer{ResponseWriter: sent}
	c.Response().Writer = held
	err := next(c)
	c.Response().Writer = sent
	if held.status == 0 {
		return err
	}
	body, failed := f.shape(c.Request().Context(), held.body.Bytes())
	if failed != nil {
		c.Response().Committed = false // nothing was sent
		c.Error(failed)
		return err
	}
	sent.WriteHeader(held.status)
	if _, failed := sent.Write(body); failed != nil {
		return failed
	}
	return err
}

// shape returns an answer's body in the form that was asked for. What is not JSON, as nothing, stays as it is.
func (f *face) shape(ctx context.Context, body []byte) ([]byte, error) {
	body, err := f.filtered(ctx, body)
	if err != nil || !f.pretty {
		return body, err
	}
	if indented, ok := pretty.Indent(body); ok {
		return indented, nil
	}
	return body, nil
}

// heldAnswer is an answer that is not sent yet.
type heldAnswer struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *heldAnswer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *heldAnswer) Write(data []byte) (int, error) { return a.body.Write(data) }

// stripSlash lets Elasticsearch's paths end with a slash, as Elasticsearch does.
func stripSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL // that of the request that came in: Echo routes by it
		if len(u.Path) > 1 && isElasticsearch(u.Path) && strings.HasSuffix(u.EscapedPath(), "/") {
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
		}
		return next(c)
	}
}
