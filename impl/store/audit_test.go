package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// auditPlan returns the database's plan for a page of the audit trail.
func auditPlan(t *testing.T, s *Store, filter AuditFilter) string {
	t.Helper()
	explain := "EXPLAIN QUERY PLAN "
	if !s.dialect.prepared {
		explain = "EXPLAIN "
	}
	plan, err := Read(t.Context(), s, func(tx *Tx) ([]string, error) {
		index, values := filter.conditions()
		args := append([]any{int64(1) << 60, "", int64(0)}, values...)
		rows, err := tx.tx.QueryContext(tx.ctx, explain+selectRecentAuditEntries[index].text, append(args, 10)...)
		if err != nil {
			return nil, err
		}
		var steps []string
		var step string
		var ignored any
		columns := func(*string) []any { return []any{&step} }
		if s.dialect.prepared {
			columns = func(*string) []any { return []any{&ignored, &ignored, &ignored, &step} }
		}
		return steps, scan(rows, columns, func(string) { steps = append(steps, step) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

// Ensures that a page of the audit trail is read from an index, in the order of the index.
func TestAudit_Indexed(t *testing.T) {
	for database, dsn := range map[string]func() string{
		"SQLite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"PostgreSQL": func() string { return postgrestest.DSN(t) },
	} {
		t.Run(database, func(t *testing.T) {
			s, err := Open(t.Context(), dsn(), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			fillTrail(t, s)
			if !s.dialect.prepared {
				if _, err := s.writer.ExecContext(t.Context(), "ANALYZE audit_log"); err != nil {
					t.Fatal(err)
				}
			}

			for index, filter := range map[string]AuditFilter{
				"audit_log_at":      {},
				"audit_log_actor":   {Actor: "actor 7"},
				"audit_log_subject": {Subject: "subject 7"},
				"audit_log_event":   {Event: "event 7"},
			} {
				plan := auditPlan(t, s, filter)
				if !strings.Contains(plan, index) || strings.Contains(strings.ToLower(plan), "sort") ||
					strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("a page with %+v does not use %s:\n%s", filter, index, plan)
				}
			}
		})
	}
}

// fillTrail adds entries, because a database does not use an index on few.
func fillTrail(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx *Tx) error {
		for i := range 20 {
			ids := make([][2]string, 500)
			for j := range ids {
				ids[j] = [2]string{fmt.Sprint(i, "-", j), fmt.Sprint("subject ", i)}
			}
			common := AuditEntry{Event: fmt.Sprint("event ", i), Actor: fmt.Sprint("actor ", i), Details: "{}"}
			if err := tx.Audit.InsertAll(common, ids); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
