package roledescriptor

import (
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// section is the name of a part of a descriptor in messages, such as "role [x]".
type section string

// fail returns fault.ParseFailed with the section's name in front of the message.
func (s section) fail(format string, values ...any) error {
	return parseError("failed to parse %s. "+format, append([]any{s}, values...)...)
}

// aliases maps alternative names of members to their main names. Elasticsearch takes the last of both, but decoded
// objects have no order, so both together are refused.
var aliases = map[string]string{"index": "indices", "application": "applications"}

// readObject passes each member to its reader. It does so in the order of the names, so that an object with several
// errors always yields the same one. A member without a reader is refused.
func (s section) readObject(value any, readers map[string]func(any) error) error {
	members, ok := value.(map[string]any)
	if !ok {
		return s.fail("expected an object but found [%s] instead", xcontent.Token(value))
	}
	for _, name := range xcontent.Names(members) {
		read, known := readers[name]
		if !known {
			return s.fail("unexpected field [%s]", name)
		}
		if _, twice := members[aliases[name]]; twice && readers[aliases[name]] != nil {
			return s.fail("[%s] and [%s] are one field", aliases[name], name)
		}
		if err := read(members[name]); err != nil {
			return err
		}
	}
	return nil
}

// readArray passes each element to the reader.
func (s section) readArray(value any, read func(any) error) error {
	elements, ok := value.([]any)
	if !ok {
		return s.fail("expected an array but found [%s] instead", xcontent.Token(value))
	}
	for _, element := range elements {
		if err := read(element); err != nil {
			return err
		}
	}
	return nil
}

// requireElements refuses an array that is missing (nil) or empty.
func (s section) requireElements(field string, elements []string) error {
	if elements == nil {
		return s.fail("missing required [%s] field", field)
	}
	if len(elements) == 0 {
		return s.fail("[%s] cannot be an empty array", field)
	}
	return nil
}

// read returns a reader of a value of one type, which kind names in messages.
func read[T any](s section, field, kind string, target *T) func(any) error {
	return func(value any) error {
		typed, ok := value.(T)
		if !ok {
			return s.fail("expected [%s] to be %s but found [%s] instead", field, kind, xcontent.Token(value))
		}
		*target = typed
		return nil
	}
}

// readFreeObject returns a reader of an object with any content. It leaves the target unset for an empty one.
func (s section) readFreeObject(field string, target *map[string]any) func(any) error {
	return func(value any) error {
		var members map[string]any
		err := read(s, field, "an object", &members)(value)
		if len(members) > 0 {
			*target = members
		}
		return err
	}
}

// readStrings returns a reader of an array of strings. An empty array is not nil.
func readStrings(field string, target *[]string) func(any) error {
	return func(value any) error {
		elements, ok := value.([]any)
		if !ok {
			return notStringsError(field, value)
		}
		read := make([]string, 0, len(elements))
		for _, element := range elements {
			text, ok := element.(string)
			if !ok {
				return notStringsError(field, element)
			}
			read = append(read, text)
		}
		*target = read
		return nil
	}
}

func notStringsError(field string, value any) error {
	found := "[" + xcontent.Token(value) + "]"
	if value == nil {
		found = "null"
	}
	return parseError("could not parse [%s] field. expected a string array but found %s value instead", field, found)
}

// readStringOrStrings is readStrings that also accepts a single string, as an array of one.
func readStringOrStrings(field string, target *[]string) func(any) error {
	return func(value any) error {
		if text, ok := value.(string); ok {
			*target = []string{text}
			return nil
		}
		return readStrings(field, target)(value)
	}
}

// readOptionalStrings is readStrings that also accepts null. An empty array is nil.
func readOptionalStrings(field string, target *[]string) func(any) error {
	return func(value any) error {
		if value == nil {
			return nil
		}
		err := readStrings(field, target)(value)
		if len(*target) == 0 {
			*target = nil
		}
		return err
	}
}
