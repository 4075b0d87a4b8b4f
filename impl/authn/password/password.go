// Package password checks whether a new password is acceptable.
package password

import (
	_ "embed" // for common.txt
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Min is the minimum length of a password in Unicode code points (NIST SP 800-63B section 5.1.1.2).
const Min = 8

// field is the request member that errors name.
const field = "security.password"

// list holds common passwords, which attackers try first: one per line, at least Min characters, in lower case, sorted
// by bytes.
//
//go:embed common.txt
var list string

// common returns the set of common passwords, parsed on first use.
var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(list) {
		set[strings.TrimSuffix(line, "\n")] = true
	}
	return set
})

// Check returns fault.InvalidData unless a user may choose the password. A password is refused if it has fewer than Min
// characters or more than secret.MaxPassword bytes, or if it equals the user name or a common password, both regardless
// of case. There are no rules about classes of characters (NIST SP 800-63B section 5.1.1.2). The error does not contain
// the password.
func Check(password, userName string) error {
	switch {
	case len(password) > secret.MaxPassword:
		return invalidPassword(fmt.Sprintf("a password has at most %d bytes; choose a shorter one", secret.MaxPassword))
	case utf8.RuneCountInString(password) < Min:
		return invalidPassword(fmt.Sprintf("a password has at least %d characters; choose a longer one", Min))
	case strings.EqualFold(password, userName):
		return invalidPassword("the user name is not a password; choose another one")
	case common()[strings.ToLower(password)]:
		return invalidPassword("this password is one that many people use, and easy to guess; choose another one")
	}
	return nil
}

func invalidPassword(why string) error { return fault.New(fault.InvalidData, why, field) }
