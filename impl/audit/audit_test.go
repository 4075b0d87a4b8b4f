package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/store"
)

// all returns the entries, in their order.
func all(t *testing.T, st *store.Store) []store.AuditEntry {
	t.Helper()
	entries, err := store.Read(t.Context(), st, func(tx *store.Tx) ([]store.AuditEntry, error) {
		return tx.Audit.After(time.Time{}, "", 10)
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// record runs a function in a transaction.
func record(ctx context.Context, st *store.Store, f func(context.Context, *store.Tx) error) error {
	return st.Update(ctx, func(tx *store.Tx) error { return f(ctx, tx) })
}

// Ensures that an entry has the event, the subject, the time and the origin, also one that becomes known later, and
// that a change without a caller is the system's.
func TestRecord(t *testing.T) {
	t.Parallel()
	st, c := newStore(t)
	later := &audit.Origin{Address: "192.0.2.7", RequestID: "request-7"}
	for name, x := range map[string]struct {
		ctx     context.Context //nolint:containedctx // what each case calls with
		details audit.Details
		want    store.AuditEntry
	}{
		"a caller": {
			audit.WithOrigin(t.Context(), audit.Origin{Actor: "bob", Address: "192.0.2.7", RequestID: "request-7"}),
			audit.Details{"user": "alice"},
			store.AuditEntry{Actor: "bob", Address: "192.0.2.7", RequestID: "request-7", Details: `{"user":"alice"}`},
		},
		"a caller that acts as another": {
			audit.WithOrigin(t.Context(), audit.Origin{Actor: "bob", ActingAs: "carol"}),
			audit.Details{"user": "alice"},
			store.AuditEntry{Actor: "bob", Details: `{"acting_as":"carol","user":"alice"}`},
		},
		"a command by sudo": {
			audit.WithOrigin(t.Context(), audit.Origin{Actor: audit.CommandLine, OSUser: "root", SudoUser: "carol"}),
			audit.Details{"user": "alice"},
			store.AuditEntry{
				Actor: "(command line)", Details: `{"os_user":"root","sudo_user":"carol","user":"alice"}`,
			},
		},
		"a caller known later": {
			audit.WithOriginAt(t.Context(), later), nil,
			store.AuditEntry{Actor: "dave", Address: "192.0.2.7", RequestID: "request-7", Details: `{}`},
		},
		"no caller": {t.Context(), nil, store.AuditEntry{Actor: audit.System, Details: `{}`}},
	} {
		t.Run(name, func(t *testing.T) {
			later.Actor = "dave"
			err := record(x.ctx, st, func(ctx context.Context, tx *store.Tx) error {
				return audit.Record(ctx, tx, audit.KeyCreated, "key-1", x.details)
			})
			if err != nil {
				t.Fatal(err)
			}
			entries := all(t, st)
			got := entries[len(entries)-1]
			want := x.want
			want.ID, want.At, want.Event, want.Subject = got.ID, c.now, string(audit.KeyCreated), "key-1"
			if !reflect.DeepEqual(got, want) || got.ID == "" {
				t.Errorf("the entry is %+v; want %+v", got, want)
			}
		})
	}
}

// Ensures that the details that a caller passes are not changed: it may record them again.
func TestRecord_DetailsKept(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	details := audit.Details{"user": "alice"}
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "bob", ActingAs: "carol"})
	err := record(ctx, st, func(ctx context.Context, tx *store.Tx) error {
		return audit.Record(ctx, tx, audit.KeyCreated, "key-1", details)
	})
	if err != nil || len(details) != 1 {
		t.Errorf("the details are %v, %v", details, err)
	}
}

// Ensures that many subjects of a change have an entry each, in their order although they have the same time, and that
// none is no entry.
func TestRecordEach(t *testing.T) {
	t.Parallel()
	st, c := newStore(t)
	subjects := []string{"key-3", "key-1", "key-2"}
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "bob"})
	err := record(ctx, st, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(
			audit.RecordEach(ctx, tx, audit.KeyInvalidated, nil, nil),
			audit.RecordEach(ctx, tx, audit.KeyInvalidated, subjects, audit.Details{"user": "alice"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all(t, st) {
		got = append(got, e.Subject)
		if e.Actor != "bob" || e.Details != `{"user":"alice"}` || !e.At.Equal(c.now) ||
			e.Event != string(audit.KeyInvalidated) {
			t.Errorf("the entry is %+v", e)
		}
	}
	if !slices.Equal(got, subjects) {
		t.Errorf("the subjects are %v; want %v", got, subjects)
	}
}

// Ensures that details that JSON does not have fail the change instead of losing its entry.
func TestRecord_DetailsInvalid(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	invalid := audit.Details{"count": math.NaN()}
	for name, f := range map[string]func(context.Context, *store.Tx) error{
		"one": func(ctx context.Context, tx *store.Tx) error {
			return audit.Record(ctx, tx, audit.KeyCreated, "key-1", invalid)
		},
		"each": func(ctx context.Context, tx *store.Tx) error {
			return audit.RecordEach(ctx, tx, audit.KeyCreated, []string{"key-1"}, invalid)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var unsupported *json.UnsupportedValueError
			if err := record(t.Context(), st, f); !errors.As(err, &unsupported) {
				t.Errorf("the error is %v", err)
			}
			if entries := all(t, st); len(entries) != 0 {
				t.Errorf("the entries are %v", entries)
			}
		})
	}
}
