package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// noticeName matches the names of files with a licence, or with what a licence requires to be passed on.
var noticeName = regexp.MustCompile(`(?i)^((.+[-_.])?(licen[cs]es?|copying|copyright)|notice|patents)([-_.].*)?$`)

// licenceName matches those of them that must have the text of a licence.
var licenceName = regexp.MustCompile(`(?i)(licen[cs]e|copying|copyright)`)

// collection matches the names of files that have the licences of several components, also of those that no program
// contains. They are passed on, and are no licence of the component itself.
var collection = regexp.MustCompile(`(?i)(3rd|third)[-_]?party`)

// logo ends the name of a licence of pictures, of which the program contains none.
const logo = "-LOGO"

// licences are the kinds that may be in an artefact, each with a phrase of its text. The first that is found counts.
var licences = []struct{ kind, phrase string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"BSD-3-Clause", "neither the name of"},
	{"BSD-3-Clause", "the names of its contributors may not be used"},
	{"BSD-3-Clause", "names of the contributors may be used"},
	{"BSD-2-Clause", "redistributions in binary form must reproduce"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose"},
	{"CC0-1.0", "cc0 1.0 universal"},
	{"public domain", "dedicated to the public domain"},
	{"public domain", "the author disclaims copyright to this source code"},
}

// mozilla begins the text of the Mozilla Public License 2.0, which names others that are forbidden. It asks to say
// where the source code is.
const mozilla = "mozilla public license version 2.0"

// forbidden are phrases of licences under which an artefact could not be distributed as it is. They are looked for
// first: a text may offer or quote a second licence.
var forbidden = []string{
	"gnu general public license", "gnu affero general public license", "gnu lesser general public license",
	"server side public license", "business source license", "elastic license",
	"commons clause",
}

// blanks are white space and what frames the lines of a comment.
var blanks = regexp.MustCompile(`[\s*/#]+`)

// classify returns the kind of a licence's text, or an error if it is not one of those that are allowed.
func classify(text string) (string, error) {
	text = strings.ReplaceAll(strings.ToLower(blanks.ReplaceAllString(text, " ")), "license, version", "license version")
	if strings.HasPrefix(text, mozilla) || strings.HasPrefix(text, "copyright") && strings.Contains(text, mozilla) {
		return "MPL-2.0", nil
	}
	for _, phrase := range forbidden {
		if strings.Contains(text, phrase) {
			return "", fmt.Errorf("its text has %q", phrase)
		}
	}
	for _, licence := range licences {
		if strings.Contains(text, licence.phrase) {
			return licence.kind, nil
		}
	}
	return "", errors.New("its kind is unknown")
}

// notice is a file that must accompany what is distributed.
type notice struct{ name, text string }

// component is a part of an artefact that others have made.
type component struct {
	name, version string
	kinds         []string
	notices       []notice
}

// newComponent reads the notices in folders. It returns an error if there is no licence, or one that is not allowed.
func newComponent(name, version string, folders []string) (component, error) {
	c := component{name: name, version: version}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return c, err
		}
		for _, entry := range entries {
			path := filepath.Join(folder, entry.Name())
			if entry.IsDir() || !noticeName.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" ||
				strings.HasSuffix(entry.Name(), logo) {
				continue
			}
			if err := c.add(path); err != nil {
				return c, fmt.Errorf("%s %s: %s: %w", name, version, entry.Name(), err)
			}
		}
	}
	if len(c.kinds) == 0 {
		return c, fmt.Errorf("%s %s: it has no file with a licence", name, version)
	}
	return c, nil
}

func (c *component) add(path string) error {
	data, err := os.ReadFile(path) //nolint:gosec // it is in a folder of a module
	if err != nil {
		return err
	}
	text := strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
	if name := filepath.Base(path); licenceName.MatchString(name) && !collection.MatchString(name) {
		kind, err := classify(text)
		if err != nil {
			return err
		}
		if !slices.Contains(c.kinds, kind) {
			c.kinds = append(c.kinds, kind)
		}
	}
	c.notices = append(c.notices, notice{filepath.Base(path), text})
	return nil
}
