// Package metadata has the rules of Elasticsearch for the metadata of records: JSON objects that callers choose.
package metadata

import (
	"encoding/json"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
)

// HasReservedKey reports whether metadata has a key that begins with an underscore. Elasticsearch reserves such keys.
func HasReservedKey(metadata map[string]any) bool {
	for key := range metadata {
		if strings.HasPrefix(key, "_") {
			return true
		}
	}
	return false
}

// Text returns the canonical encoding of metadata; "" for nil.
func Text(metadata map[string]any) (string, error) {
	if metadata == nil {
		return "", nil
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return "", fault.Wrap(fault.ServerFailed, err, "the metadata cannot be written")
	}
	return string(text), nil
}
