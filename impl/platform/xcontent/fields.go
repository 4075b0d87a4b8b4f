package xcontent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sallyport/sallyport/impl/fault"
)

// ErrUnsupported is the error of a Field for a value of a JSON type that it does not take.
var ErrUnsupported = errors.New("xcontent: the field does not take values of this type")

// Text returns a field for a string.
func Text(target *string) Field { return typed(target) }

// OptionalText returns a field for a string; the target stays nil if the member is absent.
func OptionalText(target **string) Field {
	return func(value any) error {
		var text string
		if err := Text(&text)(value); err != nil {
			return err
		}
		*target = &text
		return nil
	}
}

// Boolean returns a field for true or false, or one of the strings "true" and "false".
func Boolean(target *bool) Field {
	return func(value any) error {
		switch value {
		case true, "true":
			*target = true
		case false, "false":
			*target = false
		default:
			text, ok := value.(string)
			if !ok {
				return ErrUnsupported
			}
			return fault.New(fault.InvalidData, "Failed to parse value ["+text+"] as only [true] or [false] are allowed.")
		}
		return nil
	}
}

// Texts returns a field for an array of strings, or for a string that stands for an array of one. Numbers and booleans
// in the array are converted to strings. The value set is not nil. The field takes Raw.
func Texts(target *[]string) Field {
	return func(value any) error {
		if raw, ok := value.(Raw); ok {
			if texts, ok := raw.Strings(); ok {
				*target = texts
				return nil
			}
			value = raw.Decode()
		}
		switch value := value.(type) {
		case string:
			*target = []string{value}
			return nil
		case []any:
			return readTexts(value, target)
		}
		return ErrUnsupported
	}
}

// TextArray returns a field like Texts that does not take a single string.
func TextArray(target *[]string) Field {
	return func(value any) error {
		if _, one := value.(string); one {
			return ErrUnsupported
		}
		return Texts(target)(value)
	}
}

func readTexts(elements []any, target *[]string) error {
	texts := make([]string, 0, len(elements))
	for _, element := range elements {
		switch element := element.(type) {
		case string:
			texts = append(texts, element)
		case bool:
			texts = append(texts, strconv.FormatBool(element))
		case json.Number:
			texts = append(texts, element.String())
		default:
			return fault.New(fault.InvalidData, fmt.Sprintf("Can't get text on a %s", Token(element)))
		}
	}
	*target = texts
	return nil
}

// StringArray returns a field for an array of strings and nothing else, as parts of Elasticsearch read it without an
// object parser. The value set is not nil. Errors are fault.ParseFailed, and name the field.
func StringArray(name string, target *[]string) Field {
	refuse := func(found string) error {
		text := "could not parse [" + name + "] field. expected a string array but " + found
		return fault.New(fault.ParseFailed, text, name)
	}
	return func(value any) error {
		if value == nil {
			return refuse("found null value instead")
		}
		elements, ok := value.([]any)
		if !ok {
			return refuse("found [" + Token(value) + "] value instead")
		}

		texts := make([]string, 0, len(elements))
		for _, element := range elements {
			text, ok := element.(string)
			if !ok {
				return refuse("one of the value in the array is [" + Token(element) + "]")
			}
			texts = append(texts, text)
		}
		*target = texts
		return nil
	}
}

// Object returns a field for an object of any content. The value set is not nil.
func Object(target *map[string]any) Field { return typed(target) }

// typed returns a field for values of one type.
func typed[T any](target *T) Field {
	return func(value any) error {
		read, ok := value.(T)
		if !ok {
			return ErrUnsupported
		}
		*target = read
		return nil
	}
}

// OrNull returns a field that ignores null and passes other values to field.
func OrNull(field Field) Field {
	return func(value any) error {
		if value == nil {
			return nil
		}
		return field(value)
	}
}

// Integer returns a field for a whole number that fits an int.
func Integer(target *int) Field {
	return func(value any) error {
		number, ok := value.(json.Number)
		if !ok {
			return ErrUnsupported
		}

		n, err := strconv.Atoi(number.String())
		if err != nil {
			return fault.New(fault.InvalidData, "["+number.String()+"] is not a whole number in range")
		}
		*target = n
		return nil
	}
}

// Array returns a field for an array. It passes each element to the element field.
func Array(element Field) Field {
	return func(value any) error {
		elements, ok := value.([]any)
		if !ok {
			return ErrUnsupported
		}

		for _, value := range elements {
			if err := element(value); err != nil {
				return err
			}
		}
		return nil
	}
}

// Nested returns a field for an object that the parser reads.
func Nested(parser Parser) Field {
	return func(value any) error {
		if _, ok := value.(map[string]any); !ok {
			return ErrUnsupported
		}
		return parser.Read(value)
	}
}
