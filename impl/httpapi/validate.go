package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// The decoders of kin-openapi are global. This one refuses what two readers of one body could disagree about.
func init() { openapi3filter.RegisterBodyDecoder("application/json", decodeStrictly) }

// errCharset means that a body claims to be text in another encoding than JSON's (RFC 8259, section 8.1).
var errCharset = errors.New("httpapi: the content type is malformed or names another charset than UTF-8")

func decodeStrictly(body io.Reader, header http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	if contentType := header.Get(echo.HeaderContentType); contentType != "" {
		_, parameters, err := mime.ParseMediaType(contentType)
		charset, given := parameters["charset"]
		if err != nil || given && !strings.EqualFold(charset, "utf-8") {
			return nil, errCharset
		}
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	return strictjson.Decode(data)
}

// validate checks a request's parameters and body against the contract.
func validate(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.unchecked {
			return next
		}
		return func(c echo.Context) error {
			r := c.Request()
			params, err := pathParams(c)
			if err != nil {
				return err
			}
			if err := checkRequest(op, r, params); err != nil {
				return refuse(op, r, params, err)
			}
			if err := settleBody(op, r); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// pathParams are the parameters of Echo's match, decoded: Echo leaves them as they are if the path has escapes that its
// default form has not.
func pathParams(c echo.Context) (map[string]string, error) {
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
			return nil, echo.ErrNotFound // an empty segment names nothing
		}
		params[name] = value
	}
	return params, nil
}

// refuse says what the validator found, in the words of the operation's family.
func refuse(op operation, r *http.Request, params map[string]string, err error) error {
	if op.elasticsearch {
		return op.invalid(err, faceOf(r.Context()).body, params)
	}
	return invalid(err, r.Header.Get(echo.HeaderContentType))
}

// settleBody makes sure that the handler is given what was validated, and nothing else.
func settleBody(op operation, r *http.Request) error {
	if op.elasticsearch {
		settleDocument(op, r)
		return nil
	}
	mediaType, _, _ := strings.Cut(r.Header.Get(echo.HeaderContentType), ";")
	if strings.EqualFold(strings.TrimSpace(mediaType), echo.MIMEApplicationForm) {
		if err := r.ParseForm(); err != nil {
			return err
		}
		if err := refuseRepeatedFields(r); err != nil {
			return err
		}
		r.Form = r.PostForm // the generated code reads Form, which holds the query string too
		return nil
	}
	if kept, ok := r.Body.(interface{ ValidatedValue() any }); ok {
		r.Body = validatedBody{kept.ValidatedValue()}
	}
	return nil
}

// validatedBody gives the generated code the validated value. Where that does not fit, the generated code would fall
// back to decoding the bytes again and leniently; there are none.
type validatedBody struct{ value any }

// ValidatedValue is what the generated code asks for.
func (b validatedBody) ValidatedValue() any { return b.value }

// Read implements io.Reader.
func (b validatedBody) Read([]byte) (int, error) {
	return 0, errors.New("httpapi: the validated body does not fit the generated type")
}

// Close implements io.Closer.
func (b validatedBody) Close() error { return nil }

// patchReader reads the bodies of PATCH operations, which come as an object or as a string that holds an object's text:
// some official clients declare them as strings.
type patchReader struct{ document *openapi3.T }

// read returns the patch as a value that satisfies the schema of that name. The object form has been validated with the
// request; the text of the string form is decoded and validated here.
func (p patchReader) read(body json.RawMessage, schema string) (any, error) {
	var text string
	if err := json.Unmarshal(body, &text); err != nil {
		return strictjson.Decode(body)
	}
	value, err := decodeStrictly(bytes.NewReader([]byte(text)), nil, nil, nil)
	if err != nil {
		return nil, invalid(err, "")
	}
	if err := checkValue(p.document.Components.Schemas[schema].Value, value); err != nil {
		return nil, invalid(err, "")
	}
	return value, nil
}
