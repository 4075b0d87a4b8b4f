package xcontent_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// Ensures that the name is found that was meant, and none where none was.
func TestSuggest(t *testing.T) {
	known := []string{"ids", "metadata", "role_descriptors", "expiration", "dry_run"}
	for name, want := range map[string]string{
		"id": "ids", "idz": "ids", "IDS": "ids", "rol_descriptors": "role_descriptors", "dryrun": "dry_run", "metdata": "metadata",
		"expires": "", "": "", "refresh": "", strings.Repeat("x", 100): "", "expiratoin": "expiration",
	} {
		if got := xcontent.Suggest(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
