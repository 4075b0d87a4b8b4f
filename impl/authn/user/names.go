package user

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/impl/fault"
)

// CheckTexts returns fault.InvalidData for a full name or an e-mail address that would break a line of a list or a log,
// or that not every database can store.
func CheckTexts(fullName, email string) error {
	if strings.ContainsFunc(fullName, unicode.IsControl) {
		return fault.New(fault.InvalidData, "full_name: this must not contain control characters", "full_name")
	}
	if strings.ContainsFunc(email, unicode.IsControl) {
		return fault.New(fault.InvalidData, "email: this must not contain control characters", "email")
	}
	return nil
}

// checkNewName returns fault.UserNameConflict for a built-in user's name, also before the first start of a server makes
// that user, and fault.UserNameInvalid for a name that reads as one, because it would be mistaken for it in logs, lists
// and mails. It applies to new users only; existing ones keep their names.
func checkNewName(name string) error {
	for _, u := range builtins {
		if name == u.Name {
			return fault.New(fault.UserNameConflict, "\""+name+"\" is the name of a built-in user", "user_name")
		}
		if skeleton(name) == skeleton(u.Name) {
			return fault.New(fault.UserNameInvalid, "the user name reads as that of the built-in user \""+u.Name+"\"",
				"user_name")
		}
	}
	return nil
}

// reservedNames are the names of Elasticsearch's built-in users, which do not exist here. A user with such a name would
// be taken for one. Users of earlier versions keep their names.
var reservedNames = []string{"apm_system", "beats_system", "elastic", "kibana", "kibana_system", "logstash_system",
	"remote_monitoring_user"}

// checkUnreserved returns fault.UserNameInvalid for the name of a built-in user of Elasticsearch.
func checkUnreserved(name string) error {
	if slices.Contains(reservedNames, name) {
		return badName("is reserved for a built-in user of another server")
	}
	return nil
}

// Reserved returns the sorted names of existing users that new users cannot have.
func (s *Service) Reserved(ctx context.Context) ([]string, error) {
	users, err := s.Natives(ctx, reservedNames)
	var names []string
	for _, u := range users {
		names = append(names, u.Name)
	}
	return names, err
}

// maxName is Elasticsearch's limit.
const maxName = 507

// CheckName returns fault.UserNameInvalid for names that cannot be used everywhere: a colon ends the name in Basic
// credentials (RFC 7617), a slash is the end of a path segment, a comma separates names in lists, and /users/auth is a
// path of its own. Users of identity providers have other names, too: see ExternalName.
func CheckName(name string) error {
	switch {
	case name == "" || len(name) > maxName:
		return badName("must have 1 to 507 characters")
	case strings.TrimSpace(name) != name:
		return badName("must not begin or end with a blank")
	case strings.ContainsAny(name, ":/\\,"):
		return badName(`must not contain a colon, a slash, a backslash or a comma`)
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			return badName("must be printable ASCII")
		}
	}
	return checkReserved(name)
}

// checkReserved returns fault.UserNameInvalid for names with another meaning: the audit trail's own actors begin with a
// parenthesis, and paths of operations with an underscore or with auth.
func checkReserved(name string) error {
	switch {
	case strings.HasPrefix(name, "("):
		return badName("must not begin with a parenthesis")
	case strings.HasPrefix(name, "_") || name == "auth" || name == "." || name == "..":
		return badName("is reserved: it must not begin with an underscore, and must not be auth, . or ..")
	}
	return nil
}

func badName(why string) error {
	return fault.New(fault.UserNameInvalid, "the user name "+why, "user_name")
}
