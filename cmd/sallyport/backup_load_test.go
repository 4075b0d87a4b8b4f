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

// Ensures that each backup that is made while a server is written to by many is that of one moment: what is restored from
// it exports what the first writes come to, in the order in which they were committed, and nothing of any other.
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
		if part := c.check(t, book, whole, restored); !strings.HasPrefix(whole, part) { // SQLite has one writer, so the trail is in the order of the commits
			t.Error("the restored trail is not what the other begins with")
		}
	}
}

// Ensures the same of what PostgreSQL's own programs copy, of a database that two servers write to.
func TestBackup_PostgreSQLUnderLoad(t *testing.T) {
	t.Parallel()
	dsn, dump, restore := postgrestest.Database(t), postgresProgram(t, "pg_dump"), postgresProgram(t, "pg_restore")
	servers := []*process{serveStore(t, dsn, sealed, chosenAdmin, chosenReadonly), serveStore(t, dsn, sealed, chosenAdmin, chosenReadonly)}
	made, book := copiesUnderLoad(t, servers, func(path string) { runProgram(t, dump, "--format=custom", "--file="+path, dsn) })
	whole := mustRunOn(t, dsn, "audit", "export").stdout
	for _, c := range made {
		restored := postgrestest.Database(t)
		runProgram(t, restore, "--exit-on-error", "--dbname="+restored, c.path)
		c.check(t, book, whole, restored)
	}
}

// postgresProgram returns the path of a program of PostgreSQL's: the one in PATH, else Debian's newest.
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

// runProgram runs another's program.
func runProgram(t *testing.T, program string, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// copiesUnderLoad has servers written to, and makes copies meanwhile. It returns them, and what was written until the end, when
// the servers have stopped.
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

// newChief makes an administrator who may own keys, and returns the Authorization of a session.
func (p *process) newChief(admin string) string {
	p.t.Helper()
	chief := person{"chief", "chief's own passphrase"}
	p.want(200, "POST", "/api/v1/users", admin, `{"user_name":"chief","security":{"enabled":true,"password":"`+chief.password+`","roles":["ece_platform_admin"]}}`)
	return p.logIn(chief)
}

// copied is a copy of a database, and when it was made.
type copied struct {
	path         string
	began, ended time.Time
}

// changesBetween is how many changes there are before a copy and after it, at least.
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

// check fails the test unless the database that a copy was restored to is the state after some of the writes: all that were
// answered before it was begun, none that was sent after it was made, none by halves, and with each all that were answered
// before that was sent; and unless these make what a server on it exports. It returns its trail.
func (c copied) check(t *testing.T, book *journal, wholeText, restored string) string {
	t.Helper()
	partText := mustRunOn(t, restored, "audit", "export").stdout
	whole, part := readExport(t, wholeText), readExport(t, partText)
	again := serveStore(t, restored, sealed, chosenAdmin, chosenReadonly)
	defer again.stop()
	exported := book.export(again, person{"admin", "chosen by hand"}.basic())
	want, latest, has := model{}, time.Time{}, 0
	for _, id := range whole.requests {
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
			t.Errorf("%s is there by halves:\n%s", id, part.lines[id])
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
		t.Errorf("the first %d writes come to %d things, and %d are exported:\n%s", has, len(want), len(exported), difference(want, exported))
	}
	if has == 0 || has == len(book.changes) {
		t.Errorf("%d of %d writes are in the copy, so nothing was tested", has, len(book.changes))
	}
	t.Logf("%d of %d writes are in the copy, which took %s: %d things", has, len(book.changes), c.ended.Sub(c.began).Round(time.Millisecond), len(want))
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
