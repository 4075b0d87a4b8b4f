package user

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ExternalName returns the user name for an identity provider's name of a user: the same text in Unicode's
// normalization form C, so that a name has one spelling. It returns the errors of checkExternal.
func ExternalName(text string) (string, error) {
	name := norm.NFC.String(text)
	return name, checkExternal(name)
}

// checkExternal returns fault.UserNameInvalid for names that paths, lists, headers or log lines cannot hold, or that
// are displayed differently from what they are. Letters, marks, digits, punctuation and symbols of any script are
// valid, and spaces within. All names that CheckName accepts are valid, and also the colon and the backslash: users of
// identity providers have no passwords, so no colon must end the name in Basic credentials.
func checkExternal(name string) error {
	first, _ := utf8.DecodeRuneInString(name)
	switch {
	case name == "" || len(name) > maxName:
		return badName("must have 1 to 507 bytes")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unseen):
		return badName("must not contain control, format or invisible characters, nor other spaces than U+0020")
	case strings.HasPrefix(name, " ") || strings.HasSuffix(name, " "):
		return badName("must not begin or end with a blank")
	case unicode.Is(unicode.M, first): // it would combine with the text before the name
		return badName("must not begin with a combining mark")
	case strings.ContainsAny(name, "/,"):
		return badName("must not contain a slash or a comma")
	}
	return checkReserved(name)
}

// unseen reports whether a character is invisible or changes the display of others. The characters of Unicode's
// Default_Ignorable_Code_Point are letters and marks by their category, and the blank pattern of Braille is a symbol.
func unseen(r rune) bool {
	const brailleBlank = '\u2800'
	return !unicode.IsPrint(r) || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
