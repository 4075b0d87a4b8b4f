package roledescriptor

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// conditions is what messages call the content of global.
const conditions section = "privilege"

// readGlobal checks that an object has the shape of conditional cluster privileges, and keeps it as it is, but for
// categories without content.
func readGlobal(target *map[string]any) func(any) error {
	return func(value any) error {
		if err := conditional(value, map[string]func(any) error{
			"application": only("manage", required("applications")),
			"profile":     only("write", required("applications")),
			"role":        only("manage", readManagedRoles),
			"data_source": readDataSources,
		}); err != nil {
			return err
		}
		*target = filledCategories(value)
		return nil
	}
}

// filledCategories returns a copy of an object without its empty members; nil if nothing is left.
func filledCategories(value any) map[string]any {
	members, _ := value.(map[string]any)
	var filled map[string]any
	for name, content := range members {
		if empty(content) {
			continue
		}
		if filled == nil {
			filled = map[string]any{}
		}
		filled[name] = content
	}
	return filled
}

func empty(value any) bool {
	switch content := value.(type) {
	case map[string]any:
		return len(content) == 0
	case []any:
		return len(content) == 0
	}
	return false
}

// conditional is section.object with global's own message for what is no object.
func conditional(value any, readers map[string]func(any) error) error {
	if _, ok := value.(map[string]any); !ok {
		return conditions.fail("expected [START_OBJECT] but found [%s] instead", xcontent.Token(value))
	}
	return conditions.object(value, readers)
}

// only reads an object that may have one member.
func only(name string, read func(any) error) func(any) error {
	return func(value any) error {
		return conditional(value, map[string]func(any) error{name: read})
	}
}

// required reads an object that must have one member, an array of strings.
func required(name string) func(any) error {
	return func(value any) error {
		var elements []string
		if err := only(name, texts(name, &elements))(value); err != nil {
			return err
		}
		return given(name, elements)
	}
}

func given(field string, elements []string) error {
	if elements == nil {
		return conditions.fail("missing required [%s] field", field)
	}
	return nil
}

func readManagedRoles(value any) error {
	members, _ := value.(map[string]any)
	err := only("indices", func(value any) error {
		return conditions.array(value, func(element any) error {
			_, err := readGroup(element)
			return err
		})
	})(value)
	if err == nil && members["indices"] == nil {
		return conditions.fail("missing required [indices] field")
	}
	return err
}

// dataSourcePrivileges are all that one may have with data sources.
var dataSourcePrivileges = []string{"create", "delete", "read_metadata", "read", "manage"}

func readDataSources(value any) error {
	return conditions.array(value, func(element any) error {
		privileges, err := readGroup(element)
		if err != nil {
			return err
		}
		for _, name := range privileges {
			if !slices.Contains(dataSourcePrivileges, name) {
				return conditions.fail("[%s] are the only values allowed for [privileges] within [data_source]. Found [%s]",
					strings.Join(dataSourcePrivileges, ", "), strings.Join(privileges, ", "))
			}
		}
		return nil
	})
}

// readGroup reads names with privileges, and returns the privileges.
func readGroup(value any) ([]string, error) {
	var names, privileges []string
	err := conditional(value, map[string]func(any) error{
		"names":      texts("names", &names),
		"privileges": texts("privileges", &privileges),
	})
	if err != nil {
		return nil, err
	}
	if err := given("names", names); err != nil {
		return nil, err
	}
	return privileges, given("privileges", privileges)
}
