// Package control runs a server for tests and controls it: its clock, the faults that it answers with, a journal of its
// requests, and snapshots of its records. The server keeps its records in memory.
//
// All of this is in front of the server, which has no code for it. Only test support and the command dev may import
// this package; see TestOnly and TestControl_DevOnly in impl.
package control

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Server is a server under control. It is safe for concurrent use.
type Server struct {
	// Clock is the time of the server.
	Clock *Clock
	// Faults are the faults that the server answers with.
	Faults *Faults
	// Journal has the requests that the server received.
	Journal *Journal

	settings app.Settings
	// generator makes the ids and secrets of a deterministic server; nil for others.
	generator *generator
	closing   chan struct{}

	// running is held for reading while the app is used, and for writing while it is replaced.
	running sync.RWMutex
	app     *app.App
	// key encrypts the secrets among the app's records.
	key []byte
	// start is what Reset returns to.
	start Snapshot
}

// Snapshot is the state of a server: its records, the key that encrypts the secrets among them, and its time. It holds
// secrets.
type Snapshot struct {
	Records          []byte
	KeyEncryptionKey []byte
	Time             time.Time
	// Draws is how often a deterministic server made ids and secrets, by purpose; nil for others.
	Draws map[string]int64
}

// Open starts a server with the records of a snapshot, and the current time. The zero Snapshot has no records; then the
// settings have the key-encryption key. Open keeps the records in memory, and sets the clock, whatever the settings
// say.
func Open(ctx context.Context, settings app.Settings, start Snapshot) (*Server, error) {
	return open(ctx, settings, start, newClock(time.Time{}), nil)
}

// DeterministicStart is the time at which the clock of a deterministic server stands at first.
var DeterministicStart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// OpenDeterministic starts a server without records that makes the same ids and secrets from the same seed, if it gets
// the same requests, one after the other. Its clock stands at DeterministicStart until it is advanced, also in the
// answers' Date. It makes its key-encryption key, too. Its records are marked: store.Open refuses them.
func OpenDeterministic(ctx context.Context, settings app.Settings, seed uint64) (*Server, error) {
	g := newGenerator(seed)
	start := Snapshot{Draws: g.state()}
	settings.Random = secret.NewSource(g)
	settings.KeyEncryptionKey = settings.Random.Of("key-encryption key").Bytes(secret.KeySize)
	return open(ctx, settings, start, newClock(DeterministicStart), g)
}

func open(
	ctx context.Context, settings app.Settings, start Snapshot, clock *Clock, g *generator,
) (*Server, error) {
	s := &Server{
		Clock:     clock,
		Journal:   &Journal{},
		settings:  settings,
		generator: g,
		start:     start,
		closing:   make(chan struct{}),
	}
	if start.Records == nil {
		s.start.KeyEncryptionKey = settings.KeyEncryptionKey
	}
	s.settings.Memory, s.settings.Now, s.settings.ServerTime = true, s.Clock.Now, false
	s.key = s.start.KeyEncryptionKey
	var err error
	if s.app, err = s.open(ctx, s.start); err != nil {
		return nil, err
	}
	// Last: the contract, which faults need, is parsed while the app opens.
	if s.Faults, err = newFaults(); err != nil {
		return nil, errors.Join(err, s.app.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, from Snapshot) (*app.App, error) {
	settings := s.settings
	settings.Image, settings.KeyEncryptionKey = from.Records, from.KeyEncryptionKey
	return app.Open(ctx, settings)
}

// Random returns where the server's ids and secrets come from.
func (s *Server) Random() secret.Source { return s.settings.Random }

// Do calls f with the app, which is not replaced meanwhile.
func (s *Server) Do(f func(*app.App) error) error {
	s.running.RLock()
	defer s.running.RUnlock()
	return f(s.app)
}

// Snapshot returns the current state. Faults and the journal are not part of it.
func (s *Server) Snapshot(ctx context.Context) (Snapshot, error) {
	s.running.RLock()
	defer s.running.RUnlock()
	return s.snapshot(ctx)
}

func (s *Server) snapshot(ctx context.Context) (Snapshot, error) {
	records, err := s.app.Image(ctx)
	state := Snapshot{Records: records, KeyEncryptionKey: s.key, Time: s.Clock.Now()}
	if s.generator != nil {
		state.Draws = s.generator.state()
	}
	return state, err
}

// Start makes the current state the one that Reset returns to.
func (s *Server) Start(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	start, err := s.snapshot(ctx)
	if err == nil {
		s.start = start
	}
	return err
}

// Restore replaces the state by that of a snapshot, after the requests in progress. What the server keeps in memory
// only, such as caches and the failed attempts of client addresses, starts empty. If the snapshot cannot be
// opened, nothing changes.
func (s *Server) Restore(ctx context.Context, to Snapshot) error {
	s.running.Lock()
	defer s.running.Unlock()
	return s.replace(ctx, to, func() func() { return s.Clock.set(to.Time) })
}

// Reset returns to the state at the start: it restores the records, sets the clock to the current time, or that of the
// start if the server is deterministic, and clears faults and the journal.
func (s *Server) Reset(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	s.Faults.Clear()
	err := s.replace(ctx, s.start, s.Clock.reset)
	s.Journal.clear()
	return err
}

// replace opens an app on other records in place of the current one. It sets the clock before that. The caller holds
// the lock.
func (s *Server) replace(ctx context.Context, with Snapshot, setClock func() (undo func())) error {
	undoDraws := s.setDraws(with.Draws)
	undo := setClock()
	next, err := s.open(ctx, with)
	if err != nil {
		undo()
		undoDraws()
		return err
	}
	old := s.app
	s.app, s.key = next, with.KeyEncryptionKey
	return old.Close()
}

// setDraws sets how often a deterministic server made ids and secrets, unless a snapshot of another one does not say
// it. It returns a function that undoes it.
func (s *Server) setDraws(draws map[string]int64) (undo func()) {
	if s.generator == nil || draws == nil {
		return func() {}
	}
	return s.generator.set(draws)
}

// Close ends delayed requests, waits for those in progress, and closes the server. It must be called once.
func (s *Server) Close() error {
	close(s.closing)
	s.running.Lock()
	defer s.running.Unlock()
	return s.app.Close()
}

// ServeHTTP implements http.Handler. A fault that drops the connection panics with http.ErrAbortHandler, which
// net/http's server expects.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := s.operation(r)
	f, failing := s.Faults.next(operation)
	entry := s.Journal.add(r, operation, s.Clock.Now(), failing)
	defer entry.end()

	if s.generator != nil {
		s.settle(w, r)
	}
	recorded := &recorder{ResponseWriter: w, entry: entry}
	if failing {
		s.fail(recorded, r, f)
		return
	}
	s.serve(recorded, r)
}

// settle makes the headers of an answer that are not the app's depend on nothing but the requests before: the date, and
// the request id, unless the client chose one.
func (s *Server) settle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.Clock.Now().UTC().Format(http.TimeFormat))
	if edge.ChosenRequestID(r) == "" {
		r.Header.Set("X-Request-Id", s.Random().Of("requests").Text(requestIDBytes))
	}
}

// requestIDBytes gives request ids the length that the server's have.
const requestIDBytes = 12

func (s *Server) operation(r *http.Request) string {
	s.running.RLock()
	defer s.running.RUnlock()
	return s.app.Operation(r)
}

// serve has the app handle a request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.running.RLock()
	defer s.running.RUnlock()
	select {
	case <-s.closing:
		panic(http.ErrAbortHandler) // the request was delayed until after the end
	default:
		s.app.Handler.ServeHTTP(w, r)
	}
}
