package store

import (
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/fault"
)

// anyUnstorable reports whether the arguments of a statement include a text that not every database can store:
// PostgreSQL accepts neither NUL nor invalid UTF-8. SQLite gets no such text either, so that a record of one database
// can be moved to the other.
func anyUnstorable(args []any) bool {
	for _, arg := range args {
		if text, ok := arg.(string); ok && unstorable(text) {
			return true
		}
	}
	return false
}

func unstorable(text string) bool { return strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) }

// refuse returns the error of a statement with such a text. No record has it, so a DELETE has nothing to delete.
func (s statement) refuse() error {
	if strings.HasPrefix(s.text, "DELETE") {
		return nil
	}
	return fault.New(fault.InvalidData, "a text holds a NUL or is not UTF-8, and cannot be stored")
}

// storable replaces what cannot be stored in a text, for records that must be written whatever they say.
func storable(text string) string {
	// Map turns each byte of invalid UTF-8 into U+FFFD.
	return strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r
	}, text)
}
