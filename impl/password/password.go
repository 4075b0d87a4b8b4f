// Package password has which passwords people may choose.
package password

import (
	_ "embed" // for common.txt
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/secret"
)

// Min is the shortest password in characters, that is, in Unicode code points (NIST SP 800-63B section 5.1.1.2).
const Min = 8

// field is what a failure names.
const field = "security.password"

// list has passwords that guessers try first: one a line, Min characters or more, in lower case, sorted by bytes.
//
//go:embed common.txt
var list string

var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(list) {
		set[strings.TrimSuffix(line, "\n")] = true
	}
	return set
})

// Check tells whether somebody of that user name may choose the password. It returns fault.InvalidData for one that has
// fewer than Min characters or more than secret.MaxPassword bytes, is the user name, or is common; in the last two, upper
// and lower case make no difference. There are no rules about kinds of characters (NIST SP 800-63B section 5.1.1.2). The
// failure does not contain the password.
func Check(password, userName string) error {
	switch {
	case len(password) > secret.MaxPassword:
		return refused(fmt.Sprintf("a password has at most %d bytes; choose a shorter one", secret.MaxPassword))
	case utf8.RuneCountInString(password) < Min:
		return refused(fmt.Sprintf("a password has at least %d characters; choose a longer one", Min))
	case strings.EqualFold(password, userName):
		return refused("the user name is not a password; choose another one")
	case common()[strings.ToLower(password)]:
		return refused("this password is one that many people use, and easy to guess; choose another one")
	}
	return nil
}

func refused(why string) error { return fault.New(fault.InvalidData, why, field) }
