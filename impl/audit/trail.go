package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Trail reads the audit trail.
type Trail struct{ store *store.Store }

// NewTrail returns the trail of a store.
func NewTrail(st *store.Store) *Trail { return &Trail{st} }

// Query selects entries. An empty text and a zero time select all.
type Query struct {
	Actor, Subject string
	Event          Event
	// Since is the time of the oldest entry, and Until a time after that of the newest.
	Since, Until time.Time
	// Cursor is the Next of the page before.
	Cursor string
	// Limit is the maximum number of entries of a page.
	Limit int
}

// Entry is one entry of the trail.
type Entry struct {
	store.AuditEntry

	// Details replaces the text of the record by its members.
	Details map[string]any
}

// Page is a part of the selected entries, newest first.
type Page struct {
	Entries []Entry
	// Next is the cursor of the next page, or empty on the last one.
	Next string
}

// Read returns a page of the selected entries. It returns fault.InvalidData for a cursor that no page has had.
func (t *Trail) Read(ctx context.Context, q Query) (Page, error) {
	from, err := q.start()
	if err != nil {
		return Page{}, err
	}
	filter := store.AuditFilter{Actor: q.Actor, Subject: q.Subject, Event: string(q.Event), Since: q.Since}

	// One entry more shows whether there is another page.
	found, err := store.Read(ctx, t.store, func(tx *store.Tx) ([]store.AuditEntry, error) {
		return tx.Audit.Before(from.at, from.id, filter, q.Limit+1)
	})
	if err != nil {
		return Page{}, err
	}

	page := Page{Entries: make([]Entry, 0, len(found))}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		last := found[len(found)-1]
		page.Next = position{last.At, last.ID}.encode()
	}
	for _, e := range found {
		entry := Entry{AuditEntry: e}
		if err := json.Unmarshal(wrapDetails(e.Details), &entry.Details); err != nil {
			return Page{}, fmt.Errorf("audit: details of %q: %w", e.ID, err)
		}
		page.Entries = append(page.Entries, entry)
	}
	return page, nil
}

// endOfTime is after all entries, and can be stored in each database.
var endOfTime = time.UnixMilli(1 << 60)

// start returns the position of which the page has the entries before.
func (q Query) start() (position, error) {
	until := position{at: endOfTime}
	if !q.Until.IsZero() {
		until.at = q.Until
	}
	if q.Cursor == "" {
		return until, nil
	}

	from, ok := decodePosition(q.Cursor)
	if !ok {
		return position{}, fault.New(
			fault.InvalidData, "cursor: this is not the next_cursor of a page of the audit trail", "cursor")
	}
	if from.at.Before(until.at) {
		return from, nil
	}
	return until, nil
}

// position is the place of an entry in the trail.
type position struct {
	at time.Time
	id string
}

// encode returns the position as a cursor.
func (p position) encode() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at.UnixMilli(), 10) + "." + p.id))
}

// decodePosition returns the position of a cursor, and reports whether encode could have returned the cursor.
func decodePosition(cursor string) (position, bool) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return position{}, false
	}
	milliseconds, id, _ := strings.Cut(string(text), ".")
	at, err := strconv.ParseInt(milliseconds, 10, 64)
	p := position{time.UnixMilli(at), id}
	return p, err == nil && id != "" && utf8.ValidString(id) && !strings.Contains(id, "\x00") && p.encode() == cursor
}
