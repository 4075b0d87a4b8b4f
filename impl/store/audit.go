package store

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// AuditEntry is one line of the audit trail.
type AuditEntry struct {
	// ID orders the entries of one moment.
	ID    string
	At    time.Time
	Event string
	// Actor did it to Subject.
	Actor     string
	Subject   string
	Address   string
	RequestID string
	// Details is a JSON object.
	Details string
}

// The statements on these records.
var (
	insertAuditEntry = prepare(`INSERT INTO audit_log (id, at, event, actor, subject, address, request_id, details)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	insertAuditEntries = prepare(`INSERT INTO audit_log (id, at, event, actor, subject, address, request_id, details)
		SELECT value ->> 0, $2, $3, $4, value ->> 1, $5, $6, $7 FROM ` + elements)
	// The index on (at, id) finds where a page begins.
	selectAuditEntries = prepare(`SELECT id, at, event, actor, subject, address, request_id, details FROM audit_log
		WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT $3`)
	selectRecentAuditEntries = prepareAuditFilters(`SELECT id, at, event, actor, subject, address, request_id, details
		FROM audit_log WHERE (at, id) < ($1, $2) AND at >= $3`, ` ORDER BY at DESC, id DESC LIMIT $`)
	selectAuditEntryBefore   = prepare(`SELECT id FROM audit_log WHERE at < $1 LIMIT 1`)
	deleteAuditEntriesBefore = prepare(`DELETE FROM audit_log WHERE id IN
		(SELECT id FROM audit_log WHERE at < $1 ORDER BY at, id LIMIT $2)`)
)

// Insert adds an entry, at the transaction's time. Entries are never changed, and only RemoveBefore removes them.
func (t Audit) Insert(e AuditEntry) error {
	return t.tx.do(insertAuditEntry,
		storable(e.ID), millis(t.tx.Now), storable(e.Event), storable(e.Actor), storable(e.Subject),
		storable(e.Address), storable(e.RequestID), storable(e.Details))
}

// InsertAll adds entries that differ in their ids and subjects only, which are given in pairs.
func (t Audit) InsertAll(common AuditEntry, entries [][2]string) error {
	pairs := make(list[[2]string], len(entries))
	for i, e := range entries {
		pairs[i] = [2]string{e[0], storable(e[1])}
	}
	return t.tx.do(insertAuditEntries,
		pairs, millis(t.tx.Now), common.Event, storable(common.Actor), storable(common.Address),
		storable(common.RequestID), common.Details)
}

// RemoveBefore removes the oldest entries from before a time, a bounded number, and returns how many. Nothing else can
// remove entries, because the database refuses it outside of this transaction.
func (t Audit) RemoveBefore(moment time.Time) (int, error) {
	found, err := all(t.tx, single[string], selectAuditEntryBefore, millis(moment))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	if err := t.tx.do(adHoc(t.tx.d.permitRemoval)); err != nil {
		return 0, err
	}
	removed, err := t.tx.exec(deleteAuditEntriesBefore, millis(moment), sweepMost)
	if err != nil {
		return 0, err
	}
	return removed, t.tx.do(adHoc(t.tx.d.refuseRemoval))
}

// AuditFilter selects entries of the audit trail. An empty field selects all.
type AuditFilter struct {
	Actor, Subject, Event string
	// Since is the time of the first selected entries.
	Since time.Time
}

// conditions returns the columns that the filter compares, as bits of the statement's index, and the values.
func (f AuditFilter) conditions() (index int, values []any) {
	for i, value := range []string{f.Actor, f.Subject, f.Event} {
		if value != "" {
			index |= 1 << i
			values = append(values, value)
		}
	}
	return index, values
}

// prepareAuditFilters registers a statement for each combination of the columns of a filter, because an index is used
// only if the statement has its column.
func prepareAuditFilters(before, after string) (all [8]statement) {
	for index := range all {
		text, parameter := before, 4
		for i, column := range []string{"actor", "subject", "event"} {
			if index&(1<<i) != 0 {
				text += fmt.Sprintf(" AND %s = $%d", column, parameter)
				parameter++
			}
		}
		all[index] = prepare(text + after + strconv.Itoa(parameter))
	}
	return all
}

// Before returns at most limit selected entries before the one with a time and an id, newest first. The empty id begins
// with the last entry before that time.
func (t Audit) Before(moment time.Time, id string, filter AuditFilter, limit int) ([]AuditEntry, error) {
	index, values := filter.conditions()
	args := slices.Concat([]any{millis(moment), id, millis(filter.Since)}, values, []any{limit})
	return all(t.tx, auditColumns, selectRecentAuditEntries[index], args...)
}

// After returns at most limit entries after the one with a time and an id, oldest first. The empty id, which no entry
// has, begins with the first entry of that time; the zero time too, with the first entry of all.
func (t Audit) After(moment time.Time, id string, limit int) ([]AuditEntry, error) {
	return all(t.tx, auditColumns, selectAuditEntries, millis(moment), id, limit)
}

func auditColumns(e *AuditEntry) []any {
	return []any{&e.ID, (*milliseconds)(&e.At), &e.Event, &e.Actor, &e.Subject, &e.Address, &e.RequestID, &e.Details}
}
