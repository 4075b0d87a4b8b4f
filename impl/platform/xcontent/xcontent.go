// Package xcontent reads decoded JSON, as returned by strictjson.Decode, by the rules of Elasticsearch's object
// parsers. Its errors have the same types, texts and nesting as Elasticsearch's.
package xcontent

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/fault"
)

// Field reads the value of a member into a target. It returns ErrUnsupported for a value of an unsupported JSON type,
// and a *fault.Error for a value that is invalid for another reason.
type Field func(value any) error

// Raw is a valid value that is not decoded. Only fields that are documented to take it do.
type Raw interface {
	// Text is the value's JSON.
	Text() []byte
	// Decode returns the value as strictjson.Decode does.
	Decode() any
	// Strings returns the elements of an array of strings, and false for any other value.
	Strings() ([]string, bool)
}

// Parser corresponds to one of Elasticsearch's object parsers.
type Parser struct {
	// Name is the parser's name in Elasticsearch's messages.
	Name   string
	Fields map[string]Field
	// Required are the names of the members that must be present.
	Required []string
}

// Read passes each member of an object to its field, sorted by name, so that of several errors always the same one is
// returned. It returns fault.FieldInvalid, or fault.InvalidData for a missing required member. The error's Fields
// hold the name of the member, or one empty name if the value is not an object.
func (p Parser) Read(value any) error {
	members, ok := value.(map[string]any)
	if !ok {
		return fail([]string{""}, "[%s] Expected START_OBJECT but was: %s", p.Name, Token(value))
	}

	for _, name := range Names(members) {
		field, known := p.Fields[name]
		if !known {
			return fail([]string{name}, "[%s] unknown field [%s]%s", p.Name, name,
				hint(name, Names(p.Fields)))
		}

		if err := p.readField(field, name, members[name]); err != nil {
			return err
		}
	}

	for _, name := range p.Required {
		if _, given := members[name]; !given {
			return fault.New(fault.InvalidData, "Required ["+name+"]", name)
		}
	}
	return nil
}

// Names returns the names of members in order.
func Names[T any](members map[string]T) []string {
	names := slices.AppendSeq(make([]string, 0, len(members)), maps.Keys(members))
	slices.Sort(names)
	return names
}

func (p Parser) readField(field Field, name string, value any) error {
	err := field(value)
	if err == ErrUnsupported { //nolint:errorlint // fields return it bare
		return fail([]string{name}, "[%s] %s doesn't support values of type: %s", p.Name, name, Token(value))
	}
	return Within(p.Name, name, err)
}

// Within wraps the error of a field in the error of the field's parser. It returns nil for nil, and an error that is
// not a *fault.Error unchanged.
func Within(parser, field string, err error) error {
	cause, ok := err.(*fault.Error) //nolint:errorlint // parsers return their errors bare
	if !ok {
		return err
	}

	wrapper := fail([]string{field}, "[%s] failed to parse field [%s]", parser, field)
	wrapper.CausedBy = cause
	return wrapper
}

func fail(fields []string, format string, values ...any) *fault.Error {
	return fault.New(fault.FieldInvalid, fmt.Sprintf(format, values...), fields...)
}

// Token returns Elasticsearch's name for the first token of a JSON value.
func Token(value any) string {
	switch value.(type) {
	case nil:
		return "VALUE_NULL"
	case bool:
		return "VALUE_BOOLEAN"
	case string:
		return "VALUE_STRING"
	case json.Number, float64:
		return "VALUE_NUMBER"
	case []any:
		return "START_ARRAY"
	case map[string]any:
		return "START_OBJECT"
	}
	return "VALUE_EMBEDDED_OBJECT"
}
