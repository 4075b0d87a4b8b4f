package impl_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fieldRow    = regexp.MustCompile("(?m)^\\| `(\\w+)` \\|")
	loggedField = regexp.MustCompile(`slog\.\w+\("(\w+)"`)
)

// Ensures that the page on log fields has each field of the access log, in the log's order, and no other.
func TestReference_LogFields(t *testing.T) {
	_, function, found := strings.Cut(read(t, "http/edge/middleware.go"), "\nfunc appendAccessAttrs(")
	if !found {
		t.Fatal("there is no appendAccessAttrs")
	}
	function, _, _ = strings.Cut(function, "\n}\n")
	firsts := func(matches [][]string) (fields []string) {
		for _, m := range matches {
			fields = append(fields, m[1])
		}
		return fields
	}
	want := firsts(loggedField.FindAllStringSubmatch(function, -1))
	got := firsts(fieldRow.FindAllStringSubmatch(read(t, "../docs/reference/log-fields.md"), -1))
	if !slices.Equal(got, want) {
		t.Errorf("the page has %s, and the log %s", got, want)
	}
}
