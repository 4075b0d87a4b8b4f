package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// soon is the time limit for a change to reach another process, and patient the time limit of tests for any other
// event.
const (
	soon    = time.Second
	patient = 20 * time.Second
)

// hand is a clock that tests advance.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// replica is a process's store, with a cache of sessions by their tokens.
type replica struct {
	*testing.T
	*Store
	clock *hand
	alive *Cache[string, string]
	// refused makes the next LISTEN connection fail.
	refused *atomic.Bool
}

func newReplica(t *testing.T, dsn string) *replica {
	t.Helper()
	clock := &hand{now: time.UnixMilli(1e12)}
	s, err := Open(t.Context(), dsn, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	refused, connect := new(atomic.Bool), s.openListener
	if connect != nil {
		s.openListener = func(ctx context.Context) (*pgx.Conn, error) {
			if refused.Load() {
				return nil, errRefused
			}
			return connect(ctx)
		}
	}
	s.Follow(MaxLifetime, slog.New(slog.DiscardHandler))
	alive, err := NewCache[string, string](s, 8)
	if err != nil {
		t.Fatal(err)
	}
	return &replica{t, s, clock, alive, refused}
}

var errRefused = errors.New("no LISTEN connection for this test")

// newReplicas returns two stores on one database that receive each other's changes.
func newReplicas(t *testing.T) (a, b *replica) {
	t.Helper()
	return newReplicasOn(t, postgrestest.DSN(t))
}

func newReplicasOn(t *testing.T, dsn string) (a, b *replica) {
	t.Helper()
	a, b = newReplica(t, dsn), newReplica(t, dsn)
	fill(t, a.Store)
	a.follows()
	b.follows()
	return a, b
}

func (r *replica) follows() {
	r.Helper()
	r.eventually(patient, "changes are received", r.Following)
}

func (r *replica) eventually(limit time.Duration, what string, is func() bool) {
	r.Helper()
	for deadline := time.Now().Add(limit); !is(); {
		if time.Now().After(deadline) {
			r.Fatalf("after %v it is not so that %s", limit, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// session returns the session of the token t, "" if it has ended.
func (r *replica) session() string {
	r.Helper()
	return r.sessionWhile(func() {})
}

// sessionWhile is session, with a function that runs after the read and before the value is cached.
func (r *replica) sessionWhile(happens func()) string {
	r.Helper()
	id, err := r.alive.Read(r.Context(), "t", func(tx *Tx) (string, error) {
		_, session, _, err := tx.Sessions.FindByToken("t")
		happens()
		return session.ID, err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		r.Fatal(err)
	}
	return id
}

func (r *replica) logout() {
	r.Helper()
	err := r.Update(r.Context(), func(tx *Tx) error { _, err := tx.Sessions.Delete("s"); return err })
	if err != nil {
		r.Fatal(err)
	}
}

func (r *replica) wantCounts(hits, misses uint64) {
	r.Helper()
	if h, m := r.alive.Counts(); h != hits || m != misses {
		r.Errorf("%d hits and %d misses; want %d and %d", h, m, hits, misses)
	}
}

// Ensures that a session is read once, and not found once the call that ends it returns, and a moment later in other
// processes.
func TestCache(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	for range 3 {
		if a.session() != "s" || b.session() != "s" {
			t.Fatal("the session is not found")
		}
	}
	a.wantCounts(2, 1)
	b.wantCounts(2, 1)
	a.logout()
	if a.session() != "" {
		t.Error("the session is found where it was ended")
	}
	b.eventually(soon, "the session has ended in the other process", func() bool { return b.session() == "" })
}

// Ensures that changes in another schema of the database are not received.
func TestCache_Schemas(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	other, _ := newReplicas(t)
	change := func(r *replica, user string) {
		if err := r.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.Users.ReplacePasswordHash(user, "", "")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(other, "there")
	change(a, "here")
	b.eventually(patient, "a change is received", func() bool { return b.changes.last(userTag("here")) > 0 })
	if got := b.changes.last(userTag("there")); got != 0 {
		t.Error("a change in another schema is received")
	}
}

// Ensures that a value that was read before a change is not cached after it, in neither process.
func TestCache_ReadBefore(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(a, b *replica) (reads *replica){
		"where it is ended": func(a, _ *replica) *replica { return a },
		"elsewhere":         func(_, b *replica) *replica { return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newReplicas(t)
			reads := ends(a, b)
			before := reads.changes.count.Load()
			found := reads.sessionWhile(func() {
				a.logout()
				reads.eventually(patient, "the change is received",
					func() bool { return reads.changes.count.Load() > before })
			})
			if found != "s" {
				t.Fatalf("%q is found; want what was read before the change", found)
			}
			if reads.session() != "" {
				t.Error("the value from before the change is cached")
			}
		})
	}
}

// Ensures that nothing is cached for longer than a lifetime, even without an invalidation message.
func TestCache_Lifetime(t *testing.T) {
	t.Parallel()
	_, b := newReplicas(t)
	b.session()
	b.unannounced("DELETE FROM sessions")
	b.clock.advance(MaxLifetime - 1)
	if b.session() != "s" {
		t.Error("the session is evicted before its time, so this shows nothing")
	}
	b.clock.advance(1)
	if b.session() != "" {
		t.Error("the session is cached after its lifetime")
	}
}

// unannounced runs a statement without an invalidation message.
func (r *replica) unannounced(statement string) {
	r.Helper()
	if _, err := r.writer.ExecContext(r.Context(), statement); err != nil {
		r.Fatal(err)
	}
}

// cut ends all LISTEN connections to the database.
func (r *replica) cut() {
	r.Helper()
	r.unannounced(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'sallyport-listen' AND datname = current_database()`)
}

// Ensures that nothing is cached without a LISTEN connection, and that earlier values are not used after it is back.
func TestCache_ListenConnectionLost(t *testing.T) {
	t.Parallel()
	a, b := newReplicasOn(t, postgrestest.Database(t))
	b.session()
	b.refused.Store(true)
	b.cut()
	b.eventually(patient, "the loss is noticed", func() bool { return !b.Following() })
	a.logout()
	a.follows()
	b.refused.Store(false)
	b.follows()
	if b.session() != "" {
		t.Error("a value from before is used")
	}
}

// Ensures that a LISTEN connection that is open but no longer receives anything is noticed.
func TestCache_Stalled(t *testing.T) {
	t.Parallel()
	proxy := postgrestest.NewProxy(t, postgrestest.DSN(t), "sallyport-listen")
	r := newReplica(t, proxy.DSN)
	fill(t, r.Store)
	r.follows()
	r.session()
	r.unannounced("DELETE FROM sessions")
	if r.session() != "s" {
		t.Error("the session is not cached, so this shows nothing")
	}
	proxy.Stall()
	r.eventually(patient, "the session is evicted", func() bool { return r.session() == "" })
	if r.Following() {
		t.Error("changes seem to be received")
	}
}

// Ensures that nothing is cached before there is a LISTEN connection.
func TestCache_NoListenConnection(t *testing.T) {
	t.Parallel()
	r := newReplica(t, postgrestest.Database(t))
	r.refused.Store(true)
	fill(t, r.Store)
	r.cut()
	r.eventually(patient, "the loss is noticed", func() bool { return !r.Following() })
	if r.session() != "s" {
		t.Fatal("the session is not found")
	}
	r.unannounced("DELETE FROM sessions")
	if r.session() != "" {
		t.Error("the session is cached")
	}
	r.wantCounts(0, 0)
}

// Ensures that a retried transaction announces the changes of its last try only, and one that is rolled back none.
func TestUpdate_Announces(t *testing.T) {
	t.Parallel()
	a, _ := newReplicas(t)
	before := a.changes.count.Load()
	if err := a.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.Sessions.Delete("s"); err != nil {
			return err
		}
		return ErrNotFound
	}); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if a.changes.count.Load() != before {
		t.Error("a rolled back change is announced")
	}
	again := false
	if err := a.Update(t.Context(), func(tx *Tx) error {
		defer func() { again = true }()
		if !again {
			tx.changed.add(userTag("first"))
			return &pgconn.PgError{Code: "40001"}
		}
		tx.changed.add(userTag("second"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	first, second := a.changes.last(userTag("first")), a.changes.last(userTag("second"))
	if first != 0 || second == 0 {
		t.Errorf("%d changes of the first try are announced, and %d of the second", first, second)
	}
}
