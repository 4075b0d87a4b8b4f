package store_test

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that PostgreSQL keeps the contract.
func TestPostgres(t *testing.T) {
	testContract(t, func(t *testing.T, now func() time.Time) *store.Store {
		return open(t, postgrestest.DSN(t), now)
	})
}

// connect opens a database without the store.
func connect(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // nothing to lose
	return db
}

// Ensures that of programs that start at the same time on an empty database none fails.
func TestPostgres_OpenAtOnce(t *testing.T) {
	openAtOnce(t, postgrestest.DSN(t))
}

// Ensures that the one pool is counted once.
func TestPostgres_Pools(t *testing.T) {
	pools := open(t, postgrestest.DSN(t), time.Now).Pools()
	if all, ok := pools["all"]; len(pools) != 1 || !ok || all.MaxOpenConnections != 16 {
		t.Errorf("the pools are %v", pools)
	}
}

// Ensures that the audit trail cannot be changed by a statement, whichever program sends it, nor emptied.
func TestPostgres_AppendOnly(t *testing.T) {
	dsn := postgrestest.DSN(t)
	open(t, dsn, time.Now)
	fillTrail(t, open(t, dsn, time.Now)) // as each start does
	db := connect(t, dsn)
	for _, statement := range []string{`UPDATE audit_log SET actor = 'x'`, `DELETE FROM audit_log`,
		`TRUNCATE audit_log`} {
		_, err := db.ExecContext(t.Context(), statement)
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// Ensures that texts are ordered by their bytes in all columns, also where the database has a locale.
func TestPostgres_Bytewise(t *testing.T) {
	dsn := postgrestest.DSN(t)
	open(t, dsn, time.Now)
	var others int
	err := connect(t, dsn).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name <> 'goose_db_version' AND data_type = 'text'
		AND collation_name IS DISTINCT FROM 'C'`).Scan(&others)
	if err != nil || others != 0 {
		t.Errorf("%d columns have another order: %v", others, err)
	}
}

// Ensures that a database of a newer program is left alone, and that one in use stays ready until a migration says that
// this program cannot serve it.
func TestPostgres_NewerSchema(t *testing.T) {
	dsn := postgrestest.DSN(t)
	st := open(t, dsn, time.Now)
	if current, target, err := store.Schema(t.Context(), dsn); err != nil || current != target ||
		st.Ready(t.Context()) != nil {
		t.Errorf("the schema is %d of %d: %v, %v", current, target, err, st.Ready(t.Context()))
	}
	db := connect(t, dsn)
	if _, err := db.ExecContext(t.Context(),
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), dsn, time.Now); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a newer schema is opened: %v", err)
	}
	must(t, st.Ready(t.Context()))
	if _, err := db.ExecContext(t.Context(), "UPDATE schema_compatibility SET oldest = 9999"); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "from version 9999 on") {
		t.Errorf("with a schema for newer programs only: %v", err)
	}
}

// Ensures that an empty database has no schema, and that asking for it makes none.
func TestPostgres_NoSchema(t *testing.T) {
	dsn := postgrestest.DSN(t)
	for range 2 {
		if current, _, err := store.Schema(t.Context(), dsn); err != nil || current != 0 {
			t.Errorf("the schema has version %d, %v", current, err)
		}
	}
}

// Ensures that conflicting transactions are retried until all have committed, and that each saw its predecessor.
func TestPostgres_Conflicts(t *testing.T) {
	st := open(t, postgrestest.DSN(t), time.Now)
	if err := st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Accounts.Insert(store.Account{ID: "a"})
	}); err != nil {
		t.Fatal(err)
	}
	const many = 60
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			err := st.Update(t.Context(), func(tx *store.Tx) error {
				state, err := tx.Lockouts.Get("alice")
				if err != nil {
					return err
				}
				state.Failures++
				return tx.Lockouts.Set("alice", state)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	err := st.View(t.Context(), func(tx *store.Tx) error {
		state, err := tx.Lockouts.Get("alice")
		if state.Failures != many {
			t.Errorf("%d of %d were counted", state.Failures, many)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Ensures that a transaction with a lost connection is retried, and takes effect once; and that a failed one is not
// taken for a success, even if its caller ignores the error.
func TestPostgres_Cut(t *testing.T) {
	dsn := postgrestest.Database(t)
	st, db := open(t, dsn, time.Now), connect(t, dsn)
	tries := 0
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		if tries++; tries < 4 {
			if _, err := db.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'sallyport'
				AND datname = current_database()`); err != nil {
				t.Error(err)
			}
		}
		_ = tx.Users.Insert(store.User{Name: "alice"}) // the database's error is not lost by that
		return nil
	})
	if err != nil || tries != 4 {
		t.Fatalf("after %d tries: %v", tries, err)
	}
	err = st.View(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Users.Find("alice")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensures that an unreachable server is reported at once, and without the password.
func TestPostgres_Refused(t *testing.T) {
	for dsn, why := range map[string]string{
		"postgres://u:hunter2@127.0.0.1:1/x":                  "refused",
		"postgres://u:hunter2@127.0.0.1:1/x?pool_max_conns=1": "pool_max_conns must be",
		"postgres://u:hunter2@127.0.0.1:99999999/x":           "invalid port",
		"postgres://u@127.0.0.1:1/x?password=hunter2":         "refused",
		"postgres://u:hunter2%zz@[/x":                         "is written like %40",
	} {
		_, err := store.Open(t.Context(), dsn, time.Now)
		if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v; want an error with %q", dsn, err, why)
		}
	}
}

// Ensures that a database that was dropped is reported as unavailable at once.
func TestPostgres_Gone(t *testing.T) {
	dsn := postgrestest.Database(t)
	st := open(t, dsn, time.Now)
	db := connect(t, postgrestest.Server(t).String())
	_, name, _ := strings.Cut(strings.TrimPrefix(dsn, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	for _, statement := range []string{"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // more than there are connections that do not know it yet
		began := time.Now()
		err := st.View(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Users.Find("alice")
			return err
		})
		if !fault.Has(err, fault.StoreUnavailable) || time.Since(began) > 5*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true"); err != nil {
		t.Fatal(err)
	}
	if err := st.View(t.Context(), func(*store.Tx) error { return nil }); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// Ensures that a server that takes no writes, such as a standby after a failover, is not ready; and that once it
// does, a write finds out at once, on a new connection, while those that were open take none.
func TestPostgres_ReadOnly(t *testing.T) {
	dsn := postgrestest.Database(t)
	st, db := open(t, dsn, time.Now), connect(t, postgrestest.Server(t).String())
	_, name, _ := strings.Cut(strings.TrimPrefix(dsn, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	write := func(id string) error {
		return st.Update(t.Context(), func(tx *store.Tx) error { return tx.Users.Insert(store.User{Name: id}) })
	}
	set := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), "ALTER DATABASE "+name+statement); err != nil {
			t.Fatal(err)
		}
	}
	must(t, write("before"))

	set(" SET default_transaction_read_only = on")
	if _, err := db.ExecContext(t.Context(),
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'"); err != nil {
		t.Fatal(err)
	}
	if err := write("during"); !fault.Has(err, fault.StoreUnavailable) {
		t.Errorf("a write is answered with %v", err)
	}
	if err := st.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "accepts no writes") {
		t.Errorf("Ready: %v", err)
	}
	must(t, st.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Users.Find("before"); return err }))

	set(" RESET default_transaction_read_only")
	must(t, write("after"))
	must(t, st.View(t.Context(), func(*store.Tx) error { return nil })) // its connection does not know yet
	must(t, st.Ready(t.Context()))
}

// before11 returns a database with a user and the schema of version 10, and an unfinished index of the next migration.
func before11(t *testing.T) (dsn string, db *sql.DB) {
	t.Helper()
	dsn = postgrestest.Database(t)
	if err := open(t, dsn, time.Now).Update(t.Context(), func(tx *store.Tx) error {
		return tx.Users.Insert(store.User{Name: "alice"})
	}); err != nil {
		t.Fatal(err)
	}
	db = connect(t, dsn+"&lock_timeout=5000")
	for _, statement := range []string{
		`DELETE FROM goose_db_version WHERE version_id > 10`,
		`DROP TABLE document_candidates, sso_codes, role_mappings, service_tokens, profiles`,
		`DROP INDEX api_keys_user_description, api_keys_user_expires_at`,
		`CREATE INDEX api_keys_user_description ON api_keys (id)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return dsn, db
}

// Ensures that a migration that builds indexes builds an unfinished one again, and lets other programs write meanwhile.
func TestPostgres_IndexesBuiltWhileOthersWrite(t *testing.T) {
	dsn, db := before11(t)
	insert := func(in interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}, id string) {
		t.Helper()
		if _, err := in.ExecContext(t.Context(), `INSERT INTO api_keys
			(id, user_name, description, secret_digest, created_at, expires_at) VALUES ($1, 'alice', '', '', 1, 0)`,
			id); err != nil {
			t.Error(err)
		}
	}

	// The migration waits for this transaction.
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	insert(tx, "a")
	opened := make(chan error, 1)
	go func() {
		st, err := store.Open(context.WithoutCancel(t.Context()), dsn, time.Now)
		if err == nil {
			err = st.Close()
		}
		opened <- err
	}()
	const waits = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND wait_event_type = 'Lock' AND query LIKE '%INDEX CONCURRENTLY%')`
	for waiting := false; !waiting; runtime.Gosched() {
		if err := db.QueryRowContext(t.Context(), waits).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-opened:
			t.Fatalf("the migration did not wait: %v", err)
		default:
		}
	}
	insert(db, "b")
	if err := errors.Join(tx.Commit(), <-opened); err != nil {
		t.Fatal(err)
	}

	const built = `SELECT COUNT(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
		WHERE relname IN ('api_keys_user_description', 'api_keys_user_expires_at') AND indisvalid AND indnatts = 4`
	var n int
	if err := db.QueryRowContext(t.Context(), built).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d of 2 indexes are built: %v", n, err)
	}
}

// Ensures that programs that start at the same time do not wait for each other's migration forever.
func TestPostgres_IndexesBuiltAtOnce(t *testing.T) {
	dsn, _ := before11(t)
	openAtOnce(t, dsn)
}
