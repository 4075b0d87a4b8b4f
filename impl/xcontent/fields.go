package xcontent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sallyport/sallyport/impl/fault"
)

var errUnsupported = errors.New("xcontent: the field does not take values of this type")

// Text reads a string.
func Text(target *string) Field {
	return func(value any) error {
		text, ok := value.(string)
		if !ok {
			return errUnsupported
		}
		*target = text
		return nil
	}
}

// OptionalText reads a string that is told apart from none.
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

// Boolean reads true or false, or one of their names in a string.
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
				return errUnsupported
			}
			return fault.New(fault.IllegalArgument, "Failed to parse value ["+text+"] as only [true] or [false] are allowed.")
		}
		return nil
	}
}

// Texts reads an array of strings, or one string for an array of one. In the array, numbers and booleans stand for their
// texts. The result is not nil.
func Texts(target *[]string) Field {
	return func(value any) error {
		switch value := value.(type) {
		case string:
			*target = []string{value}
			return nil
		case []any:
			return texts(value, target)
		}
		return errUnsupported
	}
}

// TextArray is Texts without the one string.
func TextArray(target *[]string) Field {
	return func(value any) error {
		if _, one := value.(string); one {
			return errUnsupported
		}
		return Texts(target)(value)
	}
}

func texts(elements []any, target *[]string) error {
	read := make([]string, 0, len(elements))
	for _, element := range elements {
		switch element := element.(type) {
		case string:
			read = append(read, element)
		case bool:
			read = append(read, strconv.FormatBool(element))
		case json.Number:
			read = append(read, element.String())
		default:
			return fault.New(fault.IllegalArgument, fmt.Sprintf("Can't get text on a %s", Token(element)))
		}
	}
	*target = read
	return nil
}

// Object reads an object as it is; the result is not nil.
func Object(target *map[string]any) Field {
	return func(value any) error {
		members, ok := value.(map[string]any)
		if !ok {
			return errUnsupported
		}
		*target = members
		return nil
	}
}

// OrNull also takes null, which changes nothing.
func OrNull(field Field) Field {
	return func(value any) error {
		if value == nil {
			return nil
		}
		return field(value)
	}
}

// Integer reads a whole number that fits an int.
func Integer(target *int) Field {
	return func(value any) error {
		number, ok := value.(json.Number)
		if !ok {
			return errUnsupported
		}
		n, err := strconv.Atoi(number.String())
		if err != nil {
			return fault.New(fault.IllegalArgument, "["+number.String()+"] is not a whole number in range")
		}
		*target = n
		return nil
	}
}

// Array reads an array, and each of its elements by itself.
func Array(element Field) Field {
	return func(value any) error {
		elements, ok := value.([]any)
		if !ok {
			return errUnsupported
		}
		for _, each := range elements {
			if err := element(each); err != nil {
				return err
			}
		}
		return nil
	}
}

// Nested reads an object by a parser of its own.
func Nested(parser Parser) Field {
	return func(value any) error {
		if _, ok := value.(map[string]any); !ok {
			return errUnsupported
		}
		return parser.Read(value)
	}
}
