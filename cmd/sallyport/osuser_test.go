package main

import (
	"os"
	"strings"
	"testing"
)

// Ensures that the audit trail names the operating system's user, and sudo's caller where only root can name one.
func TestOSUsers(t *testing.T) {
	t.Parallel()
	accounts := map[int]string{0: "root", 7: "alice", -1: `CORP\alice`, 8: "a\nb\u202e", 9: strings.Repeat("ä", 500)}
	for name, c := range map[string]struct {
		uid        int
		sudoUser   string
		want, sudo string
	}{
		"a user":             {7, "", "alice", ""},
		"a user that claims": {7, "bob", "alice", ""},
		"Windows":            {-1, "bob", `CORP\alice`, ""},
		"root":               {0, "", "root", ""},
		"sudo":               {0, "alice", "root", "alice"},
		"hostile names":      {8, "", `a\nb\u202e`, ""},
		"hostile variable":   {0, "a\x1b[2J\xff", "root", `a\x1b[2J\xff`},
		"a long name":        {9, "", strings.Repeat("ä", 128), ""},
		"a long variable":    {0, "x" + strings.Repeat("ä", 500), "root", "x" + strings.Repeat("ä", 127) + `\xc3`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := func(variable string) string { return map[string]string{"SUDO_USER": c.sudoUser}[variable] }
			got, sudo := osUsers(c.uid, func(uid int) string { return accounts[uid] }, env)
			if got != c.want || sudo != c.sudo {
				t.Errorf("got %q and %q; want %q and %q", got, sudo, c.want, c.sudo)
			}
		})
	}
}

// Ensures that only the third field of a line of /etc/passwd is an id.
func TestNameInPasswd(t *testing.T) {
	t.Parallel()
	const text = "# comment\n\nroot:x:0:7:root:/root:/bin/sh\n7:7\nbob:7:8:7::/:\nalice:x:7:100::/home/alice:/bin/sh"
	for id, want := range map[string]string{"0": "root", "7": "alice", "8": "bob", "100": "", "x": "", "": ""} {
		if got := nameInPasswd(text, id); got != want {
			t.Errorf("%q is the id of %q; want %q", id, got, want)
		}
	}
}

// Ensures that a command's entries in the audit trail have the user of the operating system, whatever the environment
// says.
func TestAudit_OSUser(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	o := run(t, invocation{
		args:  []string{"user", "add", "bob", "--role", "ece_platform_viewer", "--password-stdin", "--store", dsn},
		stdin: "a long password\n",
		env:   []string{"USER=mallory", "LOGNAME=mallory", "SUDO_USER=carol"},
	})
	if o.code != 0 {
		t.Fatalf("exit code %d: %s", o.code, o.stderr)
	}
	var sudo any
	if os.Getuid() == 0 {
		sudo = "carol"
	}
	entries := exportAudit(t, dsn)
	e := entries[len(entries)-1]
	if e.Event != "user.created" || e.Actor != "(command line)" || e.Details["os_user"] != accountName(os.Getuid()) ||
		e.Details["sudo_user"] != sudo {
		t.Errorf("the entry is %+v", e)
	}
}
