package store

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/impl/platform/background"
)

// MaxLifetime is the longest time for which a cached value can be outdated.
const MaxLifetime = 5 * time.Second

const (
	// channel is the SQL for the name of the channel for invalidation messages. Each schema has its own, as it has
	// its own tables.
	channel = "'sallyport_changes_' || quote_ident(current_schema())::regnamespace::oid"
	// heartbeat is the time that the LISTEN connection may be idle before it is checked, and the timeout of that check.
	heartbeat = time.Second
	// relistenDelay is the delay between a lost connection and the next one.
	relistenDelay = 200 * time.Millisecond
)

// follower keeps the LISTEN connection that receives the changes of other processes, until it is closed.
type follower struct {
	connect func(context.Context) (*pgx.Conn, error)
	changes *changes
	log     *slog.Logger
	stop    context.CancelFunc
	stopped chan struct{}
}

// Follow turns caches of this store on, with a lifetime of at most MaxLifetime for each value. On PostgreSQL each
// process sends its changes as invalidation messages, and nothing is cached while the LISTEN connection is down. On
// SQLite each read of a cache detects the commits of other processes; a database in memory has none. Follow must be
// called before the first transaction.
func (s *Store) Follow(lifetime time.Duration, log *slog.Logger) {
	if lifetime <= 0 {
		return
	}
	s.changes = newChanges(s.now, min(lifetime, MaxLifetime))
	switch {
	case s.files != nil:
		s.followFile(log)
		return
	case s.openListener == nil: // a database in memory is this process's alone
		s.changes.connect()
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.follower = &follower{s.openListener, s.changes, log, stop, make(chan struct{})}
	go s.follower.run(ctx)
}

func (s *Store) followFile(log *slog.Logger) {
	watched, err := watchCommits(s.files, s.changes)
	if err != nil {
		log.Warn("caching is off: commits of other processes cannot be detected", "error", err)
		return
	}
	s.commits = watched
	s.changes.connect()
}

// Following reports whether the changes of other processes arrive, so that values are cached.
func (s *Store) Following() bool { return s.changes != nil && s.changes.connected() }

// Flushes returns how often everything that is cached was invalidated at once.
func (s *Store) Flushes() uint64 {
	if s.changes == nil {
		return 0
	}
	return s.changes.flushes.Load()
}

// current reports whether the changes of all commits until now are recorded, or, on PostgreSQL, will be as soon as
// their messages arrive. If not, no cached value may be used.
func (s *Store) current() bool {
	if s.commits != nil {
		return s.commits.current()
	}
	return s.Following()
}

// notify sends an invalidation message with a transaction's changes, on its commit.
func (s *Store) notify(ctx context.Context, tx *sql.Tx, changed tags) error {
	if s.openListener == nil || changed.empty() {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_notify("+channel+", $1)", changed.String()); err != nil {
		return failure(ctx, "notify", err)
	}
	return nil
}

// invalidate invalidates changed values in this process's own caches.
func (s *Store) invalidate(changed tags) {
	if s.changes != nil && !changed.empty() {
		s.changes.record(changed)
	}
}

// connectListener opens a connection with an application_name that distinguishes it from the pool.
func connectListener(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
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
		f.changes.disconnect()
		if ctx.Err() != nil {
			return
		}
		if !lost {
			f.log.Warn("listen connection lost; caching is off until it is back", "error", err)
		}
		if !background.Pause(ctx, relistenDelay) {
			return
		}
	}
}

// listen receives invalidation messages until the connection is lost. It calls connected once it receives them.
func (f *follower) listen(ctx context.Context, connected func()) error {
	conn, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer closeConn(conn)

	f.changes.connect() // reads from now on see all earlier changes
	f.log.Info("listen connection established")
	connected()

	for {
		message, err := receive(ctx, conn)
		if err != nil {
			return err
		}
		if message != nil {
			f.changes.record(readTags(message.Payload))
		}
	}
}

func (f *follower) begin(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout/2)
	defer cancel()
	conn, err := f.connect(ctx)
	if err != nil {
		return nil, shorten(err)
	}
	var name string
	if err = conn.QueryRow(ctx, "SELECT "+channel).Scan(&name); err == nil {
		_, err = conn.Exec(ctx, "LISTEN "+name)
	}
	if err != nil {
		closeConn(conn)
		return nil, err
	}
	return conn, nil
}

// receive waits for an invalidation message. It returns nil if there is none, and the server still answers.
func receive(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	message, err := conn.WaitForNotification(waiting)
	if message != nil || waiting.Err() == nil || ctx.Err() != nil {
		return message, err
	}
	asking, cancelAsking := context.WithTimeout(ctx, heartbeat)
	defer cancelAsking()
	return nil, conn.Ping(asking)
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), heartbeat)
	defer cancel()
	_ = conn.Close(ctx) // it is lost either way
}
