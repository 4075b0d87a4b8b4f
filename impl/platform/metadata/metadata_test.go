package metadata_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/platform/metadata"
)

func TestHasReservedKey(t *testing.T) {
	for _, c := range []struct {
		name     string
		metadata map[string]any
		want     bool
	}{
		{"no metadata", nil, false},
		{"ordinary keys", map[string]any{"a": 1, "": 1, "a_b": 1, " _": 1}, false},
		{"a reserved key", map[string]any{"a": 1, "_b": nil}, true},
		{"only an underscore", map[string]any{"_": 1}, true},
		{"a reserved key of a member", map[string]any{"a": map[string]any{"_b": 1}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := metadata.HasReservedKey(c.metadata); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
