package main

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // to read a database directly
)

// lookInto opens the database of a store directly.
func lookInto(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	if databaseFile(dsn) != "" {
		return openDatabase(t, dsn, "mode=ro&_pragma=busy_timeout(30000)")
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // nothing is left to write
	return db
}

// trail maps each request id to its entries in the audit trail.
type trail map[string][]string

func readTrail(t *testing.T, dsn string) trail {
	t.Helper()
	entries := trail{}
	for _, e := range exportAudit(t, dsn) {
		entries[e.RequestID] = append(entries[e.RequestID], e.Event+" "+e.Subject)
	}
	return entries
}

// check fails the test unless each server shows all acknowledged changes, and every other change as a whole or not at
// all, with its entries in the audit trail.
func (r *fleet) check(l *ledger) {
	r.Helper()
	entries := readTrail(r.T, r.dsn)
	for i := range r.servers {
		v := r.view(i)
		if err := l.each(func(w *change) error { return w.check(v, entries[w.id]) }); err != nil {
			r.Errorf("as server %d shows it: %v", i, err)
		}
	}
}

var errLost = errors.New("it was acknowledged, and is lost")

func (w *change) check(v view, entries []string) error {
	seen, err := w.look(v)
	w.applied = seen.applied
	if err != nil {
		return fmt.Errorf("%s: %w", w.result, err)
	}
	slices.Sort(entries)
	slices.Sort(seen.entries)
	switch {
	case !slices.Equal(entries, seen.entries):
		return fmt.Errorf("%s: applied is %t, and the audit trail has %q for %q", w.result, seen.applied, entries,
			seen.entries)
	case w.result == acknowledged && !seen.applied:
		return errLost
	case w.result == unsent && seen.applied:
		return errors.New("it was turned away, and applied")
	}
	return nil
}
