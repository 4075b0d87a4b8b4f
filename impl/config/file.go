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

// fileSettings collects what a file sets, by key. A key may be written in one, session.idle, or as idle below session.
type fileSettings struct {
	path     string
	values   map[string]any
	problems []error
}

func readFile(path string) (map[string]any, error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("the configuration file %s: %s", path, unquoted(err))
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
		f.bad(key, "there is no such setting")
	}
}

func (f *fileSettings) set(s Setting, value any) {
	_, twice := f.values[s.Key]
	_, nested := value.(map[string]any)
	_, isText := value.(string)
	switch {
	case twice:
		f.bad(s.Key, "this is set twice")
	case s.Secret && !isText && value != nil: // YAML would make 342391 of 01234567
		f.bad(s.Key, "this is not text; put it in quotes")
	case nested:
		f.bad(s.Key, "this has no settings below it")
	default:
		f.values[s.Key] = value
	}
}

func (f *fileSettings) bad(key, problem string) {
	f.problems = append(f.problems, fmt.Errorf("%s: %s (in %s)", key, problem, f.path))
}

// emptySection tells whether the key is that of a section, such as session, of which all settings are left out.
func emptySection(key string, value any) bool {
	members, nested := value.(map[string]any)
	known := slices.ContainsFunc(Settings, func(s Setting) bool { return strings.HasPrefix(s.Key, key+".") })
	return known && (value == nil || nested && len(members) == 0)
}

var goQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// unquoted is the text of an error without what the YAML parser quotes of the file, because that may be a secret.
func unquoted(err error) string {
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
