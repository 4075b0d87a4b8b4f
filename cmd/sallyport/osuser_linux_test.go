package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Ensures that a user without an account, as in containers, is named by its id, and not by the environment. The program
// runs in a user namespace, in which its id is another.
func TestAudit_OSUserWithoutAccount(t *testing.T) {
	t.Parallel()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	cmd := invocation{
		args:  []string{"user", "add", "bob", "--role", "ece_platform_viewer", "--password-stdin", "--store", dsn},
		stdin: "a long password\n",
		env:   []string{"USER=mallory", "LOGNAME=mallory", "HOME=/", "SUDO_USER=mallory"},
	}.command(t.Context(), t)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getuid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); os.IsPermission(err) || strings.Contains(string(out), "not permitted") {
		t.Skip("user namespaces are not permitted here")
	} else if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	entries := exportAudit(t, dsn)
	e := entries[len(entries)-1]
	if e.Details["os_user"] != "uid 65532" || e.Details["sudo_user"] != nil {
		t.Errorf("the entry is %+v", e)
	}
}
