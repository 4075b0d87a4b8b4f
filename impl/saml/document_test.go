package saml

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

// Ensures that the error of a file that cannot be parsed names the file, and has none of its content.
func TestLoad_Unreadable(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "this is empty",
		"# only a remark":                   "this is empty",
		"---\n":                             "this must have members of its own, such as realms",
		"realms:":                           "realms: there is none",
		"realms: []":                        "realms: there is none",
		"realms: {}":                        "realms: this must be a list",
		"realms: hunter2":                   "realms: this must be a list",
		"- hunter2":                         "this must have members of its own, such as realms",
		"realms: []\n---\nrealms: []":       "this must be one document",
		"realms: *hunter2":                  "unknown anchor",
		"realms: [hunter2":                  "line 1: did not find expected",
		"realms: `hunter2":                  "found character that cannot start any token",
		"realms: \"hunter2":                 "found unexpected end of stream",
		"realms: &a [*a]":                   "",
		"\xff":                              "",
		"realms: []\nrealms: []":            "realms: this is set twice",
		"? {hunter2: x}\n: y":               "there is no such setting",
		"realms:\n\thunter2: x":             "found character that cannot start any token",
		"realms: []\n<<: {realms: hunter2}": "<<: there is no such setting",
		"realms: !hunter2 []":               "realms: there is none",
		"realms:\n  - id: [hunter2]\n":      "realms[0].id: this is not text",
		"realms:\n  - name: x\n    signing: {key: \"-----BEGIN PRIVATE KEY-----hunter2\", certificate: \"hunter2\"}": "realms[0].signing.key: the file cannot be read: no such file",
	} {
		path := write(t, text)
		_, err := Load(path, endpoints)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	if _, err := Load(missing, endpoints); err == nil ||
		err.Error() != "the file of realms "+missing+": no such file or directory" {
		t.Errorf("no file: %v", err)
	}
}

// Ensures that no file makes the loader panic.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(complete))
	f.Add([]byte("realms:\n" + minimal))
	f.Add([]byte("realms: &a [*a, {<<: *a}, ? [] : {}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := strictyaml.Read(text, "realms")
		if err != nil {
			return
		}
		l := &loader{folder: filepath.Join("no", "such", "folder"), endpoints: endpoints, ids: map[string]bool{}}
		l.realms(document)
	})
}
