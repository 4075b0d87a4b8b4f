package httpapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
)

// readBody reads the whole body before anything is made of it, and counts it against the caller's share of the byte budget. Of one of
// Elasticsearch's operations it is unpacked, and kept, because a refusal says where in it what is wrong stands.
func readBody(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.body == nil {
			return next
		}
		return func(c echo.Context) error {
			r, a := c.Request(), answerOf(c)
			m := &metered{bytes: a.class.Bytes, caller: a.caller}
			defer m.giveBack()
			body, err := m.body(op, r)
			if err != nil {
				return err
			}
			if f := faceOf(r.Context()); f != nil {
				if len(body) > 0 {
					if err := f.settleContentType(r.Header); err != nil {
						return err
					}
				}
				f.body = body
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return next(c)
		}
	}
}

// body reads a request's body.
func (m *metered) body(op operation, r *http.Request) ([]byte, error) {
	if op.elasticsearch {
		return m.unpacked(r)
	}
	m.from = r.Body
	body, err := io.ReadAll(m)
	if err != nil && !fault.Has(err, fault.ServerBusy) {
		err = invalid(&openapi3filter.RequestError{RequestBody: op.body, Err: err}, r.Header.Get(echo.HeaderContentType))
	}
	return body, err
}

// unpacked returns a request's body as it was before it was packed. Its bound is the same, however little room it took.
func (m *metered) unpacked(r *http.Request) ([]byte, error) {
	const header = "Content-Encoding"
	switch encoding := r.Header.Get(header); {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		return m.all(r.Body)
	case !strings.EqualFold(encoding, "gzip"):
		return nil, fault.New(fault.InvalidData, "Content-Encoding ["+clip(encoding)+"] is not supported, only [gzip] is", header)
	}
	r.Header.Del(header)
	unpacking, err := gzip.NewReader(r.Body)
	if errors.Is(err, io.EOF) {
		return nil, nil // there is no body
	}
	if err != nil {
		return m.all(failing{err})
	}
	return m.all(unpacking)
}

// failing cannot be read.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (m *metered) all(body io.Reader) ([]byte, error) {
	m.from = io.LimitReader(body, maxBody+1)
	data, err := io.ReadAll(m)
	var tooLarge *http.MaxBytesError
	switch {
	case fault.Has(err, fault.ServerBusy):
		return nil, err
	case errors.As(err, &tooLarge), len(data) > maxBody:
		return nil, bodyTooLarge()
	case err != nil:
		return nil, fault.Wrap(fault.InvalidData, err, "the body cannot be read as its headers say", "body")
	}
	return data, nil
}

// settleDocument keeps the validated value for the handler, and gives the generated code an object that has nothing to
// say: what it would make of the body is not what Elasticsearch's operations read.
func settleDocument(op operation, r *http.Request) {
	if op.body == nil {
		return
	}
	if kept, ok := r.Body.(interface{ ValidatedValue() any }); ok {
		faceOf(r.Context()).document = kept.ValidatedValue()
	}
	r.Body = validatedBody{map[string]any{}}
}
