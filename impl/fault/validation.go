package fault

import (
	"fmt"
	"strings"
)

// Problems collects validation errors for Invalid.
type Problems []string

// Add adds a message if it applies.
func (p *Problems) Add(wrong bool, message string) {
	if wrong {
		*p = append(*p, message)
	}
}

// Invalid returns RequestInvalid with a numbered list of all validation errors, worded as by Elasticsearch, or nil for
// an empty list.
func Invalid(messages []string) error {
	if len(messages) == 0 {
		return nil
	}
	return New(RequestInvalid, validationText(messages))
}

// Unfit returns ValidationFailed with one validation error.
func Unfit(message string) error { return New(ValidationFailed, validationText([]string{message})) }

func validationText(messages []string) string {
	var text strings.Builder
	text.WriteString("Validation Failed: ")
	for i, message := range messages {
		fmt.Fprintf(&text, "%d: %s;", i+1, message)
	}
	return text.String()
}
