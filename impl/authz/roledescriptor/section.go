package roledescriptor

import (
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// section is a part of a role's descriptor in messages. The part is empty for the descriptor itself.
type section struct{ part, role string }

// String returns the name of the section in messages, such as "indices privileges for role [x]".
func (s section) String() string {
	switch {
	case s.role == "":
		return s.part
	case s.part == "":
		return "role [" + s.role + "]"
	}
	return s.part + " for role [" + s.role + "]"
}

// sibling returns another part of the same descriptor.
func (s section) sibling(part string) section { return section{part, s.role} }

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
func (s section) readArray(field string, value any, read func(any) error) error {
	elements, ok := value.([]any)
	if !ok {
		return s.fail("expected field [%s] value to be an array, but found [%s] instead", field, xcontent.Token(value))
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
			return s.fail("expected field [%s] value to be %s, but found [%s] instead", field, kind, xcontent.Token(value))
		}
		*target = typed
		return nil
	}
}

// readFreeObject returns a reader of an object with any content. It leaves the target unset for an empty one, and
// returns the error of fail for other values.
func readFreeObject(target *map[string]any, fail func(value any) error) func(any) error {
	return func(value any) error {
		members, ok := value.(map[string]any)
		if !ok {
			return fail(value)
		}
		if len(members) > 0 {
			*target = members
		}
		return nil
	}
}

// readStrings returns a reader of an array of strings. An empty array is not nil. The errors of a role's descriptor
// have the reason as their cause.
func (s section) readStrings(field string, target *[]string) func(any) error {
	array := xcontent.StringArray(field, target)
	return func(value any) error {
		cause, failed := array(value).(*fault.Error) //nolint:errorlint // fields return their errors bare
		if !failed {
			return nil
		}
		if s.role == "" {
			return cause
		}
		outer := parseError("failed to parse role [%s]", s.role)
		outer.CausedBy = cause
		return outer
	}
}

// readStringOrStrings is readStrings that also accepts a single string, as an array of one.
func (s section) readStringOrStrings(field string, target *[]string) func(any) error {
	array := s.readStrings(field, target)
	return func(value any) error {
		if text, ok := value.(string); ok {
			*target = []string{text}
			return nil
		}
		return array(value)
	}
}

// readNullableStrings is readStrings that also accepts null, like an array that is missing.
func (s section) readNullableStrings(field string, target *[]string) func(any) error {
	array := s.readStrings(field, target)
	return func(value any) error {
		if value == nil {
			return nil
		}
		return array(value)
	}
}

// readOptionalStrings is readNullableStrings for which an empty array is nil, too.
func (s section) readOptionalStrings(field string, target *[]string) func(any) error {
	array := s.readNullableStrings(field, target)
	return func(value any) error {
		err := array(value)
		if len(*target) == 0 {
			*target = nil
		}
		return err
	}
}
