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

// pageSize is how many entries an export holds at a time.
const pageSize = 500

// Export writes the trail since a moment, oldest first, as one JSON object a line. All is printable ASCII: whatever an
// entry holds, it begins no line of its own and does nothing to a terminal.
func Export(ctx context.Context, st *store.Store, since time.Time, w io.Writer) error {
	moment, id := since, ""
	for {
		var page []store.AuditEntry
		err := st.View(ctx, func(tx *store.Tx) (err error) {
			page, err = tx.AuditEntriesAfter(moment, id, pageSize)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		if err := writePage(w, page); err != nil {
			return err
		}
		last := page[len(page)-1]
		moment, id = last.At, last.ID
	}
}

// writePage writes after the transaction, because whoever reads may be slow.
func writePage(w io.Writer, page []store.AuditEntry) error {
	var lines []byte
	for _, e := range page {
		text, err := json.Marshal(exported(e))
		if err != nil {
			return fmt.Errorf("audit: the entry %q: %w", e.ID, err)
		}
		lines = append(appendASCII(lines, text), '\n')
	}
	_, err := w.Write(lines)
	return err
}

// line is an entry as it is exported.
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
		ID: e.ID, At: e.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Event: e.Event, Actor: e.Actor, Subject: e.Subject,
		Address: e.Address, RequestID: e.RequestID, Details: object(e.Details),
	}
}

// object is a JSON object as it is; any other text, which nothing here writes, becomes a member of one.
func object(text string) json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err == nil && members != nil {
		return json.RawMessage(text)
	}
	wrapped, _ := json.Marshal(map[string]string{"unreadable": text}) // cannot fail
	return wrapped
}

// appendASCII escapes what in a JSON text is not printable ASCII. Such characters are in strings only.
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
