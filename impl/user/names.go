package user

import (
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/impl/fault"
)

// CheckTexts refuses a full name and an e-mail address that would break a line of a list or a log, or that not every
// database takes. It returns fault.InvalidData.
func CheckTexts(fullName, email string) error {
	if strings.ContainsFunc(fullName, unicode.IsControl) {
		return fault.New(fault.InvalidData, "full_name: this must not contain control characters", "full_name")
	}
	if strings.ContainsFunc(email, unicode.IsControl) {
		return fault.New(fault.InvalidData, "email: this must not contain control characters", "email")
	}
	return nil
}

// checkNewName refuses a name that reads as a built-in user's: in logs, lists and mails it would be taken for that. Only new
// users are refused; the ones that exist keep their names. It returns fault.UserNameInvalid.
func checkNewName(name string) error {
	for _, u := range builtins {
		if name != u.Name && skeleton(name) == skeleton(u.Name) {
			return fault.New(fault.UserNameInvalid, "the user name reads as that of the built-in user \""+u.Name+"\"", "user_name")
		}
	}
	return nil
}

// lookalikes are characters that many typefaces draw alike, after the table of Unicode Technical Standard 39 as far as it is
// about printable ASCII, in lower case.
var lookalikes = strings.NewReplacer("rn", "m", "vv", "w", "cl", "d", "0", "o", "1", "i", "l", "i", "|", "i", "!", "i")

// skeleton is a text that names have in common which look alike.
func skeleton(name string) string { return lookalikes.Replace(strings.ToLower(name)) }

// maxName is Elasticsearch's limit.
const maxName = 507

// CheckName refuses names that would not survive their uses: a colon ends the name in Basic credentials (RFC 7617), a
// slash is the end of a path segment, a comma separates names in lists, and /users/auth is a path of its own. It returns
// fault.UserNameInvalid.
func CheckName(name string) error {
	bad := func(why string) error { return fault.New(fault.UserNameInvalid, "the user name "+why, "user_name") }
	switch {
	case name == "" || len(name) > maxName:
		return bad("must have 1 to 507 characters")
	case strings.TrimSpace(name) != name:
		return bad("must not begin or end with a blank")
	case strings.ContainsAny(name, ":/\\,"):
		return bad(`must not contain a colon, a slash, a backslash or a comma`)
	case strings.HasPrefix(name, "("): // as the audit trail's own actors do
		return bad("must not begin with a parenthesis")
	case strings.HasPrefix(name, "_") || name == "auth" || name == "." || name == "..":
		return bad("is reserved: it must not begin with an underscore, and must not be auth, . or ..")
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			return bad("must be printable ASCII")
		}
	}
	return nil
}
