package apikey

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// maxMetadata bounds a key's metadata in bytes, because lists and searches read the metadata of all keys.
const maxMetadata = 64 << 10

// metadataProblems returns the errors of metadata, as messages for fault.Invalid.
func metadataProblems(members map[string]any) []string {
	var problems fault.Problems
	problems.Add(metadata.HasReservedKey(members), "API key metadata keys may not start with [_]")
	text, err := metadata.Text(members)
	problems.Add(err == nil && len(text) > maxMetadata,
		fmt.Sprintf("API key metadata may not be larger than [%d] bytes", maxMetadata))
	return problems
}

// readMetadata decodes metadata, with numbers as they were written. The result is not nil.
func readMetadata(text string) (map[string]any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	value, err := strictjson.DecodeStored([]byte(text))
	members, _ := value.(map[string]any)
	return members, err
}
