package xcontent_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Ensures that a similar name is suggested, and none if no name is similar.
func TestSuggest(t *testing.T) {
	known := []string{"ids", "metadata", "role_descriptors", "expiration", "dry_run"}
	for name, want := range map[string]string{
		"id":                     "ids",
		"idz":                    "ids",
		"IDS":                    "ids",
		"rol_descriptors":        "role_descriptors",
		"dryrun":                 "dry_run",
		"metdata":                "metadata",
		"expiratoin":             "expiration",
		"expires":                "",
		"":                       "",
		"refresh":                "",
		strings.Repeat("x", 100): "",
	} {
		t.Run(name, func(t *testing.T) {
			if got := xcontent.Suggest(name, known); got != want {
				t.Errorf("got %q; want %q", got, want)
			}
		})
	}
}
