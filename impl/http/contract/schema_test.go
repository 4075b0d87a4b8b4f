package contract

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Ensures that validate.go is the only place that has values validated, and that it never asks for errors with the
// values in them: one that does costs the square of a document's depth.
func TestSchema_OnlyPlace(t *testing.T) {
	validating := regexp.MustCompile(`\.(VisitJSON\w*|VisitData|Validate(Request|Parameter|SecurityRequirements|Response)\w*)\(|openapi3filter\.Options\{`)
	found := 0
	err := filepath.WalkDir("../../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, use := range validating.FindAllString(string(code), -1) {
			if filepath.ToSlash(path) == "../../../impl/http/contract/validate.go" {
				found++
				continue
			}
			t.Errorf("%s: %s belongs into impl/http/contract/validate.go", path, use)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("validate.go")
	if err != nil {
		t.Fatal(err)
	}
	const calls, configured = 5, 4 // two options and two calls that take their own, and a call that is given the options
	if uses := strings.Count(string(code), "plainErrors") - 1; found != calls || uses != configured {
		t.Errorf("%d uses of the validator with %d settings of its errors; want %d and %d", found, uses, calls, configured)
	}
}
