package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/strictyaml"
	"github.com/sallyport/sallyport/impl/platform/suggest"
)

// fileSettings collects the settings of a file by key. A key may be written as session.idle, or as idle in the section
// session.
type fileSettings struct {
	path     string
	values   map[string]any
	problems []error
}

// readFile returns the settings of a file by key, and all errors.
func readFile(path string) (map[string]any, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the operator configures the path
	if err != nil {
		return nil, fmt.Errorf("the configuration file: %w", err)
	}
	members, err := strictyaml.Unmarshal(content)
	if err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
		return nil, fmt.Errorf("the configuration file %s: %w", path, err)
	}

	f := fileSettings{path: path, values: map[string]any{}}
	f.addAll("", members)
	return f.values, errors.Join(f.problems...)
}

func (f *fileSettings) addAll(prefix string, members map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		f.add(prefix+name, members[name])
	}
}

func (f *fileSettings) add(key string, value any) {
	members, nested := section(value)
	i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Key == key })
	switch {
	case i >= 0:
		f.set(Settings[i], value)
	case nested && len(members) > 0:
		f.addAll(key+".", members)
	case !emptySection(key, value):
		f.addProblem(key, "unknown setting"+suggest.Hint(key, keys()))
	}
}

// keys returns the names of all settings.
func keys() []string {
	names := make([]string, len(Settings))
	for i, s := range Settings {
		names[i] = s.Key
	}
	return names
}

// section returns a value that is a mapping. Names of its members that YAML reads as numbers or others become texts.
func section(value any) (map[string]any, bool) {
	members, nested := value.(map[string]any)
	if others, ok := value.(map[any]any); ok {
		members, nested = map[string]any{}, true
		for name, member := range others {
			members[fmt.Sprint(name)] = member
		}
	}
	return members, nested
}

func (f *fileSettings) set(s Setting, value any) {
	_, twice := f.values[s.Key]
	_, nested := section(value)
	_, isText := value.(string)
	switch {
	case twice:
		f.addProblem(s.Key, "set twice")
	case s.Secret && !isText && value != nil: // YAML reads 01234567 as the octal number 342391
		f.addProblem(s.Key, "not a text; put the value in quotes")
	case nested:
		f.addProblem(s.Key, "not a section; the setting takes a single value")
	default:
		f.values[s.Key] = value
	}
}

func (f *fileSettings) addProblem(key, problem string) {
	f.problems = append(f.problems, fmt.Errorf("%s: %s (in %s)", key, problem, f.path))
}

// emptySection reports whether the key is that of a section, such as session, and the section is empty.
func emptySection(key string, value any) bool {
	members, nested := section(value)
	isSection := slices.ContainsFunc(Settings, func(s Setting) bool { return strings.HasPrefix(s.Key, key+".") })
	return isSection && (value == nil || nested && len(members) == 0)
}
