// Package xcontent reads decoded JSON by the rules of Elasticsearch's object parsers, and words refusals as they do: the
// same types, the same texts, the same nesting. It reads what strictjson.Decode returns.
package xcontent

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/fault"
)

// Field reads the value of one member. It returns errUnsupported for a value of a JSON type that it does not take, and a
// *fault.Error for one that is wrong otherwise.
type Field func(value any) error

// Parser is one of Elasticsearch's object parsers, by the name that its messages give.
type Parser struct {
	Name   string
	Fields map[string]Field
	// Required are the members that must be there.
	Required []string
}

// Read hands each member of an object to its field, in the order of their names, so that of several failures always the
// same is reported. It returns fault.XContentParseFailed, and fault.IllegalArgument for a required member that is missing.
// The failure's Fields name the member at fault; for the object itself they are one empty name.
func (p Parser) Read(value any) error {
	members, ok := value.(map[string]any)
	if !ok {
		return fail([]string{""}, "[%s] Expected START_OBJECT but was: %s", p.Name, Token(value))
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		field, known := p.Fields[name]
		if !known {
			return fail([]string{name}, "[%s] unknown field [%s]%s", p.Name, name, hint(name, slices.Sorted(maps.Keys(p.Fields))))
		}
		if err := p.read(field, name, members[name]); err != nil {
			return err
		}
	}
	for _, name := range p.Required {
		if _, given := members[name]; !given {
			return fault.New(fault.IllegalArgument, "Required ["+name+"]", name)
		}
	}
	return nil
}

func (p Parser) read(field Field, name string, value any) error {
	err := field(value)
	if err == errUnsupported { //nolint:errorlint // fields return it bare
		return fail([]string{name}, "[%s] %s doesn't support values of type: %s", p.Name, name, Token(value))
	}
	return Within(p.Name, name, err)
}

// Within wraps the failure of a field as the parser that has the field does. It returns nil for nil, and an error that is
// no *fault.Error as it is.
func Within(parser, field string, err error) error {
	cause, ok := err.(*fault.Error) //nolint:errorlint // only bare ones are a parser's own
	if !ok {
		return err
	}
	wrapper := fail([]string{field}, "[%s] failed to parse field [%s]", parser, field)
	wrapper.CausedBy = cause
	return wrapper
}

func fail(fields []string, format string, values ...any) *fault.Error {
	return fault.New(fault.XContentParseFailed, fmt.Sprintf(format, values...), fields...)
}

// Token is Elasticsearch's name for the first token of a JSON value.
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
