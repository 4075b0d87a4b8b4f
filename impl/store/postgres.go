package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/background"
)

// defaultPool is the maximum number of connections of a process, unless the DSN sets pool_max_conns, as pgxpool names
// it.
const defaultPool = 16

// oldestPostgres is the first version that can replace a trigger, which each start does.
const oldestPostgres = 14

var postgresDialect = dialect{
	goose:      goose.DialectPostgres,
	exists:     postgresExists,
	retry:      postgresRetry,
	own:        postgresFillFactor + postgresAppendOnly + postgresEpochs + postgresSetters,
	readOnly:   sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	readWrite:  sql.TxOptions{Isolation: sql.LevelSerializable},
	isReadOnly: "current_setting('transaction_read_only')::boolean", // also true during recovery

	// The setting ends with the transaction.
	permitRemoval: "SELECT set_config('sallyport.audit_removal', 'on', TRUE)",
	refuseRemoval: "SELECT set_config('sallyport.audit_removal', '', TRUE)",

	lockKeys:   "LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE",
	migrations: bytewise,
	hasTable:   "SELECT to_regclass($1) IS NOT NULL",
}

// postgresFillFactor leaves each page of keys half empty, so that a changed key is written to the same page and all
// indexes stay unchanged. In a full page, it would be written to another page and to each index, which takes five
// times as long.
const postgresFillFactor = `
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = 'api_keys'::regclass AND reloptions @> '{fillfactor=50}') THEN
		ALTER TABLE api_keys SET (fillfactor = 50);
	END IF;
END $$;`

// postgresAppendOnly keeps an existing trigger, because creating it waits for all writers.
const postgresAppendOnly = `
CREATE OR REPLACE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN
		IF TG_OP = 'DELETE' AND current_setting('sallyport.audit_removal', TRUE) = 'on' THEN
			RETURN NULL;
		END IF;
		RAISE EXCEPTION 'the audit log is append-only';
	END $$;
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass
		AND tgname = 'audit_log_append_only') THEN
		CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
			FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only();
	END IF;
END $$;`

// postgresEpochs set the epoch of new keys and sessions to their user's, whatever program inserts them. A
// serializable transaction thereby reads the user's row, so it conflicts with one that increments the epoch. A row
// without a user is left to its foreign key.
const postgresEpochs = `
CREATE OR REPLACE FUNCTION api_keys_epoch() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.epoch := COALESCE((SELECT key_epoch FROM users WHERE name = NEW.user_name), 0); RETURN NEW; END $$;
CREATE OR REPLACE FUNCTION sessions_epoch() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.epoch := COALESCE((SELECT session_epoch FROM users WHERE name = NEW.user_name), 0); RETURN NEW; END $$;
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'api_keys'::regclass AND tgname = 'api_keys_epoch') THEN
		CREATE TRIGGER api_keys_epoch BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION api_keys_epoch();
	END IF;
	IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'sessions'::regclass AND tgname = 'sessions_epoch') THEN
		CREATE TRIGGER sessions_epoch BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_epoch();
	END IF;
END $$;`

// postgresSetters reset password_set_by to unknown when a program stores a password without it.
const postgresSetters = `
CREATE OR REPLACE FUNCTION users_password_set_by() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.password_set_by := ''; RETURN NEW; END $$;
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = 'users_password_set_by') THEN
		CREATE TRIGGER users_password_set_by BEFORE UPDATE OF password_hash ON users FOR EACH ROW
			WHEN (NEW.password_hash <> OLD.password_hash) EXECUTE FUNCTION users_password_set_by();
	END IF;
END $$;`

// openPostgres connects to a server, with one pool for readers and writers, which do not wait for each other.
func openPostgres(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	config, pool, err := parsePostgres(dsn)
	if err != nil {
		return nil, err
	}
	clock := &serverClock{local: now}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(clock.read))
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	db.SetConnMaxIdleTime(connectionIdle)
	db.SetConnMaxLifetime(connectionLife)
	if err := supported(ctx, db); err != nil {
		return nil, errors.Join(shorten(err), db.Close())
	}
	reads, writes, reserved := shares(pool)
	return &Store{
		now:          now,
		server:       clock,
		dialect:      postgresDialect,
		migrating:    func() (*sql.DB, error) { return openMigrating(config) },
		openListener: func(ctx context.Context) (*pgx.Conn, error) { return connectListener(ctx, config) },
		writer:       &handle{DB: db, idle: pool, slots: admission.NewBound(writes, admission.Many)},
		reader:       &handle{DB: db, idle: pool, slots: admission.NewBound(reads, admission.Many), reserved: reserved},
	}, nil
}

// reservingPool is the smallest pool that keeps a connection in reserve for revocations.
const reservingPool = 4

// shares splits a pool, so that neither readers nor writers can exhaust it. One connection is left to check whether
// the store is ready, and in all but the smallest pools one for the reads of revocations.
func shares(pool int) (reads, writes int, reserved *admission.Bound) {
	writes = max(1, (pool-1)/2)
	reads = max(1, pool-1-writes)
	if pool >= reservingPool {
		reads--
		reserved = admission.NewBound(1, admission.Many)
	}
	return reads, writes, reserved
}

// connectionIdle is the time that an idle connection stays open.
const connectionIdle = 5 * time.Minute

// connectionLife is the maximum age of a connection. A new one reads the server's clock again.
const connectionLife = time.Hour

// CheckParameters returns the error with which Open refuses the DSN of a PostgreSQL server before it connects, such as
// one about a missing certificate file. It accepts all DSNs of other kinds.
func CheckParameters(dsn string) error {
	if !IsPostgres(dsn) {
		return nil
	}
	_, _, err := parsePostgres(dsn)
	return err
}

// parsePostgres parses a DSN as libpq does. The DSN overrides the defaults that are set here.
func parsePostgres(dsn string) (*pgx.ConnConfig, int, error) {
	u, err := postgresURL(dsn)
	if err != nil {
		return nil, 0, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, 0, parseError(err)
	}
	if err := checkProtected(u, config); err != nil {
		return nil, 0, err
	}
	pool := defaultPool
	if text, ok := config.RuntimeParams["pool_max_conns"]; ok {
		delete(config.RuntimeParams, "pool_max_conns")
		if pool, err = strconv.Atoi(text); err != nil || pool < 2 {
			return nil, 0, errors.New("pool_max_conns must be 2 or more")
		}
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, transactionTimeout/2)
	for name, value := range map[string]string{
		"application_name": "sallyport",
		// A process that hangs, or has lost its network, must not block others with its locks.
		"statement_timeout": limit, "idle_in_transaction_session_timeout": limit,
		// A sequential scan reads a table as a whole, and in a serializable transaction conflicts with all writers of
		// it. The planner prefers it for small tables, which are the most written ones.
		"enable_seqscan": "off",
		// If there is no other plan, such a scan is rated so expensive that compiling the statement seems to pay. It
		// does not.
		"jit": "off",
	} {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	return config, pool, nil
}

// limit is transactionTimeout in milliseconds, as PostgreSQL accepts it.
var limit = strconv.FormatInt(transactionTimeout.Milliseconds(), 10)

func supported(ctx context.Context, db *sql.DB) error {
	var version int
	row := db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int / 10000")
	if err := row.Scan(&version); err != nil {
		return err
	}
	if version < oldestPostgres {
		return fmt.Errorf("it is PostgreSQL %d, and %d is the oldest that works", version, oldestPostgres)
	}
	return nil
}

// openMigrating opens connections without a statement timeout. Of processes that start at once one migrates; the
// others wait for it, and find its work done.
func openMigrating(config *pgx.ConnConfig) (*sql.DB, error) {
	unlimited := config.Copy()
	unlimited.RuntimeParams["statement_timeout"] = "0"
	unlimited.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	locked := stdlib.OpenDB(*unlimited, stdlib.OptionAfterConnect(lockMigrations))
	locked.SetMaxOpenConns(1) // the lock is the connection's, and ends with it
	return locked, nil
}

// lockMigrations waits for the lock of migrations. A statement that waits for it would be one that CREATE INDEX
// CONCURRENTLY in the other process waits for.
func lockMigrations(ctx context.Context, conn *pgx.Conn) error {
	for {
		var locked bool
		err := conn.QueryRow(ctx,
			"SELECT pg_try_advisory_lock(hashtextextended('sallyport migrations ' || current_schema(), 0))").Scan(&locked)
		if err != nil || locked {
			return err
		}
		if !background.Pause(ctx, migrationsPoll) {
			return context.Cause(ctx)
		}
	}
}

// migrationsPoll is the interval in which a process asks whether another one has migrated.
const migrationsPoll = 50 * time.Millisecond

func postgresExists(err error) bool { return code(err) == "23505" }

// code returns the SQLSTATE of an error of the server.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// The maximum numbers of tries of a transaction. Of conflicting transactions one always commits, so n concurrent ones
// need up to n tries; a lost connection is rare.
const (
	conflictTries   = 200
	connectionTries = 5
	// readOnlyTries allows a server that accepts no writes one retry, on a new connection, which may lead to the
	// server that took over.
	readOnlyTries = 2
)

// readOnlyTransaction is the SQLSTATE of a write on a server that accepts none, such as one that was demoted to a
// standby.
const readOnlyTransaction = "25006"

// reconnect closes idle connections. After a failover they lead to the demoted server, and new ones to where the DSN
// says: with target_session_attrs=read-write to the server that accepts writes.
func (h *handle) reconnect() {
	h.SetMaxIdleConns(0)
	h.SetMaxIdleConns(h.idle)
}

// postgresRetry reports whether a failed transaction can be retried, because nothing of it was kept, and the delay
// before. After a commit without an answer that is unknown, so it is not retried.
func postgresRetry(err error, committing bool, tries int) (time.Duration, bool) {
	switch {
	case code(err) == "40001", code(err) == "40P01": // serialization failure, deadlock
		wait := rand.N(min(time.Millisecond<<min(tries, 6), 50*time.Millisecond)) //nolint:gosec // spreads load
		return wait, tries < conflictTries
	case code(err) == readOnlyTransaction:
		return 0, tries < readOnlyTries
	case committing || !lost(err):
		return 0, false
	default:
		return rand.N(10 * time.Millisecond), tries < connectionTries //nolint:gosec // spreads load
	}
}

// lost reports whether an error means that an open connection was lost. A connection that could not be opened is not
// lost: its caller gets the error at once.
func lost(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.SeverityUnlocalized == "FATAL"
	}
	for _, end := range []error{driver.ErrBadConn, pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}
