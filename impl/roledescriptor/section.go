package roledescriptor

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// section is a part of a descriptor, by the name that messages give it, such as "role [x]".
type section string

func (s section) fail(format string, values ...any) error {
	return parseError("failed to parse %s. "+format, append([]any{s}, values...)...)
}

// aliases are second names of members. Elasticsearch takes whichever comes last; what comes last is not known here, and
// nobody means to send both, so both together are refused.
var aliases = map[string]string{"index": "indices", "application": "applications"}

// object hands each member to its reader, in the order of the names so that of several failures always the same is
// reported. A member without a reader is unexpected.
func (s section) object(value any, readers map[string]func(any) error) error {
	members, ok := value.(map[string]any)
	if !ok {
		return s.fail("expected an object but found [%s] instead", xcontent.Token(value))
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
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

// array hands over each element.
func (s section) array(value any, read func(any) error) error {
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

// filled refuses an array that is missing (nil) or empty.
func (s section) filled(field string, elements []string) error {
	if elements == nil {
		return s.fail("missing required [%s] field", field)
	}
	if len(elements) == 0 {
		return s.fail("[%s] cannot be an empty array", field)
	}
	return nil
}

// free reads an object of any content; an empty one is nil.
func (s section) free(field string, target *map[string]any) func(any) error {
	return func(value any) error {
		members, ok := value.(map[string]any)
		if !ok {
			return s.fail("expected [%s] to be an object but found [%s] instead", field, xcontent.Token(value))
		}
		if len(members) > 0 {
			*target = members
		}
		return nil
	}
}

func (s section) text(field string, target *string) func(any) error {
	return func(value any) error {
		text, ok := value.(string)
		if !ok {
			return s.fail("expected [%s] to be a string but found [%s] instead", field, xcontent.Token(value))
		}
		*target = text
		return nil
	}
}

func (s section) boolean(field string, target *bool) func(any) error {
	return func(value any) error {
		truth, ok := value.(bool)
		if !ok {
			return s.fail("expected [%s] to be a boolean but found [%s] instead", field, xcontent.Token(value))
		}
		*target = truth
		return nil
	}
}

// texts reads an array of strings; an empty one is not nil.
func texts(field string, target *[]string) func(any) error {
	return func(value any) error {
		elements, ok := value.([]any)
		if !ok {
			return notTexts(field, value)
		}
		read := make([]string, 0, len(elements))
		for _, element := range elements {
			text, ok := element.(string)
			if !ok {
				return notTexts(field, element)
			}
			read = append(read, text)
		}
		*target = read
		return nil
	}
}

func notTexts(field string, value any) error {
	found := "[" + xcontent.Token(value) + "]"
	if value == nil {
		found = "null"
	}
	return parseError("could not parse [%s] field. expected a string array but found %s value instead", field, found)
}

// textOrTexts also takes one string for an array of one.
func textOrTexts(field string, target *[]string) func(any) error {
	return func(value any) error {
		if text, ok := value.(string); ok {
			*target = []string{text}
			return nil
		}
		return texts(field, target)(value)
	}
}

// anyTexts also takes null for none, and makes none nil.
func anyTexts(field string, target *[]string) func(any) error {
	return func(value any) error {
		if value == nil {
			return nil
		}
		err := texts(field, target)(value)
		if len(*target) == 0 {
			*target = nil
		}
		return err
	}
}
