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

// breakage is when a wire breaks.
type breakage int

const (
	never breakage = iota
	// inside is when a message inside of a transaction has been sent and has not arrived.
	inside
	// beforeCommit is when a COMMIT has been sent and has not arrived.
	beforeCommit
	// afterCommit is when it has been carried out, and its answer has not arrived.
	afterCommit
)

// wire leads to PostgreSQL, and breaks once when it is told to.
type wire struct {
	net.Listener
	target string

	mu sync.Mutex
	// due is how it is to break, for inside at which message of the next transaction that writes.
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
	t.Cleanup(func() { // after the servers' end, which closes their connections
		l.Close() //nolint:errcheck // nothing is left to be written
		lines.Wait()
	})
	u.Host = l.Addr().String()
	return w, u.String()
}

// carry leads what comes from one side to the other, until one of them ends.
func (w *wire) carry(near net.Conn) {
	defer near.Close() //nolint:errcheck // it is over
	far, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer far.Close() //nolint:errcheck // it is over
	back := answerPath{near: near}
	var answers sync.WaitGroup
	answers.Go(func() {
		io.Copy(&back, far) //nolint:errcheck // it ends when one of them does
		near.Close()        //nolint:errcheck // it is over
	})
	defer answers.Wait()
	defer far.Close() //nolint:errcheck // it is over
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

// answerPath leads answers back. Where it is cut, the connection ends once there is an answer: what was sent is done then.
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

// arm has the wire break in the next transaction that writes.
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

// breaks tells whether the wire breaks at a message of a transaction that writes.
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

// serveWired is servers of which one has a wire to PostgreSQL.
func serveWired(t *testing.T) (*fleet, *wire) {
	t.Helper()
	dsn := postgrestest.Database(t)
	r := serveFleet(t, dsn)
	w, through := newWire(t, dsn)
	r.servers[0] = serveStore(t, through, r.env...)
	return r, w
}

// sendOver sends a change over the wire, and returns how that broke.
func (r *fleet) sendOver(w *wire, c *change, due breakage, message int) breakage {
	r.Helper()
	w.arm(due, message)
	if err := c.send(r.Context(), r.caller, r.from(0)); err != nil {
		r.Error(err)
	}
	return w.broke()
}

// Ensures that a change whose COMMIT is lost on its way is not done, that one whose COMMIT is carried out and the answer is lost
// is done once, and that both are said to have failed: nobody can know.
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

// Ensures that a change is done, and once, whichever message of its transaction a connection breaks at before the COMMIT: it is
// begun anew.
func TestFault_Statement(t *testing.T) {
	t.Parallel()
	r, w := serveWired(t)
	m := r.newMixer()
	var l ledger
	for kind := range kinds {
		for message, broke := 1, inside; broke == inside; message++ {
			c := m.change(kind, message)
			if err := m.prepare(c); err != nil {
				t.Fatal(err)
			}
			broke = r.sendOver(w, c, inside, message)
			if want := map[breakage]result{inside: acknowledged, beforeCommit: failed}[broke]; c.result != want || message < 3 && broke != inside {
				t.Errorf("%s: with the wire broken at %d of the transaction, %d, it is %s: %s", c.id, message, broke, c.result, c.answer.body)
			}
			l.changes = append(l.changes, c)
		}
	}
	r.check(&l)
	t.Log(&l)
}
