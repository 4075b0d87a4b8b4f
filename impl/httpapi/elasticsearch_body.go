package httpapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/strictjson"
	"github.com/sallyport/sallyport/impl/xcontent"
)

// bodyReader reads an operation's document as its handler does, and returns how it refuses it, or nil. What the validator
// refuses is refused in the words of the reader: clients know those.
type bodyReader func(document any) error

// readBody keeps the whole body, unpacked, because a refusal says where in it what is wrong stands.
func readBody(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if !op.elasticsearch || op.body == nil {
			return next
		}
		return func(c echo.Context) error {
			r := c.Request()
			f := faceOf(r.Context())
			body, err := unpacked(r)
			if err != nil {
				return err
			}
			if len(body) > 0 {
				if err := f.settleContentType(r.Header); err != nil {
					return err
				}
			}
			f.body = body
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return next(c)
		}
	}
}

// unpacked returns a request's body as it was before it was packed. Its bound is the same, however little room it took.
func unpacked(r *http.Request) ([]byte, error) {
	const header = "Content-Encoding"
	switch encoding := r.Header.Get(header); {
	case encoding == "" || strings.EqualFold(encoding, "identity"):
		return readAll(r.Body)
	case !strings.EqualFold(encoding, "gzip"):
		return nil, fault.New(fault.IllegalArgument, "Content-Encoding ["+clip(encoding)+"] is not supported, only [gzip] is", header)
	}
	r.Header.Del(header)
	unpacking, err := gzip.NewReader(r.Body)
	if errors.Is(err, io.EOF) {
		return nil, nil // there is no body
	}
	if err != nil {
		return readAll(failing{err})
	}
	return readAll(unpacking)
}

// failing cannot be read.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

func readAll(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), len(data) > maxBody:
		return nil, bodyTooLarge()
	case err != nil:
		return nil, fault.Wrap(fault.IllegalArgument, err, "the body cannot be read as its headers say", "body")
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

// invalid says what the validator found: the parameters first, then the body, by the operation's own reader if it has
// one.
func (op operation) invalid(err error, body []byte) error {
	var syntax *strictjson.SyntaxError
	var twice *strictjson.DuplicateError
	switch {
	case errors.As(err, &syntax):
		return fault.New(fault.XContentParseFailed, place(xcontent.Position(body, syntax.Offset))+"the body is not one JSON value: "+syntax.Reason)
	case errors.As(err, &twice):
		name := clip(twice.Steps[len(twice.Steps)-1])
		return fault.New(fault.XContentParseFailed, place(xcontent.Position(body, twice.Offset))+"Duplicate field '"+name+"'")
	}
	var p problems
	p.collect(err, echo.MIMEApplicationJSON)
	for _, each := range p.list {
		if each.parameter {
			return fault.New(fault.IllegalArgument, "["+each.field+"] "+each.text, each.field)
		}
	}
	if errors.Is(err, openapi3filter.ErrInvalidRequired) {
		return fault.New(fault.ParseFailed, "request body is required")
	}
	if err := op.read(body); err != nil {
		return err
	}
	return p.first()
}

// read returns how the operation's reader refuses a body, or nil.
func (op operation) read(body []byte) error {
	document, err := strictjson.Decode(body)
	if err != nil || op.reader == nil {
		return err
	}
	return op.reader(document)
}

// first returns one problem of a body, always the same of several.
func (p *problems) first() error {
	if p.mediaType != nil || len(p.list) == 0 {
		return fault.New(fault.XContentParseFailed, "the body cannot be read", "")
	}
	first := p.list[0]
	for _, each := range p.list {
		if compareProblems(each, first) < 0 {
			first = each
		}
	}
	if len(first.steps) == 0 {
		first.steps = []string{""}
	}
	return fault.New(fault.XContentParseFailed, "["+first.field+"] "+first.text, first.steps...)
}

// place is how Elasticsearch says where in a body something stands.
func place(line, column int) string { return fmt.Sprintf("[%d:%d] ", line, column) }
