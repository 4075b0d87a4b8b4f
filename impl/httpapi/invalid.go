package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// invalid says in our words, and without a value from the request, what the validator found.
func invalid(err error, contentType string) error {
	var tooLarge *http.MaxBytesError
	var syntax *strictjson.SyntaxError
	var twice *strictjson.DuplicateError
	var deep *strictjson.DepthError
	switch {
	case errors.As(err, &tooLarge):
		return bodyTooLarge()
	case errors.Is(err, errCharset):
		return fault.New(fault.WrongMediaType, "the body's content type must be application/json in UTF-8", "Content-Type")
	case errors.As(err, &syntax):
		return fault.New(fault.InvalidJSON, "the body is not one JSON value: "+syntax.Error(), "body")
	case errors.As(err, &twice):
		field := clip(twice.Path)
		return fault.New(fault.InvalidJSON, field+": this member occurs twice", field)
	case errors.As(err, &deep):
		field := cmp.Or(clip(deep.Path), "body")
		return fault.New(fault.InvalidData, field+": "+deep.Error(), field)
	}
	var p problems
	p.collect(err, contentType)
	return p.fault()
}

// problem is one thing that is wrong with a request.
type problem struct {
	field, text string
	// steps lead to a member of the body that is wrong; without any it is the body itself.
	steps []string
	// parameter problems are those of a parameter.
	parameter bool
}

type problems struct {
	list      []problem
	mediaType *fault.Error
}

func (p *problems) fault() error {
	if p.mediaType != nil {
		return p.mediaType
	}
	slices.SortFunc(p.list, compareProblems)
	p.list = slices.CompactFunc(p.list, func(a, b problem) bool { return compareProblems(a, b) == 0 })
	p.list = p.list[:min(len(p.list), maxProblems)]
	var texts, fields []string
	for _, each := range p.list {
		texts = append(texts, each.field+": "+each.text)
		fields = append(fields, each.field)
	}
	return fault.New(fault.InvalidData, strings.Join(texts, "; "), slices.Compact(fields)...)
}

func compareProblems(a, b problem) int {
	return cmp.Or(strings.Compare(a.field, b.field), strings.Compare(a.text, b.text))
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
		p.schema(e, nil)
	default:
		p.list = append(p.list, problem{field: "body", text: "this cannot be read"})
	}
}

func (p *problems) request(e *openapi3filter.RequestError, contentType string) {
	switch {
	case e.Parameter != nil:
		p.list = append(p.list, problem{field: e.Parameter.Name, text: "this value does not fit the " + e.Parameter.In + " parameter", parameter: true})
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		p.list = append(p.list, problem{field: "body", text: "a body is required"})
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

// schema collects what a schema error says; the prefix is where the value stands that the error's path begins at. For a
// choice of schemas it says what is wrong with the alternative that the value came closest to.
func (p *problems) schema(e *openapi3.SchemaError, prefix []string) {
	path := slices.Concat(prefix, e.JSONPointer())
	switch e.SchemaField {
	case "oneOf":
		if closest := closest(e.Origin); len(closest) > 0 {
			for _, each := range closest {
				p.schema(each, path)
			}
			return
		}
	case "properties":
		p.add(append(path, unknownMember(e)), "this member is not known here")
		return
	}
	p.add(path, explain(e))
}

// Bounds of what an answer repeats of a request's own names.
const (
	maxProblems = 10
	maxField    = 128
)

func (p *problems) add(path []string, text string) {
	field := clip(strings.Join(path, "."))
	if field == "" {
		field = "body"
	}
	p.list = append(p.list, problem{field: field, text: text, steps: path})
}

func clip(field string) string { return clipTo(field, maxField) }

// clipTo cuts a text that is longer than so many bytes.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// closest returns the errors of alternatives that failed deeper than by their own JSON type.
func closest(err error) []*openapi3.SchemaError {
	var found []*openapi3.SchemaError
	var alternatives openapi3.MultiError
	errors.As(err, &alternatives)
	for _, each := range flatten(alternatives) {
		if each.SchemaField != "type" || len(each.JSONPointer()) > 0 {
			found = append(found, each)
		}
	}
	return found
}

func flatten(err error) []*openapi3.SchemaError {
	switch e := err.(type) { //nolint:errorlint // kin-openapi nests them bare
	case *openapi3.SchemaError:
		return []*openapi3.SchemaError{e}
	case openapi3.MultiError:
		var flat []*openapi3.SchemaError
		for _, each := range e {
			flat = append(flat, flatten(each)...)
		}
		return flat
	}
	return nil
}

// unknownMember reads the member's name off the validator's text: the error has it nowhere else.
func unknownMember(e *openapi3.SchemaError) string {
	quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(e.Reason, "property "))
	if err != nil {
		return ""
	}
	name, _ := strconv.Unquote(quoted)
	return name
}

// explain never uses the validator's own text, which quotes values: a value may be a password.
func explain(e *openapi3.SchemaError) string {
	switch e.SchemaField {
	case "required":
		return "this member is required"
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
	case "maxItems":
		return fmt.Sprintf("this must have at most %d elements", *e.Schema.MaxItems)
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
