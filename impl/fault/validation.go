package fault

import (
	"fmt"
	"strings"
)

// Invalid returns RequestInvalid with a numbered list of everything that is wrong with a request, as Elasticsearch words
// it, or nil for an empty list.
func Invalid(messages []string) error {
	if len(messages) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString("Validation Failed: ")
	for i, message := range messages {
		fmt.Fprintf(&text, "%d: %s;", i+1, message)
	}
	return New(RequestInvalid, text.String())
}
