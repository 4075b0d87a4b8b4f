package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// mit is the beginning of a licence's text.
const mit = "MIT License\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy"

func TestClassify(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		mit: "MIT",
		"  Apache License\n  Version 2.0, January 2004":                                    "Apache-2.0",
		"/*\n * Licensed under the Apache License, Version 2.0\n */":                       "Apache-2.0",
		"Mozilla Public License, version 2.0 … the GNU General Public License":             "MPL-2.0",
		"Redistributions in binary form must reproduce it. Neither the name of Google":     "BSD-3-Clause",
		"Redistributions in binary form must reproduce":                                    "BSD-2-Clause",
		"GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007":                               "",
		mit + ". As an alternative, the GNU Affero General\nPublic License may be chosen.": "",
		"Elastic License 2.0":          "",
		"All rights reserved.":         "",
		"Business Source\nLicense 1.1": "",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if kind, err := classify(text); kind != want || (err != nil) != (want == "") {
				t.Errorf("it is %q, %v; want %q", kind, err, want)
			}
		})
	}
}

func TestNewComponent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		kinds string
		err   string
	}{
		"licence":               {map[string]string{"LICENSE": mit}, "MIT", ""},
		"licence with a name":   {map[string]string{"LICENSE-SQLITE.md": mit}, "MIT", ""},
		"licence and notice":    {map[string]string{"License.txt": mit, "NOTICE": "Copyright Example"}, "MIT", ""},
		"none":                  {map[string]string{"README.md": mit, "license.go": mit}, "", "no file with a licence"},
		"notice only":           {map[string]string{"NOTICE": mit}, "", "no file with a licence"},
		"collection only":       {map[string]string{"LICENSE-3RD-PARTY.md": mit}, "", "no file with a licence"},
		"unknown":               {map[string]string{"COPYING": "Ask first."}, "", "COPYING: its kind is unknown"},
		"allowed and unknown":   {map[string]string{"LICENSE": mit, "LICENSE-DATA": "Ask first."}, "", "LICENSE-DATA: its kind"},
		"forbidden":             {map[string]string{"LICENSE": "GNU Lesser General Public License"}, "", `has "gnu lesser general`},
		"logo, not in programs": {map[string]string{"LICENSE": mit, "LICENSE-LOGO": "Ask first."}, "MIT", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for file, text := range test.files {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, err := newComponent("example.com/m", "v1.0.0", []string{folder})
			if test.err == "" && (err != nil || strings.Join(c.kinds, " ") != test.kinds) {
				t.Errorf("the kinds are %q (%v); want %q", c.kinds, err, test.kinds)
			}
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("the error is %v; want %q", err, test.err)
			}
		})
	}
}

// Ensures that all that the program contains, on any platform, has a licence that is allowed: Go, a module of each
// platform, one of the image alone, and embedded files.
func TestWrite(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if err := write(&text, root); err != nil {
		t.Fatal(err)
	}
	list, texts, _ := strings.Cut(text.String(), "\n"+strings.Repeat("=", 80)+"\n")
	for _, want := range []string{
		"\ngo ", "\ngithub.com/spf13/cobra v", "\ngithub.com/inconshreveable/mousetrap v",
		"\ngolang.org/x/crypto/x509roots/fallback v", "\nimpl/http/reference/static ",
		"\nimpl/http/console/static/vendor ",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("the list has no %q:\n%s", strings.TrimSpace(want), list)
		}
	}
	for line := range strings.Lines(list) {
		name, kinds, found := strings.Cut(strings.TrimSpace(line), ": ")
		if found && (kinds == "" || !strings.Contains(texts, "\n"+name+", ") && !strings.HasPrefix(texts, name+", ")) {
			t.Errorf("%s has no kind, or no text", name)
		}
	}
	if once := strings.Count(texts, "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"); once > 15 {
		t.Errorf("the text of one licence is there %d times", once)
	}
}
