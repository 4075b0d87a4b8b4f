package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// diskSize is the size of the disk, and diskLeft the free space when the writes begin.
const (
	diskSize = 64 << 20
	diskLeft = 512 << 10
)

// Ensures that servers on a full disk refuse writes and still read, that no acknowledged change is lost or applied in
// part, and that writes succeed when there is space again.
func TestFault_FullDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(programVariable) == "" {
		isolate(t)
		return
	}
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprint("size=", diskSize)); err != nil {
		t.Skipf("no disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r := serveFleet(t, "sqlite:"+filepath.Join(disk, "sallyport.db"))
	l := r.mix(10)
	shrinkJournal(t, r.dsn)
	ballast := fill(t, disk)
	if err := r.run(l, func(int) {}); err != nil {
		t.Error(err)
	}
	if len(l.of(acknowledged)) == 0 || len(l.of(failed)) < 24 {
		t.Errorf("the disk did not become full in the middle: %s", l)
	}
	r.checkFull(l)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	r.check(l)
	t.Log(l)
	after := r.mix(2)
	if err := r.run(after, func(int) {}); err != nil || len(after.of(acknowledged)) != len(after.changes) {
		t.Errorf("with space again: %s, %v", after, err)
	}
	r.check(after)
	checkDatabase(t, r.dsn)
}

// checkFull fails the test unless servers on a full disk show all acknowledged changes, authenticate callers, and
// report the cause.
func (r *fleet) checkFull(l *ledger) {
	r.Helper()
	for i := range r.servers {
		v := r.view(i)
		err := l.each(func(w *change) error {
			seen, err := w.look(v)
			if err == nil && w.result == acknowledged && !seen.applied {
				err = errLost
			}
			return err
		})
		if err != nil {
			r.Errorf("as server %d shows it on a full disk: %v", i, err)
		}
		r.server(i).wantAuth(http.StatusOK, r.operator)
		r.server(i).wantAuth(http.StatusUnauthorized, r.operator+"x")
		r.server(i).adminListener().want(http.StatusOK, http.MethodGet, "/healthz", "", "")
	}
}

// shrinkJournal empties the journal, so that the next write needs space.
func shrinkJournal(t *testing.T, dsn string) {
	t.Helper()
	if _, err := openDatabase(t, dsn, "_pragma=busy_timeout(30000)").ExecContext(t.Context(),
		"PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if journal, err := os.Stat(databaseFile(dsn) + "-wal"); err != nil || journal.Size() != 0 {
		t.Fatalf("the journal is not empty: %v", err)
	}
}

// fill leaves little space on a disk, and returns the file that takes the rest.
func fill(t *testing.T, disk string) string {
	t.Helper()
	var free syscall.Statfs_t
	if err := syscall.Statfs(disk, &free); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(disk, "ballast")
	size := int(free.Bavail)*int(free.Bsize) - diskLeft
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// isolate runs the test again in its own mount namespace, which needs no privileges on this machine, and unmounts
// everything however the test ends.
func isolate(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), programVariable+"="+program)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("no namespace to mount a disk in: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	default:
		t.Logf("%s", out)
	}
}
