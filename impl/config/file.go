package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// fileSettings collects the settings of a file by key. A key may be written as session.idle, or as idle in the section session.
type fileSettings struct {
	path     string
	values   map[string]any
	problems []error
}

// readFile returns the settings of a file by key, and all errors.
func readFile(path string) (map[string]any, error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("the configuration file %s: %s", path, hideQuotes(err))
	}
	f := fileSettings{path: path, values: map[string]any{}}
	f.addAll("", k.Raw())
	return f.values, errors.Join(f.problems...)
}

func (f *fileSettings) addAll(prefix string, members map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		f.add(prefix+name, members[name])
	}
}

func (f *fileSettings) add(key string, value any) {
	members, nested := value.(map[string]any)
	i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Key == key })
	switch {
	case i >= 0:
		f.set(Settings[i], value)
	case nested && len(members) > 0:
		f.addAll(key+".", members)
	case !emptySection(key, value):
		f.addProblem(key, "unknown setting")
	}
}

func (f *fileSettings) set(s Setting, value any) {
	_, twice := f.values[s.Key]
	_, nested := value.(map[string]any)
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
	members, nested := value.(map[string]any)
	isSection := slices.ContainsFunc(Settings, func(s Setting) bool { return strings.HasPrefix(s.Key, key+".") })
	return isSection && (value == nil || nested && len(members) == 0)
}

var goQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// hideQuotes returns the text of an error without the YAML parser's quotations from the file, which may contain a secret.
func hideQuotes(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return err.Error()
	}

	text := goQuoted.ReplaceAllString(err.Error(), "(hidden)")
	if i := strings.IndexAny(text, "`'{"); i >= 0 {
		text = strings.TrimRight(text[:i], " ") + " (hidden)"
	}
	return text
}
