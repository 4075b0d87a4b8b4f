// Package printable escapes text for a terminal, so that names and messages that others chose can neither move its
// cursor nor change the order in which it shows characters.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text escapes the characters that Go does not print, among them control characters, line breaks, and marks that change
// the direction of text, and bytes that are not UTF-8.
func Text(text string) string { return escape(text, "", quote) }

// Lines is Text, but leaves the ends of lines.
func Lines(text string) string { return escape(text, "\n", quote) }

// JSON escapes the characters of a JSON text that Go does not print. Its value stays the same: those characters occur
// in strings only. The ends of lines, which occur between values, are left.
func JSON(text string) string {
	return escape(text, "\n", func(r string) string {
		var escaped strings.Builder
		for _, unit := range utf16.Encode([]rune(r)) {
			fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
		return escaped.String()
	})
}

// YAML is JSON for a YAML text in which the scalars with such characters are in double quotes.
func YAML(text string) string {
	return escape(text, "\n", func(r string) string {
		c, _ := utf8.DecodeRuneInString(r)
		return fmt.Sprintf(`\U%08X`, c)
	})
}

// quote escapes a character as Go does.
func quote(r string) string {
	quoted := strconv.Quote(r)
	return quoted[1 : len(quoted)-1]
}

// escape replaces each character that is neither printed by Go nor kept. A byte that is not UTF-8 is a character.
func escape(text, kept string, replacement func(string) string) string {
	var escaped strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		invalid := r == utf8.RuneError && size == 1
		if !invalid && (strconv.IsPrint(r) || strings.ContainsRune(kept, r)) {
			escaped.WriteString(text[:size])
		} else {
			escaped.WriteString(replacement(text[:size]))
		}
		text = text[size:]
	}
	return escaped.String()
}
