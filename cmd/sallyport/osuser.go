package main

import (
	"cmp"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/platform/printable"
)

// commandOrigin is the origin of the changes by this process: a command, with the operating system's user.
func commandOrigin() audit.Origin {
	name, sudo := osUsers(os.Getuid(), accountName, os.Getenv)
	return audit.Origin{Actor: audit.CommandLine, OSUser: name, SudoUser: sudo}
}

// osUsers returns the name of a user of the operating system by its id, and that of the user that became root by sudo,
// or "". Other users than root could set sudo's variable themselves.
func osUsers(uid int, account func(uid int) string, env func(string) string) (name, sudo string) {
	name = auditedName(account(uid))
	if uid == 0 {
		sudo = auditedName(env("SUDO_USER"))
	}
	return name, sudo
}

// accountName returns the name of the account with the id of this process, DOMAIN\name on Windows, where there are no
// ids. An id without an account is named by its number. On most systems os/user then believes $USER, also in LookupId,
// so that it is not used there.
func accountName(uid int) string {
	id, name := strconv.Itoa(uid), ""
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	} else if text, err := os.ReadFile("/etc/passwd"); err == nil {
		name = nameInPasswd(string(text), id)
	}
	return cmp.Or(name, "uid "+id)
}

// nameInPasswd returns the name of the account with an id in the text of /etc/passwd, or "".
func nameInPasswd(text, id string) string {
	for line := range strings.Lines(text) {
		if fields := strings.SplitN(line, ":", 4); len(fields) == 4 && fields[2] == id {
			return fields[0]
		}
	}
	return ""
}

// maxOSUser is the length in bytes to which names in the audit trail are cut.
const maxOSUser = 256

// auditedName escapes and bounds a name.
func auditedName(name string) string {
	if len(name) > maxOSUser {
		name = name[:maxOSUser] // half a character at the end is escaped
	}
	return printable.Text(name)
}
