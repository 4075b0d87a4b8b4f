package contract

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// The decoders of kin-openapi are global. This one refuses what two readers of one body could disagree about.
func init() {
	openapi3filter.RegisterBodyDecoder("application/json",
		func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
			data, err := io.ReadAll(body)
			if err != nil {
				return nil, err
			}
			return Decode(data)
		})
}

// ErrCharset means that a body has several content types, or one that is malformed or names another charset than that
// of JSON (RFC 8259, section 8.1) and of forms (URL Standard).
var ErrCharset = errors.New("contract: the content type is repeated, malformed or names another charset than UTF-8")

// checkContentType returns ErrCharset. Whether the operation takes the type, and needs one, is checked with the body.
func (op *Operation) checkContentType(r *http.Request) error {
	values := r.Header["Content-Type"]
	if !op.TakesBody || r.ContentLength == 0 || len(values) == 0 {
		return nil
	}
	if len(values) > 1 {
		return ErrCharset
	}
	if values[0] == mediaJSON || values[0] == mediaForm || values[0] == "" {
		return nil
	}
	_, parameters, err := mime.ParseMediaType(values[0])
	if charset, given := parameters["charset"]; err != nil || given && !strings.EqualFold(charset, "utf-8") {
		return ErrCharset
	}
	return nil
}

// Decode is strictjson.Decode, which takes several times as long for valid text.
func Decode(text []byte) (any, error) {
	if schemacheck.Valid(text, strictjson.MaxDepth) {
		return schemacheck.Decode(text), nil
	}
	return strictjson.Decode(text)
}

// All validation is done with these options, because kin-openapi otherwise writes the whole value into the error of
// each alternative that does not fit, at each level of the document: the cost is the square of the depth, and the text
// may hold a password.
var plainErrors = openapi3.DisableSchemaErrorDetails()

// A handler must see what was sent (no defaults filled in, above all in a patch) and what was validated (not a second
// reading of it). Of a body of the usual size all errors are reported, of a larger one the first, because a megabyte
// can be wrong in a hundred thousand ways.
var (
	firstError = openapi3filter.Options{
		SkipSettingDefaults:     true,
		KeepValidatedValue:      true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{plainErrors},
	}
	allErrors = openapi3filter.Options{
		SkipSettingDefaults:     true,
		KeepValidatedValue:      true,
		MultiError:              true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{plainErrors},
	}
)

const maxAllErrors = 16 << 10

// Validate checks a request's path parameters, which are decoded, its query string and its body. What the compiled
// checks do not accept is left to the interpreter, openapi3filter. Afterwards r.Body is what openapi3filter leaves,
// or has not been read. Validate returns *ValidationError, ErrCharset, or the errors of strictjson.Decode.
func (op *Operation) Validate(r *http.Request, params map[string]string) (Document, error) {
	if op.unchecked {
		return Document{}, nil
	}
	if err := op.checkContentType(r); err != nil {
		return Document{}, err
	}
	if op.checks == nil {
		return op.interpret(r, params)
	}

	if document, ok := op.checks.accept(r, params); ok {
		return document, nil
	}
	return op.decide(r, params)
}

// ValidateFor is Validate for a caller that refuses bodies by rules of its own, too, in its own words. If the compiled
// checks leave only the body undecided, and that is JSON, refuse gets it first, in the types of Document.Value. Its
// error is returned without asking the interpreter, which takes much longer. So refuse must return no error for a body
// that the caller would serve if it were accepted.
func (op *Operation) ValidateFor(
	r *http.Request, params map[string]string, refuse func(body any) error,
) (Document, error) {
	if op.checks == nil {
		return op.Validate(r, params)
	}
	if err := op.checkContentType(r); err != nil {
		return Document{}, err
	}

	if document, ok := op.checks.accept(r, params); ok {
		return document, nil
	}
	if body, ok := op.checks.undecidedBody(r, params); ok {
		if err := refuse(body); err != nil {
			op.observe(op.ID, false)
			return Document{}, err
		}
	}
	return op.decide(r, params)
}

// decide leaves a request that the checks left undecided to the interpreter.
func (op *Operation) decide(r *http.Request, params map[string]string) (Document, error) {
	document, err := op.interpret(r, params)
	op.observe(op.ID, err == nil)
	return document, err
}

func (op *Operation) interpret(r *http.Request, params map[string]string) (Document, error) {
	options := &firstError
	if r.ContentLength >= 0 && r.ContentLength <= maxAllErrors {
		options = &allErrors
	}
	err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: params,
		Route:      op.route,
		Options:    options,
	})
	if err != nil {
		return Document{}, invalid(err, r.Header.Get("Content-Type"))
	}

	if kept, ok := r.Body.(interface{ ValidatedValue() any }); ok {
		return Document{value: kept.ValidatedValue()}, nil
	}
	return Document{}, nil
}

// ReadAs decodes JSON text and checks it against a schema of the contract. It returns the errors that Validate returns.
func (c *Contract) ReadAs(schema, text string) (any, error) {
	value, err := strictjson.Decode([]byte(text))
	if err != nil {
		return nil, err
	}
	err = c.document.Components.Schemas[schema].Value.VisitJSON(value, openapi3.VisitAsRequest(), plainErrors)
	if err != nil {
		return nil, invalid(err, "")
	}
	return value, nil
}

// interpretResponse returns the errors that Validate returns for the body of a request. It allows a body that is
// JSON, but nested too deep to be decoded.
func interpretResponse(schema *openapi3.Schema, body []byte) error {
	value, err := strictjson.DecodeStored(body)
	if err != nil && schemacheck.Valid(body, maxAnswerDepth) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := schema.VisitJSON(value, openapi3.VisitAsResponse(), plainErrors); err != nil {
		return invalid(err, "")
	}
	return nil
}

// Unreadable returns the error of a body that could not be read to its end.
func (op *Operation) Unreadable(contentType string, cause error) error {
	return invalid(&openapi3filter.RequestError{RequestBody: op.body, Err: cause}, contentType)
}
