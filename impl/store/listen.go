package store

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// MaxLifetime is how long at most a change may be missed.
const MaxLifetime = 5 * time.Second

const (
	// channel is the SQL for the name of the channel on which processes tell each other what they changed. Each schema has its
	// own, as it has its own tables.
	channel = "'sallyport_changes_' || quote_ident(current_schema())::regnamespace::oid"
	// heartbeat is how long nothing need be heard before it is asked whether the server is there, and how long the answer
	// may take.
	heartbeat = time.Second
	// listenAgain is how long after a connection was lost the next one is tried.
	listenAgain = 200 * time.Millisecond
)

// follower hears what other processes change, until it is closed.
type follower struct {
	connect func(context.Context) (*pgx.Conn, error)
	changes *changes
	log     *slog.Logger
	stop    context.CancelFunc
	stopped chan struct{}
}

// Follow makes caches of this store remember, for a lifetime at most. On PostgreSQL everybody who changes something tells
// all who follow, and while this process cannot hear that, nothing is remembered. On SQLite nothing ever is: other processes
// write to the file without a word, and reading it is fast. It must be called before the first transaction.
func (s *Store) Follow(lifetime time.Duration, log *slog.Logger) {
	if s.listening == nil || lifetime <= 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.changes = newChanges(s.now, min(lifetime, MaxLifetime))
	s.follower = &follower{s.listening, s.changes, log, stop, make(chan struct{})}
	go s.follower.run(ctx)
}

// Following tells whether changes that others make are heard, so that caches remember.
func (s *Store) Following() bool { return s.changes != nil && s.changes.known() }

// tell says to all who follow, with the commit of a transaction, what it changed.
func (s *Store) tell(ctx context.Context, tx *sql.Tx, changed tags) error {
	if s.listening == nil || changed.empty() {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_notify("+channel+", $1)", changed.String()); err != nil {
		return failure(ctx, "notify", err)
	}
	return nil
}

// forget makes this process's own caches forget what was changed.
func (s *Store) forget(changed tags) {
	if s.changes != nil && !changed.empty() {
		s.changes.happened(changed)
	}
}

// openListening opens a connection that can be told from those that work.
func openListening(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	own := config.Copy()
	own.RuntimeParams["application_name"] += "-listen"
	return pgx.ConnectConfig(ctx, own)
}

func (f *follower) close() {
	f.stop()
	<-f.stopped
}

func (f *follower) run(ctx context.Context) {
	defer close(f.stopped)
	for lost := false; ; lost = true {
		err := f.listen(ctx, func() { lost = false })
		f.changes.lose()
		if ctx.Err() != nil {
			return
		}
		if !lost {
			f.log.Warn("changes by other processes are not heard; until they are, nothing is cached", "error", err)
		}
		if !pause(ctx, listenAgain) {
			return
		}
	}
}

// listen hears changes until its connection is lost. It tells when it does.
func (f *follower) listen(ctx context.Context, heard func()) error {
	conn, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer hangUp(conn)
	f.changes.follow() // whoever reads from now on sees what happened before
	f.log.Info("changes by other processes are heard")
	heard()
	for {
		told, err := hear(ctx, conn)
		if err != nil {
			return err
		}
		if told != nil {
			f.changes.happened(readTags(told.Payload))
		}
	}
}

func (f *follower) begin(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	conn, err := f.connect(ctx)
	if err != nil {
		return nil, briefly(err)
	}
	var name string
	if err = conn.QueryRow(ctx, "SELECT "+channel).Scan(&name); err == nil {
		_, err = conn.Exec(ctx, "LISTEN "+name)
	}
	if err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// hear waits for what is told; it returns nil if there is nothing, and the server is still there.
func hear(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	told, err := conn.WaitForNotification(waiting)
	if told != nil || waiting.Err() == nil || ctx.Err() != nil {
		return told, err
	}
	asking, cancelAsking := context.WithTimeout(ctx, heartbeat)
	defer cancelAsking()
	return nil, conn.Ping(asking)
}

func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), heartbeat)
	defer cancel()
	_ = conn.Close(ctx) // it is gone either way
}
