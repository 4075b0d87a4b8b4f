package ece

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// validate checks a request against the contract, and gives the generated code the validated value.
func validate(op *contract.Operation) echo.MiddlewareFunc {
	if op.Unchecked() {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}

	return edge.Before(func(c echo.Context) error {
		r := c.Request()
		params, err := edge.PathParams(c)
		if err != nil {
			return err
		}

		document, err := op.Validate(r, params)
		if err != nil {
			return refusal(err)
		}

		return prepareBody(r, document)
	})
}

// prepareBody leaves the body of a request in the form in which the generated code takes it.
func prepareBody(r *http.Request, document contract.Document) error {
	if isForm(r) {
		return readForm(r)
	}
	if body, ok := r.Body.(*contract.Body); ok && body.CanBind() {
		return nil
	}
	if value := document.Value(); value != nil {
		r.Body = validatedBody{value}
	}
	return nil
}

func isForm(r *http.Request) bool {
	mediaType, _, _ := strings.Cut(r.Header.Get(echo.HeaderContentType), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), echo.MIMEApplicationForm)
}

// readForm parses the form of a request. The generated code reads r.Form, which must not hold the query string too.
func readForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	if err := refuseRepeatedFields(r); err != nil {
		return err
	}
	r.Form = r.PostForm
	return nil
}

// serializer decodes bodies that a compiled check has accepted, for the generated code.
type serializer struct{ echo.DefaultJSONSerializer }

// Deserialize implements echo.JSONSerializer.
func (s serializer) Deserialize(c echo.Context, into any) error {
	if body, ok := c.Request().Body.(*contract.Body); ok && body.CanBind() {
		return body.Bind(into)
	}
	return s.DefaultJSONSerializer.Deserialize(c, into)
}

// validatedBody gives the generated code the validated value. If that does not fit its type, the generated code would
// decode the bytes again, leniently; so there are no bytes to read.
type validatedBody struct{ value any }

// ValidatedValue is the method that the generated code looks for.
func (b validatedBody) ValidatedValue() any { return b.value }

// Read implements io.Reader.
func (b validatedBody) Read([]byte) (int, error) {
	return 0, errors.New("ece: the validated body does not fit the generated type")
}

// Close implements io.Closer.
func (b validatedBody) Close() error { return nil }

// readPatch reads the body of a PATCH operation, which comes as an object or as a string that holds an object's text:
// some official clients declare them as strings. The object form was validated with the request; the text of the string
// form is decoded and validated here.
func (a *API) readPatch(body json.RawMessage, schema string) (any, error) {
	var text string
	if err := json.Unmarshal(body, &text); err != nil {
		return strictjson.Decode(body)
	}
	value, err := a.contract.ReadAs(schema, text)
	if err != nil {
		return nil, refusal(err)
	}
	return value, nil
}

// maxProblems bounds the number of problems that a refusal lists.
const maxProblems = 10

// refusal returns the fault of an error of the contract package. Its text quotes no value from the request.
func refusal(err error) error {
	var (
		invalid *contract.ValidationError
		syntax  *strictjson.SyntaxError
		twice   *strictjson.DuplicateError
		deep    *strictjson.DepthError
	)

	switch {
	case errors.Is(err, contract.ErrCharset):
		message := "the body must have one content type, in UTF-8"
		return fault.New(fault.WrongMediaType, message, echo.HeaderContentType)
	case errors.As(err, &syntax):
		return fault.New(fault.InvalidJSON, "the body is not one JSON value: "+syntax.Error(), "body")
	case errors.As(err, &twice):
		field := contract.Clip(twice.Path)
		return fault.New(fault.InvalidJSON, field+": this member occurs twice", field)
	case errors.As(err, &deep):
		field := cmp.Or(contract.Clip(deep.Path), "body")
		return fault.New(fault.InvalidData, field+": "+deep.Error(), field)
	case !errors.As(err, &invalid):
		return err
	case invalid.MediaTypes != nil:
		message := "the body's content type must be " + strings.Join(invalid.MediaTypes, " or ")
		return fault.New(fault.WrongMediaType, message, echo.HeaderContentType)
	}

	problems := invalid.Sorted()
	var texts, fields []string
	for _, each := range problems[:min(len(problems), maxProblems)] {
		texts = append(texts, each.Field+": "+each.Text)
		fields = append(fields, each.Field)
	}

	return fault.New(fault.InvalidData, strings.Join(texts, "; "), slices.Compact(fields)...)
}
