package main

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// breakage is the point at which a wire breaks.
type breakage int

const (
	never breakage = iota
	// inside: a message inside a transaction was sent and does not arrive.
	inside
	// beforeCommit: a COMMIT was sent and does not arrive.
	beforeCommit
	// afterCommit: a COMMIT was executed, and its answer does not arrive.
	afterCommit
)

// wire is a proxy to PostgreSQL that breaks once after it is armed.
type wire struct {
	net.Listener
	target string

	mu sync.Mutex
	// due is the kind of breakage; for inside, message is the number of the message in the next write transaction.
	due     breakage
	message int
	broken  breakage
}

// newWire returns a wire, and the DSN to use it.
func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, target: u.Host}
	var lines sync.WaitGroup
	lines.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			lines.Go(func() { w.carry(near) })
		}
	})
	t.Cleanup(func() { // after the servers end, which closes their connections
		l.Close() //nolint:errcheck // nothing is left to write
		lines.Wait()
	})
	u.Host = l.Addr().String()
	return w, u.String()
}

// carry copies both ways between two connections until one of them ends.
func (w *wire) carry(near net.Conn) {
	defer near.Close() //nolint:errcheck // done
	far, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // done
	back := answerPath{near: near}
	var answers sync.WaitGroup
	answers.Go(func() {
		io.Copy(&back, far) //nolint:errcheck // ends when a connection does
		near.Close()        //nolint:errcheck // done
	})
	defer answers.Wait()
	defer far.Close() //nolint:errcheck // done
	writes, messages := false, 0
	buffer := make([]byte, 64<<10)
	for {
		n, err := near.Read(buffer)
		sent := buffer[:n]
		if bytes.Contains(sent, []byte("begin")) {
			writes, messages = !bytes.Contains(sent, []byte("read only")), 0
		} else {
			messages++
		}
		breaks := never
		if writes {
			breaks = w.breaks(messages, bytes.Contains(sent, []byte("commit\x00")))
		}
		if breaks == inside || breaks == beforeCommit {
			return
		}
		back.cut.Store(breaks == afterCommit)
		if _, writing := far.Write(sent); writing != nil || err != nil {
			return
		}
		if breaks == afterCommit {
			answers.Wait()
			return
		}
	}
}

// answerPath copies answers back. When it is cut, it closes the connection at the next answer: what was sent is
// executed then.
type answerPath struct {
	near net.Conn
	cut  atomic.Bool
}

// Write implements io.Writer.
func (a *answerPath) Write(answer []byte) (int, error) {
	if a.cut.Load() {
		return 0, net.ErrClosed
	}
	return a.near.Write(answer)
}

// arm makes the wire break in the next write transaction.
func (w *wire) arm(due breakage, message int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due, w.message, w.broken = due, message, never
}

// broke returns how the wire broke since it was armed, if it did, and disarms it.
func (w *wire) broke() breakage {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = never
	return w.broken
}

// breaks returns the breakage at a message of a write transaction, if the wire breaks there.
func (w *wire) breaks(message int, commits bool) breakage {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.due == never || w.due == inside && message != w.message || w.due != inside && !commits {
		return never
	}
	w.broken = w.due
	if w.broken == inside && commits {
		w.broken = beforeCommit
	}
	w.due = never
	return w.broken
}

// serveWired starts servers, of which one uses a wire to PostgreSQL.
func serveWired(t *testing.T) (*fleet, *wire) {
	t.Helper()
	dsn := postgrestest.Database(t)
	r := serveFleet(t, dsn)
	w, through := newWire(t, dsn)
	r.servers[0] = serveStore(t, through, r.env...)
	return r, w
}

// sendOver sends a change over the wire, and returns how the wire broke.
func (r *fleet) sendOver(w *wire, c *change, due breakage, message int) breakage {
	r.Helper()
	w.arm(due, message)
	if err := c.send(r.Context(), r.caller, r.from(0)); err != nil {
		r.Error(err)
	}
	return w.broke()
}

// Ensures that a change without its COMMIT is not applied, that a change with a COMMIT but without the answer is
// applied once, and that both are reported as failed, because the server cannot know.
func TestFault_Commit(t *testing.T) {
	t.Parallel()
	r, w := serveWired(t)
	for due, done := range map[breakage]bool{beforeCommit: false, afterCommit: true} {
		l := r.mix(2)
		for _, c := range l.changes {
			if broke := r.sendOver(w, c, due, 0); broke != due || c.result != failed {
				t.Errorf("%s: without its commit it is %s: %s", c.id, c.result, c.answer.body)
			}
		}
		r.check(l)
		for _, c := range l.changes {
			if c.applied != done {
				t.Errorf("%s: with the wire broken at %d, applied is %t", c.id, due, c.applied)
			}
		}
	}
}

// Ensures that a change is applied exactly once if a connection breaks at any message before the COMMIT: the
// transaction is retried.
func TestFault_Statement(t *testing.T) {
	t.Parallel()
	r, w := serveWired(t)
	m := r.newMixer()
	var l ledger
	for kind := range kinds {
		broke := inside
		for message, attempt := 1, 1; broke != beforeCommit; message, attempt = message+1, attempt+1 {
			if attempt > 40 {
				t.Fatalf("%s: no wire broke at the COMMIT", kind)
			}
			c := m.change(kind, attempt)
			if err := m.prepare(c); err != nil {
				t.Fatal(err)
			}

			broke = r.sendOver(w, c, inside, message)
			want := map[breakage]result{never: acknowledged, inside: acknowledged, beforeCommit: failed}[broke]
			if c.result != want || attempt < 3 && broke != inside {
				t.Errorf("%s: with the wire broken at %d of the transaction, %d, it is %s: %s", c.id, message, broke, c.result,
					c.answer.body)
			}
			l.changes = append(l.changes, c)

			// On a connection that has the statements prepared a transaction has fewer messages than in the attempt before: its
			// COMMIT is an earlier one.
			if broke == never {
				message -= 2
			}
		}
	}
	r.check(&l)
	t.Log(&l)
}
