package interop

import (
	"os"
	"strings"
	"testing"
)

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
		if next.Replace(string(older)) != string(newer) {
			t.Errorf("%s_v9_test.go is not %[1]s_v8_test.go with the other version", name)
		}
	}
}
