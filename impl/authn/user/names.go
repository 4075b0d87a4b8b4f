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

// checkNewName refuses a name that reads as a built-in user's: in logs, lists and mails it would be taken for that.
// Only new users are refused; the ones that exist keep their names. It returns fault.UserNameInvalid.
func checkNewName(name string) error {
	for _, u := range builtins {
		if name != u.Name && skeleton(name) == skeleton(u.Name) {
			return fault.New(fault.UserNameInvalid, "the user name reads as that of the built-in user \""+u.Name+"\"",
				"user_name")
		}
	}
	return nil
}

// maxName is Elasticsearch's limit.
const maxName = 507

// CheckName refuses names that would not survive their uses: a colon ends the name in Basic credentials (RFC 7617), a
// slash is the end of a path segment, a comma separates names in lists, and /users/auth is a path of its own. It
// returns fault.UserNameInvalid. Users of identity providers have other names, too: see ExternalName.
func CheckName(name string) error {
	bad := func(why string) error { return fault.New(fault.UserNameInvalid, "the user name "+why, "user_name") }
	switch {
	case name == "" || len(name) > maxName:
		return bad("must have 1 to 507 characters")
	case strings.TrimSpace(name) != name:
		return bad("must not begin or end with a blank")
	case strings.ContainsAny(name, ":/\\,"):
		return bad(`must not contain a colon, a slash, a backslash or a comma`)
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			return bad("must be printable ASCII")
		}
	}
	return checkReserved(name)
}

// checkReserved refuses names that mean something else: the audit trail's own actors begin with a parenthesis, and
// paths of operations with an underscore or with auth.
func checkReserved(name string) error {
	bad := func(why string) error { return fault.New(fault.UserNameInvalid, "the user name "+why, "user_name") }
	switch {
	case strings.HasPrefix(name, "("):
		return bad("must not begin with a parenthesis")
	case strings.HasPrefix(name, "_") || name == "auth" || name == "." || name == "..":
		return bad("is reserved: it must not begin with an underscore, and must not be auth, . or ..")
	}
	return nil
}
