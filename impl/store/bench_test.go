package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// manyKeys is how many keys one request may change.
const manyKeys = 10_000

// database is a kind of store that the benchmarks compare.
type database struct {
	name, driver string
	dsn          func(b *testing.B) string
}

var databases = []database{
	{"sqlite", "sqlite", func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "test.db") }},
	{"postgres", "pgx", func(b *testing.B) string { return postgrestest.DSN(b) }},
}

// onEach runs a benchmark with a store, on each kind of database, that has keys of one user; it is given their ids too.
func onEach(b *testing.B, run func(b *testing.B, st *store.Store, db *sql.DB, ids []string)) {
	b.Helper()
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) {
			dsn := d.dsn(b)
			st, ids := filled(b, dsn)
			run(b, st, d.bare(b, dsn), ids)
		})
	}
}

// bare opens the database without the store, with the same care for what was committed.
func (d database) bare(b *testing.B, dsn string) *sql.DB {
	b.Helper()
	if path, file := strings.CutPrefix(dsn, "sqlite:"); file {
		dsn = "file:" + path + "?_txlock=immediate" +
			"&_pragma=busy_timeout(2000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"
	}
	db, err := sql.Open(d.driver, dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() }) //nolint:errcheck // nothing to lose
	return db
}

// filled returns a store with keys of one user, and their ids.
func filled(b *testing.B, dsn string) (*store.Store, []string) {
	b.Helper()
	st := open(b, dsn, time.Now)
	ids := make([]string, manyKeys)
	err := st.Update(b.Context(), func(tx *store.Tx) error {
		if err := tx.Users.Insert(store.User{Name: "alice"}); err != nil {
			return err
		}
		hash := strings.Repeat("0", 64)
		for i := range ids {
			ids[i] = fmt.Sprintf("%020d", i*7919%manyKeys)
			key := store.APIKey{
				ID:           ids[i],
				UserName:     "alice",
				SecretDigest: fmt.Sprintf("%064d", i),
				ExpiresAt:    tx.Now.Add(time.Hour),
				Assigned:     hash,
				LimitedBy:    hash,
				Creator:      hash,
			}
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return st, ids
}

func perSecond(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)*manyKeys/b.Elapsed().Seconds(), "keys/s")
}

// changed is the change of one round: other role descriptors for all, as a fleet is given them.
func changed(round int) store.KeyChange {
	assigned := fmt.Sprintf("%064d", round)
	return store.KeyChange{Assigned: &assigned, LimitedBy: "l", Creator: "c", Version: round}
}

// BenchmarkUpdateKeys measures a change of 10,000 keys: with the store, and for comparison with the fastest possible
// loop over them, prepared, sorted and in one transaction. They alternate, and the fastest run of each counts: other
// load on the machine slows both down, but not equally.
func BenchmarkUpdateKeys(b *testing.B) {
	onEach(b, func(b *testing.B, st *store.Store, db *sql.DB, ids []string) {
		var sets, loops []time.Duration
		update := func(round int) error {
			return st.Update(b.Context(), func(tx *store.Tx) error { return tx.Keys.Update(ids, changed(round)) })
		}
		for round := 0; b.Loop(); round += 2 {
			loops = append(loops, timed(b, func() error { return updateInLoop(b, db, ids, changed(round)) }))
			sets = append(sets, timed(b, func() error { return update(round + 1) }))
		}
		set, loop := slices.Min(sets), slices.Min(loops)
		b.ReportMetric(set.Seconds()*1e3, "set-ms")
		b.ReportMetric(loop.Seconds()*1e3, "loop-ms")
		b.ReportMetric(loop.Seconds()/set.Seconds(), "loop/set")
		b.ReportMetric(manyKeys/set.Seconds(), "keys/s")
	})
}

func updateInLoop(b *testing.B, db *sql.DB, ids []string, c store.KeyChange) error {
	b.Helper()
	tx, err := db.BeginTx(b.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	update, err := tx.PrepareContext(b.Context(), `UPDATE api_keys SET assigned = $2, limited_by = $3, creator = $4,
		version = $5
		WHERE id = $1 AND invalidated_at = 0`)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		if _, err := update.ExecContext(b.Context(), id, *c.Assigned, c.LimitedBy, c.Creator, c.Version); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	began := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func BenchmarkKeysByIDs(b *testing.B) {
	onEach(b, func(b *testing.B, st *store.Store, _ *sql.DB, ids []string) {
		b.ReportAllocs()
		for b.Loop() {
			err := st.View(b.Context(), func(tx *store.Tx) error {
				_, err := tx.Keys.ByIDs(ids)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
}

func BenchmarkTouchKeys(b *testing.B) {
	onEach(b, func(b *testing.B, st *store.Store, _ *sql.DB, ids []string) {
		now := time.Now()
		for b.Loop() {
			now = now.Add(time.Minute)
			used := make(map[string]time.Time, len(ids))
			for _, id := range ids {
				used[id] = now
			}
			if err := st.Update(b.Context(), func(tx *store.Tx) error { return tx.Keys.Touch(used) }); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
}
