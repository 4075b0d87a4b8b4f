package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/strictjson"
)

// invalid says in our words, and without a value from the request, what the validator found.
func invalid(err error, contentType string) error {
	var tooLarge *http.MaxBytesError
	var syntax *strictjson.SyntaxError
	var twice *strictjson.DuplicateError
	switch {
	case errors.As(err, &tooLarge):
		return bodyTooLarge()
	case errors.As(err, &syntax):
		return fault.New(fault.InvalidJSON, "the body is not a JSON value: "+syntax.Error(), "body")
	case errors.As(err, &twice):
		return fault.New(fault.InvalidJSON, twice.Path+": this member occurs twice", twice.Path)
	}
	var p problems
	p.collect(err, contentType)
	return p.fault()
}

// problem is one thing that is wrong with a request.
type problem struct{ field, text string }

type problems struct {
	list      []problem
	mediaType *fault.Error
}

func (p *problems) fault() error {
	if p.mediaType != nil {
		return p.mediaType
	}
	slices.SortFunc(p.list, func(a, b problem) int { return strings.Compare(a.field, b.field) })
	p.list = slices.Compact(p.list)
	var texts, fields []string
	for _, each := range p.list {
		texts = append(texts, each.field+": "+each.text)
		fields = append(fields, each.field)
	}
	return fault.New(fault.InvalidData, strings.Join(texts, "; "), slices.Compact(fields)...)
}

func (p *problems) collect(err error, contentType string) {
	switch e := err.(type) { //nolint:errorlint // kin-openapi nests them in this order
	case openapi3.MultiError:
		for _, each := range e {
			p.collect(each, contentType)
		}
	case *openapi3filter.RequestError:
		p.request(e, contentType)
	case *openapi3.SchemaError:
		p.schema(e, "")
	default:
		p.list = append(p.list, problem{"body", "this cannot be read"})
	}
}

func (p *problems) request(e *openapi3filter.RequestError, contentType string) {
	switch {
	case e.Parameter != nil:
		p.list = append(p.list, problem{e.Parameter.Name, "this value does not fit the " + e.Parameter.In + " parameter"})
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		p.list = append(p.list, problem{"body", "a body is required"})
	case e.RequestBody != nil && e.RequestBody.Content.Get(contentType) == nil:
		p.mediaType = fault.New(fault.WrongMediaType, "the body's content type must be "+mediaTypes(e.RequestBody), "Content-Type")
	default:
		p.collect(e.Err, contentType)
	}
}

func mediaTypes(body *openapi3.RequestBody) string {
	var names []string
	for name := range body.Content {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

// schema collects what a schema error says. For a choice of schemas it says what is wrong with the alternative that the
// value came closest to: the one of its own JSON type.
func (p *problems) schema(e *openapi3.SchemaError, prefix string) {
	field := strings.Join(e.JSONPointer(), ".")
	if prefix != "" && field != "" {
		field = prefix + "." + field
	} else if field == "" {
		field = prefix
	}
	var alternatives openapi3.MultiError
	if e.SchemaField == "oneOf" && errors.As(e.Origin, &alternatives) {
		if closest := closest(alternatives); len(closest) > 0 {
			for _, each := range closest {
				p.schema(each, field)
			}
			return
		}
	}
	if field == "" {
		field = "body"
	}
	p.list = append(p.list, problem{field, explain(e)})
}

// closest returns the errors of alternatives that failed deeper than by their own JSON type.
func closest(alternatives openapi3.MultiError) []*openapi3.SchemaError {
	var found []*openapi3.SchemaError
	for _, each := range flatten(alternatives) {
		if each.SchemaField != "type" || len(each.JSONPointer()) > 0 {
			found = append(found, each)
		}
	}
	return found
}

func flatten(errs openapi3.MultiError) []*openapi3.SchemaError {
	var flat []*openapi3.SchemaError
	for _, err := range errs {
		var nested openapi3.MultiError
		var schema *openapi3.SchemaError
		switch {
		case errors.As(err, &schema):
			flat = append(flat, schema)
		case errors.As(err, &nested):
			flat = append(flat, flatten(nested)...)
		}
	}
	return flat
}

// explain never uses the validator's own text, which quotes values: a value may be a password.
func explain(e *openapi3.SchemaError) string {
	switch e.SchemaField {
	case "required":
		return "this member is required"
	case "properties", "additionalProperties":
		return "this member is not known here"
	case "type":
		return "this must be " + typeName(e.Schema)
	case "nullable":
		return "this must not be null"
	case "oneOf":
		return "this must be one of: " + alternativeTypes(e.Schema)
	case "enum":
		return fmt.Sprintf("this must be one of %v", e.Schema.Enum)
	case "maxLength":
		return fmt.Sprintf("this must have at most %d characters", *e.Schema.MaxLength)
	case "minLength":
		return fmt.Sprintf("this must have at least %d characters", e.Schema.MinLength)
	}
	return "this does not satisfy the schema's " + e.SchemaField
}

func alternativeTypes(s *openapi3.Schema) string {
	var names []string
	for _, each := range s.OneOf {
		names = append(names, typeName(each.Value))
	}
	return strings.Join(names, ", ")
}

func typeName(s *openapi3.Schema) string {
	if s.Type == nil || len(*s.Type) == 0 {
		return "of another type"
	}
	switch name := (*s.Type)[0]; name {
	case openapi3.TypeArray, openapi3.TypeObject, openapi3.TypeInteger:
		return "an " + name
	case openapi3.TypeBoolean:
		return "true or false"
	default:
		return "a " + name
	}
}
