package audit_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that entries older than the retention are removed, and that the trail says so.
func TestRemoveOld(t *testing.T) {
	st, c := newStore(t)
	old := make([]store.AuditEntry, 1_500) // more than one transaction removes
	for i := range old {
		old[i].ID = fmt.Sprintf("old-%04d", i)
	}
	insert(t, st, old...)
	c.now = c.now.Add(48 * time.Hour)
	insert(t, st, store.AuditEntry{ID: "new"})

	removed, err := audit.RemoveOld(t.Context(), st, 24*time.Hour)
	if err != nil || removed != len(old) {
		t.Errorf("%d removed, %v", removed, err)
	}
	var entries []store.AuditEntry
	if err := st.View(t.Context(), func(tx *store.Tx) (err error) {
		entries, err = tx.Audit.After(time.Time{}, "", 10)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Fatalf("the trail is %+v", entries)
	}
	last := entries[1]
	if entries[2].ID != "new" {
		last = entries[2]
	}
	if last.Event != string(audit.EntriesRemoved) || !strings.Contains(last.Details, `"2026-11-22T12:00:00Z"`) {
		t.Errorf("%+v", last)
	}
}

// Ensures that entries are kept without a retention.
func TestRetain_Off(t *testing.T) {
	st, _ := newStore(t)
	if loop := audit.Retain(st, 0, slog.New(slog.DiscardHandler)); loop != nil {
		t.Error("the removal runs")
	}
}
