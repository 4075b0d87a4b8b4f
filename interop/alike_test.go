package interop

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// cloning is what the files of version 9 have alone: version 8 has no operation that clones keys.
var cloning = regexp.MustCompile(`(?m)^\t"[^"]*/cloneapikey"\n|` +
	`^\t\tcloneKey: +func\(body string\) answer \{(.*\},\n|\n.*\n\t\t\},\n)`)

// Ensures that the files for the two versions of the clients are equal, except for the names of their types and
// constructors.
func TestVersions_Alike(t *testing.T) {
	t.Parallel()
	next := strings.NewReplacer("v8", "v9", "V8", "V9", "version 8", "version 9")
	for _, name := range []string{"lowlevel", "typed", "byhand"} {
		older, err := os.ReadFile(name + "_v8_test.go")
		if err != nil {
			t.Fatal(err)
		}
		newer, err := os.ReadFile(name + "_v9_test.go")
		if err != nil {
			t.Fatal(err)
		}
		if next.Replace(string(older)) != string(cloning.ReplaceAll(newer, nil)) {
			t.Errorf("%s_v9_test.go is not %[1]s_v8_test.go with the other version", name)
		}
	}
}
