package main

import (
	"maps"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

const (
	backupWriters = 6
	backups       = 3
)

// Ensures that each backup of a server under write load is a consistent snapshot: the restored database exports the
// state after the first writes, in commit order, and nothing of any later one.
func TestBackup_UnderLoad(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	made, book := copiesUnderLoad(t, []*process{serveStore(t, dsn, sealed, chosenAdmin)}, func(path string) {
		mustRunOn(t, dsn, "backup", "--to", path)
	})
	whole := mustRunOn(t, dsn, "audit", "export").stdout
	for _, c := range made {
		restored := newStore(t)
		mustRunOn(t, restored, "restore", "--from", c.path)
		wantPrivate(t, filepath.Dir(databaseFile(restored)), "sallyport.db")
		// SQLite has one writer, so the trail is in commit order.
		if part := c.check(t, book, whole, restored); !strings.HasPrefix(whole, part) {
			t.Error("the restored trail is not a prefix of the server's")
		}
	}
}

// Ensures the same of pg_dump and pg_restore, with two servers writing to the database.
func TestBackup_PostgreSQLUnderLoad(t *testing.T) {
	t.Parallel()
	dsn, dump, restore := postgrestest.Database(t), postgresProgram(t, "pg_dump"), postgresProgram(t, "pg_restore")
	servers := []*process{serveStore(t, dsn, sealed, chosenAdmin, chosenReadonly),
		serveStore(t, dsn, sealed, chosenAdmin, chosenReadonly)}
	made, book := copiesUnderLoad(t, servers,
		func(path string) { runProgram(t, dump, "--format=custom", "--file="+path, dsn) })
	whole := mustRunOn(t, dsn, "audit", "export").stdout
	for _, c := range made {
		restored := postgrestest.Database(t)
		runProgram(t, restore, "--exit-on-error", "--dbname="+restored, c.path)
		c.check(t, book, whole, restored)
	}
}

// postgresProgram returns the path of one of PostgreSQL's programs: the one in PATH, else Debian's newest.
func postgresProgram(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Skipf("%s is neither in PATH nor in /usr/lib/postgresql", name)
	}
	return found[len(found)-1]
}

// runProgram runs an external program.
func runProgram(t *testing.T, program string, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// copiesUnderLoad makes copies while servers are written to. It returns the copies, and the journal of all writes
// when the servers have stopped.
func copiesUnderLoad(t *testing.T, servers []*process, run func(path string)) ([]copied, *journal) {
	t.Helper()
	admin := servers[0].logIn(person{"admin", "chosen by hand"})
	book, stop := keepWriting(t, backupWriters, servers[0].newChief(admin), servers...)
	var made []copied
	for range backups {
		made = append(made, takeCopy(t, book, run))
	}
	stop()
	for _, s := range servers {
		s.stop()
	}
	return made, book
}

// newChief adds an administrator and returns the Authorization header of a session.
func (p *process) newChief(admin string) string {
	p.t.Helper()
	chief := person{"chief", "chief's own passphrase"}
	p.want(200, "POST", "/api/v1/users", admin,
		`{"user_name":"chief","security":{"enabled":true,"password":"`+chief.password+`","roles":["ece_platform_admin"]}}`)
	return p.logIn(chief)
}

// copied is a copy of a database, and when it was made.
type copied struct {
	path         string
	began, ended time.Time
}

// changesBetween is the minimum number of changes before and after each copy.
const changesBetween = 100

// takeCopy makes a copy between changes.
func takeCopy(t *testing.T, book *journal, run func(path string)) copied {
	t.Helper()
	c := copied{path: filepath.Join(t.TempDir(), "copy")}
	book.waitForMore(changesBetween)
	c.began = time.Now()
	run(c.path)
	c.ended = time.Now()
	book.waitForMore(changesBetween)
	return c
}

// check fails the test unless the restored database is the state after a prefix of the writes: all that were answered
// before the copy began, none that was sent after it ended, none in part, and with each write all that were answered
// before it was sent. A server on it must export that state. It returns the trail.
func (c copied) check(t *testing.T, book *journal, wholeText, restored string) string {
	t.Helper()
	partText := mustRunOn(t, restored, "audit", "export").stdout
	whole, part := readExport(t, wholeText), readExport(t, partText)
	again := serveStore(t, restored, sealed, chosenAdmin, chosenReadonly)
	defer again.stop()
	exported := book.export(again, person{"admin", "chosen by hand"}.basic())
	want, latest, has := model{}, time.Time{}, 0
	for _, id := range book.inOrder(whole.requests) {
		w, ours := book.changes[id]
		if _, in := part.lines[id]; !ours || !in {
			continue
		}
		has++
		w.effect(want)
		if w.sent.After(latest) {
			latest = w.sent
		}
		if w.sent.After(c.ended) {
			t.Errorf("%s was sent after the copy was made, and is in it", id)
		}
		if part.lines[id] != whole.lines[id] {
			t.Errorf("%s is there in part:\n%s", id, part.lines[id])
		}
	}
	for id, w := range book.changes {
		_, in := part.lines[id]
		if !in && (w.answered.Before(c.began) || w.answered.Before(latest)) {
			t.Errorf("%s was answered before, and is not in the copy", id)
		}
		if whole.lines[id] == "" {
			t.Errorf("%s is not in the trail", id)
		}
	}
	if !maps.Equal(want, exported) {
		t.Errorf("the first %d writes result in %d objects, and %d are exported:\n%s", has, len(want), len(exported),
			difference(want, exported))
	}
	if has == 0 || has == len(book.changes) {
		t.Errorf("%d of %d writes are in the copy, so nothing was tested", has, len(book.changes))
	}
	t.Logf("%d of %d writes are in the copy, which took %s: %d objects", has, len(book.changes),
		c.ended.Sub(c.began).Round(time.Millisecond), len(want))
	return partText
}

func difference(want, got model) string {
	var text strings.Builder
	for name := range want {
		if got[name] != want[name] {
			text.WriteString(name + ": " + strconv.Quote(got[name]) + ", want " + strconv.Quote(want[name]) + "\n")
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			text.WriteString(name + " should not be there\n")
		}
	}
	return text.String()
}
