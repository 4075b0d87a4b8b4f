package httpapi

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath/pretty"
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
		return next(c)
	}
}

// reshapes reports whether the answer is to be filtered or indented. It is false without a face.
func (f *face) reshapes() bool { return f != nil && (f.filter != nil || f.pretty) }

// reshape filters and indents the held body as the request asked for, within the caller's share of the byte budget. What is not
// JSON, as nothing, stays as it is, and so does what is too large for the share once indented: it says the same.
func (a *answer) reshape(ctx context.Context, f *face) error {
	if !f.reshapes() || a.streaming {
		return nil
	}

	body, err := f.filtered(ctx, a.body)
	if err != nil {
		return err
	}
	a.body = body
	a.charge(len(body)) // it is not larger than before

	if f.pretty {
		a.indent()
	}
	return nil
}

// indent indents the held body if the caller's share holds both forms while it is made.
func (a *answer) indent() {
	if !a.charge(len(a.body) + pretty.Size(a.body)) {
		return
	}
	if indented, ok := pretty.Indent(a.body); ok {
		a.body = indented
	}
	a.charge(len(a.body))
}

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
