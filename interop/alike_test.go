package interop

import (
	"os"
	"strings"
	"testing"
)

// Ensures that what is written for one version of the clients is written for the other: their types are others, and the rest
// is the same, but for how they are made.
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
