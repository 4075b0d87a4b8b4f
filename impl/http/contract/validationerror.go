package contract

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// ValidationError is the error of a request that does not satisfy the contract. It quotes no value of the request.
type ValidationError struct {
	// Problems lists what is wrong, in no order.
	Problems []Problem
	// BodyMissing is set if a body is required and there is none.
	BodyMissing bool
	// MediaTypes lists the content types of the operation's body, sorted, if the request's body has another one.
	MediaTypes []string
}

// Problem is one violation of the contract.
type Problem struct {
	// Field is the path of a member of the body, "body", or the name of a parameter, of at most MaxField bytes.
	Field string
	// Text describes the problem.
	Text string
	// Steps lead to the member of the body; nil for the body itself.
	Steps []string
	// Parameter is set for problems of a parameter.
	Parameter bool
}

// Error implements error.
func (e *ValidationError) Error() string {
	return fmt.Sprintf("contract: invalid request: %v", e.Problems)
}

// Sorted returns the problems by field and text, without duplicates.
func (e *ValidationError) Sorted() []Problem {
	compare := func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Text, b.Text))
	}
	sorted := slices.SortedFunc(slices.Values(e.Problems), compare)
	return slices.CompactFunc(sorted, func(a, b Problem) bool { return compare(a, b) == 0 })
}

// MaxField bounds, in bytes, a name or value that a response quotes from its request.
const MaxField = 128

// Clip cuts a text to MaxField bytes.
func Clip(text string) string { return ClipTo(text, MaxField) }

// ClipTo cuts a text to a number of bytes, and marks the cut.
func ClipTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// invalid returns the errors of strictjson and ErrCharset as they are, and all others as *ValidationError.
func invalid(err error, contentType string) error {
	var (
		syntax *strictjson.SyntaxError
		twice  *strictjson.DuplicateError
		deep   *strictjson.DepthError
	)
	if errors.Is(err, ErrCharset) || errors.As(err, &syntax) || errors.As(err, &twice) || errors.As(err, &deep) {
		return err
	}
	e := &ValidationError{}
	e.collect(err, contentType)
	return e
}

func (e *ValidationError) collect(err error, contentType string) {
	switch found := err.(type) { //nolint:errorlint // kin-openapi nests them in this order
	case openapi3.MultiError:
		for _, each := range found {
			e.collect(each, contentType)
		}
	case *openapi3filter.RequestError:
		e.collectRequest(found, contentType)
	case *openapi3.SchemaError:
		e.collectSchema(found, nil)
	default:
		e.Problems = append(e.Problems, Problem{Field: "body", Text: "this cannot be read"})
	}
}

func (e *ValidationError) collectRequest(found *openapi3filter.RequestError, contentType string) {
	switch {
	case found.Parameter != nil:
		text := "this value does not fit the " + found.Parameter.In + " parameter"
		e.Problems = append(e.Problems, Problem{Field: found.Parameter.Name, Text: text, Parameter: true})
	case errors.Is(found.Err, openapi3filter.ErrInvalidRequired):
		e.BodyMissing = true
		e.Problems = append(e.Problems, Problem{Field: "body", Text: "a body is required"})
	case found.RequestBody != nil && found.RequestBody.Content.Get(contentType) == nil:
		for name := range found.RequestBody.Content {
			e.MediaTypes = append(e.MediaTypes, name)
		}
		slices.Sort(e.MediaTypes)
	default:
		e.collect(found.Err, contentType)
	}
}

// collectSchema collects what a schema error says; prefix is the path of the value that the error's path begins at. Of
// a choice of schemas it reports the problems of the alternative that the value came closest to.
func (e *ValidationError) collectSchema(found *openapi3.SchemaError, prefix []string) {
	path := slices.Concat(prefix, found.JSONPointer())
	switch found.SchemaField {
	case "oneOf":
		if closest := closest(found.Origin); len(closest) > 0 {
			for _, each := range closest {
				e.collectSchema(each, path)
			}
			return
		}
	case "properties":
		e.add(append(path, unknownMember(found)), "this is an unknown member")
		return
	}
	e.add(path, explain(found))
}

func (e *ValidationError) add(path []string, text string) {
	field := cmp.Or(Clip(strings.Join(path, ".")), "body")
	e.Problems = append(e.Problems, Problem{Field: field, Text: text, Steps: path})
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

// unknownMember reads the member's name from the validator's text: the error has it nowhere else.
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
