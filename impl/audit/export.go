package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf16"

	"github.com/sallyport/sallyport/impl/store"
)

// pageSize is the number of entries that an export reads and writes at a time.
const pageSize = 500

// Export writes the entries since a time, oldest first, as one JSON object per line. The output is printable ASCII, so
// that the content of an entry can neither forge a line nor control a terminal.
func Export(ctx context.Context, st *store.Store, since time.Time, w io.Writer) error {
	moment, id := since, ""
	for {
		page, err := store.Read(ctx, st, func(tx *store.Tx) ([]store.AuditEntry, error) {
			return tx.Audit.After(moment, id, pageSize)
		})
		if err != nil || len(page) == 0 {
			return err
		}

		// The page is written outside of the transaction, because the reader of the output may be slow.
		if err := writePage(w, page); err != nil {
			return err
		}
		last := page[len(page)-1]
		moment, id = last.At, last.ID
	}
}

// writePage writes entries as lines.
func writePage(w io.Writer, page []store.AuditEntry) error {
	var lines []byte
	for _, e := range page {
		text, err := json.Marshal(exported(e))
		if err != nil {
			return fmt.Errorf("audit: entry %q: %w", e.ID, err)
		}
		lines = append(appendASCII(lines, text), '\n')
	}
	_, err := w.Write(lines)
	return err
}

// line is the exported form of an entry.
type line struct {
	ID        string          `json:"id"`
	At        string          `json:"at"`
	Event     string          `json:"event"`
	Actor     string          `json:"actor"`
	Subject   string          `json:"subject"`
	Address   string          `json:"address"`
	RequestID string          `json:"request_id"`
	Details   json.RawMessage `json:"details"`
}

func exported(e store.AuditEntry) line {
	return line{
		ID:        e.ID,
		At:        e.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Event:     e.Event,
		Actor:     e.Actor,
		Subject:   e.Subject,
		Address:   e.Address,
		RequestID: e.RequestID,
		Details:   wrapDetails(e.Details),
	}
}

// wrapDetails returns a JSON object unchanged. Any other text, which Record never writes, becomes a member of an
// object.
func wrapDetails(text string) json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err == nil && members != nil {
		return json.RawMessage(text)
	}

	// Encoding a map of strings cannot fail.
	wrapped, _ := json.Marshal(map[string]string{"unreadable": text})
	return wrapped
}

// appendASCII appends a JSON text with all characters escaped that are not printable ASCII. They occur in strings only.
func appendASCII(to, text []byte) []byte {
	for _, r := range string(text) {
		if r >= ' ' && r <= '~' {
			to = append(to, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			to = fmt.Appendf(to, `\u%04x`, unit)
		}
	}
	return to
}
