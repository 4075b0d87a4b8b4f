package store

import (
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/fault"
)

// unheld tells whether there is a text among a statement's arguments that not every database can hold: PostgreSQL takes
// neither NUL nor what is not UTF-8. So SQLite is not given them either: a record that is in one can be in the other.
func unheld(args []any) bool {
	for _, arg := range args {
		if text, ok := arg.(string); ok && unheldText(text) {
			return true
		}
	}
	return false
}

func unheldText(text string) bool { return strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) }

// refuse is the error of a statement that was given such a text. No record has it, so there is none to delete.
func (s statement) refuse() error {
	if strings.HasPrefix(s.text, "DELETE") {
		return nil
	}
	return fault.New(fault.InvalidData, "a text holds a NUL or is not UTF-8, and cannot be kept")
}

// held is a text as it can be kept, for records that must be made whatever they say.
func held(text string) string {
	return strings.Map(func(r rune) rune { // which takes a byte that is no UTF-8 for U+FFFD
		if r == 0 {
			return utf8.RuneError
		}
		return r
	}, text)
}
