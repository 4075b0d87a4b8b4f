package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// allowedLine is an intended breaking change: an operation, and the text that make breaking prints.
var allowedLine = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE) /\S* \S.*$`)

// unreasoned returns the lines of a list of intended breaking changes that are malformed, or have no comment above.
func unreasoned(list string) []string {
	var found []string
	before := ""
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		reasoned := strings.HasPrefix(before, "#") && before != "#"
		if line != "" && !strings.HasPrefix(line, "#") && (!reasoned || !allowedLine.MatchString(line)) {
			found = append(found, line)
		}
		before = line
	}
	return found
}

func TestUnreasoned(t *testing.T) {
	t.Parallel()
	const change = "DELETE /api/v1/x api removed without deprecation"
	for list, want := range map[string]int{
		"": 0, "# a comment": 0, "# reason\n" + change: 0, "# reason\n" + change + "\n\n# reason\n" + change: 0,
		change: 1, "# reason\n\n" + change: 1, "# reason\n" + change + "\n" + change: 1, "#\n" + change: 1,
		"# reason\napi removed": 1,
	} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			if found := unreasoned(list); len(found) != want {
				t.Errorf("found are %q; want %d", found, want)
			}
		})
	}
}

// Ensures that the contracts of the last release are whole documents, and that each intended change has a reason.
func TestReleased(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"openapi.yaml", "control.yaml"} {
		released, err := openapi3.NewLoader().LoadFromFile("released/" + name)
		if err != nil || released.Paths.Len() == 0 {
			t.Errorf("%s cannot be read: %v", name, err)
		}
	}
	list, err := os.ReadFile("released/allowed.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range unreasoned(string(list)) {
		t.Errorf("allowed.txt: want a comment with the reason above, and METHOD PATH TEXT: %s", line)
	}
}
