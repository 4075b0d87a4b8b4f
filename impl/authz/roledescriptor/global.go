package roledescriptor

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// conditions names the content of global in messages.
var conditions = section{part: "privilege"}

// readGlobal reads conditional cluster privileges. It checks their structure, and keeps the object as it is unless all
// categories are empty.
func readGlobal(target *map[string]any, options Options) func(any) error {
	return func(value any) error {
		categories := map[string]func(any) error{
			"application": readSingleMember("manage", readRequiredStrings("applications")),
			"profile":     readSingleMember("write", readRequiredStrings("applications")),
			"role":        readSingleMember("manage", readManagedRoles),
		}
		if options.AllowDataSources {
			categories["data_source"] = readDataSources
		}
		if err := readConditionalObject(value, categories); err != nil {
			return err
		}
		if members, _ := value.(map[string]any); len(filledMembers(members)) > 0 {
			*target = maps.Clone(members)
		}
		return nil
	}
}

// ProfileApplications returns the patterns of applications of which the global privilege to write user profiles is.
func (d Descriptor) ProfileApplications() []string {
	category, _ := d.Global["profile"].(map[string]any)
	write, _ := category["write"].(map[string]any)
	elements, _ := write["applications"].([]any)
	var patterns []string
	for _, element := range elements {
		if pattern, ok := element.(string); ok {
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}

// filledMembers returns a copy of an object without its empty members; nil if none is left.
func filledMembers(members map[string]any) map[string]any {
	var filled map[string]any
	for name, content := range members {
		if isEmpty(content) {
			continue
		}
		if filled == nil {
			filled = map[string]any{}
		}
		filled[name] = content
	}
	return filled
}

func isEmpty(value any) bool {
	switch content := value.(type) {
	case map[string]any:
		return len(content) == 0
	case []any:
		return len(content) == 0
	}
	return false
}

// readConditionalObject is section.readObject with Elasticsearch's message in global for a value that is no object.
func readConditionalObject(value any, readers map[string]func(any) error) error {
	if _, ok := value.(map[string]any); !ok {
		return conditions.fail("expected [START_OBJECT] but found [%s] instead", xcontent.Token(value))
	}
	return conditions.readObject(value, readers)
}

// readConditionalArray is section.readArray with Elasticsearch's message in global for a value that is no array.
func readConditionalArray(value any, read func(any) error) error {
	if _, ok := value.([]any); !ok {
		return conditions.fail("expected [START_ARRAY] but found [%s] instead", xcontent.Token(value))
	}
	return conditions.readArray("", value, read)
}

// readSingleMember returns a reader of an object that may have one member only.
func readSingleMember(name string, read func(any) error) func(any) error {
	return func(value any) error {
		return readConditionalObject(value, map[string]func(any) error{name: read})
	}
}

// readRequiredStrings returns a reader of an object that must have exactly one member, an array of strings.
func readRequiredStrings(name string) func(any) error {
	return func(value any) error {
		var elements []string
		if err := readSingleMember(name, conditions.readStrings(name, &elements))(value); err != nil {
			return err
		}
		return requirePresent(name, elements)
	}
}

// requirePresent refuses a missing (nil) array.
func requirePresent(field string, elements []string) error {
	if elements == nil {
		return conditions.fail("missing required [%s] field", field)
	}
	return nil
}

func readManagedRoles(value any) error {
	members, _ := value.(map[string]any)
	err := readSingleMember("indices", func(value any) error {
		return readConditionalArray(value, func(element any) error {
			_, err := readGroup(element)
			return err
		})
	})(value)
	if err == nil && members["indices"] == nil {
		return conditions.fail("missing required [indices] field")
	}
	return err
}

// dataSourcePrivileges lists the privileges that exist on data sources.
var dataSourcePrivileges = []string{"create", "delete", "read_metadata", "read", "manage"}

func readDataSources(value any) error {
	return readConditionalArray(value, func(element any) error {
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

// readGroup reads an object of names and privileges, and returns the privileges.
func readGroup(value any) ([]string, error) {
	var names, privileges []string
	err := readConditionalObject(value, map[string]func(any) error{
		"names":      conditions.readStrings("names", &names),
		"privileges": conditions.readStrings("privileges", &privileges),
	})
	if err != nil {
		return nil, err
	}
	if err := requirePresent("names", names); err != nil {
		return nil, err
	}
	return privileges, requirePresent("privileges", privileges)
}
