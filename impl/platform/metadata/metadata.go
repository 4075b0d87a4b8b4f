// Package metadata has the rules of Elasticsearch for the metadata of records: JSON objects that callers choose.
package metadata

import "strings"

// HasReservedKey reports whether metadata has a key that begins with an underscore. Elasticsearch reserves such keys.
func HasReservedKey(metadata map[string]any) bool {
	for key := range metadata {
		if strings.HasPrefix(key, "_") {
			return true
		}
	}
	return false
}
