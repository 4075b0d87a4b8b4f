package store

import (
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
)

// defaultPool is how many connections a process opens, unless the DSN says so in pool_max_conns, as pgxpool names it.
const defaultPool = 16

// oldestPostgres is the first version that can replace a trigger, which is asked for by each start.
const oldestPostgres = 14

var postgresDialect = dialect{
	goose: goose.DialectPostgres, exists: postgresExists, again: postgresAgain, own: postgresRoom + postgresAppendOnly + postgresEpochs + postgresSetters,
	readOnly: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, readWrite: sql.TxOptions{Isolation: sql.LevelSerializable},
	isReadOnly: "current_setting('transaction_read_only')::boolean", // also during recovery, whatever the setting is
	lockKeys:   "LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE", migrations: bytewise, hasVersions: "SELECT to_regclass('goose_db_version') IS NOT NULL",
}

// postgresRoom leaves each page of keys half empty. A key that changes is written beside what it was, and all indexes stay as
// they are; where there is no room, it is written to another page and into each index, which takes five times as long.
const postgresRoom = `
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = 'api_keys'::regclass AND reloptions @> '{fillfactor=50}') THEN
		ALTER TABLE api_keys SET (fillfactor = 50);
	END IF;
END $$;`

// postgresAppendOnly leaves a trigger that is there alone, because making it waits for everybody who writes.
const postgresAppendOnly = `
CREATE OR REPLACE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass AND tgname = 'audit_log_append_only') THEN
		CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
			FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only();
	END IF;
END $$;`

// postgresEpochs give new keys and sessions their user's epoch, whatever program inserts them. A serializable transaction
// thereby reads the user's row, so it conflicts with one that increments the epoch. A row without a user is left to its
// foreign key.
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

// postgresSetters make unknown who set a password that is stored by a program that does not say so.
const postgresSetters = `
CREATE OR REPLACE FUNCTION users_password_set_by() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.password_set_by := ''; RETURN NEW; END $$;
DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname = 'users_password_set_by') THEN
		CREATE TRIGGER users_password_set_by BEFORE UPDATE OF password_hash ON users FOR EACH ROW
			WHEN (NEW.password_hash <> OLD.password_hash) EXECUTE FUNCTION users_password_set_by();
	END IF;
END $$;`

// openPostgres connects to a server. There is one pool: who reads does not wait for who writes, nor the other way round.
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
		return nil, errors.Join(briefly(err), db.Close())
	}
	reads, writes, reserved := shares(pool)
	return &Store{
		now: now, server: clock, dialect: postgresDialect, migrating: func() (*sql.DB, error) { return openMigrating(config) },
		listening: func(ctx context.Context) (*pgx.Conn, error) { return openListening(ctx, config) },
		writer:    &handle{DB: db, idle: pool, turns: admission.NewBound(writes, admission.Many)},
		reader:    &handle{DB: db, idle: pool, turns: admission.NewBound(reads, admission.Many), reserved: reserved},
	}, nil
}

// reservingPool is the smallest pool that keeps a connection in reserve for revocations.
const reservingPool = 4

// shares splits a pool, so that neither readers nor writers can use it up. One connection is left to check whether the store is
// ready, and in all but the smallest pools one for the reads of revocations.
func shares(pool int) (reads, writes int, reserved *admission.Bound) {
	writes = max(1, (pool-1)/2)
	reads = max(1, pool-1-writes)
	if pool >= reservingPool {
		reads--
		reserved = admission.NewBound(1, admission.Many)
	}
	return reads, writes, reserved
}

// connectionIdle is how long a connection that nobody needs stays open.
const connectionIdle = 5 * time.Minute

// connectionLife is how long one that is needed does: after that the server's clock is read again.
const connectionLife = time.Hour

// parsePostgres takes a DSN as libpq does. What is set here the operator can set otherwise in the DSN.
func parsePostgres(dsn string) (*pgx.ConnConfig, int, error) {
	u, err := postgresURL(dsn)
	if err != nil {
		return nil, 0, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, 0, misread(err)
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
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = patience / 2
	}
	for name, value := range map[string]string{
		"application_name": "sallyport",
		// A process that hangs, or whose network is gone, must not keep others from what it has locked.
		"statement_timeout": limit, "idle_in_transaction_session_timeout": limit,
		// A sequential scan reads a table as a whole, and in a serializable transaction conflicts with all who write to it.
		// The planner prefers it for small tables, which are those that everybody writes to.
		"enable_seqscan": "off",
		// Where there is no other way, such a scan counts as so expensive that compiling the statement seems to pay. It does not.
		"jit": "off",
	} {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	return config, pool, nil
}

// limit is patience as PostgreSQL takes it, in milliseconds.
var limit = strconv.FormatInt(patience.Milliseconds(), 10)

func supported(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		return err
	}
	if version < oldestPostgres {
		return fmt.Errorf("it is PostgreSQL %d, and %d is the oldest that works", version, oldestPostgres)
	}
	return nil
}

// openMigrating opens connections on which a statement may take its time. Of processes that start at once one migrates; the
// others wait for it, and find its work done.
func openMigrating(config *pgx.ConnConfig) (*sql.DB, error) {
	patient := config.Copy()
	patient.RuntimeParams["statement_timeout"], patient.RuntimeParams["idle_in_transaction_session_timeout"] = "0", "0"
	locked := stdlib.OpenDB(*patient, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended('sallyport migrations ' || current_schema(), 0))")
		return err
	}))
	locked.SetMaxOpenConns(1) // the lock is the connection's, and ends with it
	return locked, nil
}

func postgresExists(err error) bool { return code(err) == "23505" }

// code is the SQLSTATE of an error of the server.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// These bound how often a transaction is tried. Of those that conflict one always commits, so many at once need as many
// tries; a connection that is lost is rare.
const (
	conflictTries   = 200
	connectionTries = 5
	// readOnlyTries is how often a server that takes no writes is tried: once more, on a new connection, which may lead to the
	// server that took over.
	readOnlyTries = 2
)

// readOnlyTransaction is the SQLSTATE of a write on a server that takes none, such as one that was demoted to a standby.
const readOnlyTransaction = "25006"

// reconnect closes the connections that are idle. After a failover they lead to the demoted server, and new ones to where the
// DSN says: with target_session_attrs=read-write to the server that takes writes.
func (h *handle) reconnect() {
	h.SetMaxIdleConns(0)
	h.SetMaxIdleConns(h.idle)
}

// postgresAgain tells whether a transaction that failed at something can be run again, as nothing of it was kept, and how
// long to wait before. What becomes of a commit whose answer is lost nobody knows, so that is not tried again.
func postgresAgain(err error, committing bool, tries int) (time.Duration, bool) {
	switch {
	case code(err) == "40001", code(err) == "40P01": // serialization failure, deadlock
		return rand.N(min(time.Millisecond<<min(tries, 6), 50*time.Millisecond)), tries < conflictTries //nolint:gosec // spreads load
	case code(err) == readOnlyTransaction:
		return 0, tries < readOnlyTries
	case committing || !lost(err):
		return 0, false
	default:
		return rand.N(10 * time.Millisecond), tries < connectionTries //nolint:gosec // spreads load
	}
}

// lost tells whether a connection that there was is no more. One that cannot be made is not lost: whoever waits for the
// server shall be told.
func lost(err error) bool {
	var connect *pgconn.ConnectError
	var server *pgconn.PgError
	if errors.As(err, &connect) {
		return false
	}
	if errors.As(err, &server) {
		return server.SeverityUnlocalized == "FATAL"
	}
	for _, end := range []error{driver.ErrBadConn, pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}
