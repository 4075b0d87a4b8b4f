package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// clock is a clock that a test sets.
type clock struct{ now time.Time }

func newStore(t *testing.T) (*store.Store, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	st := storetest.Open(t, storetest.File(t), func() time.Time { return c.now })
	return st, c
}

func insert(t *testing.T, st *store.Store, entries ...store.AuditEntry) {
	t.Helper()
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		for _, e := range entries {
			if err := tx.Audit.Insert(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pages is a writer that counts the writes.
type pages struct {
	bytes.Buffer
	writes, largest int
}

// Write implements io.Writer.
func (p *pages) Write(text []byte) (int, error) {
	p.writes++
	p.largest = max(p.largest, len(text))
	return p.Buffer.Write(text)
}

func export(t *testing.T, st *store.Store, since time.Time) string {
	t.Helper()
	var out bytes.Buffer
	if err := audit.Export(t.Context(), st, since, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Ensures that an entry is exported as it was recorded, on one line.
func TestExport_Entry(t *testing.T) {
	st, c := newStore(t)
	c.now = time.Date(2026, 11, 21, 12, 0, 0, 7_900_000, time.FixedZone("", 3600))
	insert(t, st, store.AuditEntry{
		ID: "1", Event: "user.created", Actor: "bob", Subject: "alice", Address: "2001:db8::1", RequestID: "r",
		Details: `{"n": 1.50, "a": [true, null]}`,
	})
	want := `{"id":"1","at":"2026-11-21T11:00:00.007Z","event":"user.created","actor":"bob","subject":"alice","address":"2001:db8::1",` +
		`"request_id":"r","details":{"n":1.50,"a":[true,null]}}` + "\n"
	if got := export(t, st, time.Time{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Ensures that several pages of entries, many with equal timestamps, are exported completely and in order, one page at
// a time.
func TestExport_Pages(t *testing.T) {
	st, c := newStore(t)
	const moments, each = 3, 700
	var want strings.Builder
	for moment := range moments {
		var entries []store.AuditEntry
		for i := range each {
			id := fmt.Sprintf("%04d", moments*each-each*(moment+1)+i) // ids of later moments are smaller
			entries = append(entries, store.AuditEntry{ID: id, Details: "{}"})
			want.WriteString(id)
		}
		insert(t, st, entries...)
		c.now = c.now.Add(time.Millisecond)
	}
	var out pages
	if err := audit.Export(t.Context(), st, time.Time{}, &out); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(out.String()) {
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got.WriteString(e.ID)
	}
	if got.String() != want.String() {
		t.Error("the export is incomplete or out of order")
	}
	if out.writes < 4 || out.largest > out.Len()/4+100 {
		t.Errorf("%d pages, of at most %d bytes", out.writes, out.largest)
	}
}

// Ensures that an export begins with the first entry of the given millisecond.
func TestExport_Since(t *testing.T) {
	st, c := newStore(t)
	start := c.now
	for i := range 3 {
		insert(t, st, store.AuditEntry{ID: fmt.Sprint(i)})
		c.now = c.now.Add(time.Millisecond)
	}
	for since, want := range map[time.Time]int{
		{}: 3, start: 3, start.Add(time.Microsecond): 3, start.Add(time.Millisecond): 2, start.Add(3 * time.Millisecond): 0,
		start.Add(time.Hour):  0,
		start.Add(-time.Hour): 3, time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC): 3,
	} {
		if got := strings.Count(export(t, st, since), "\n"); got != want {
			t.Errorf("%d entries since %v; want %d", got, since, want)
		}
	}
}

// hostile holds texts that would forge an entry or control a terminal if they were exported unescaped.
var hostile = []string{
	"\n{\"id\":\"forged\"}\n", "\r\n", "a\u2028b\u2029c", "\u0085", "\x00", "\x1b[2J", "\x7f", "\u009b31m", "\v\f\b\t",
	"\u202egnp.exe", "\ufeff",
	`"},{"id":"forged"}`, `\`, `\u000a`, `\"`, "</script><!--", "\xff\xfe", "\xed\xa0\x80", "\xc0\x8a", "😀",
	strings.Repeat("\n", 100_000),
}

// Ensures that an entry with hostile content is one line of printable ASCII, from which a reader decodes the content.
func TestExport_Hostile(t *testing.T) {
	st, _ := newStore(t)
	for i, text := range hostile {
		insert(t, st, store.AuditEntry{
			ID: fmt.Sprintf("%02d%s", i, text), Event: text, Actor: text, Subject: text, Address: text, RequestID: text,
			Details: "?" + text,
		})
		quoted, _ := json.Marshal(map[string]string{text: text})
		insert(t, st, store.AuditEntry{ID: fmt.Sprintf("%02d~", i), Details: string(quoted)})
	}
	lines := strings.SplitAfter(export(t, st, time.Time{}), "\n")
	if len(lines) != 2*len(hostile)+1 {
		t.Fatalf("%d lines for %d entries", len(lines)-1, 2*len(hostile))
	}
	for _, line := range lines[:len(lines)-1] {
		checkPlain(t, line)
		var e struct {
			ID, Event, Actor, Subject, Address string
			RequestID                          string `json:"request_id"`
			Details                            map[string]string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%.200q: %v", line, err)
		}

		var i int
		if _, err := fmt.Sscanf(e.ID[:2], "%d", &i); err != nil {
			t.Fatal(err)
		}
		text := readable(hostile[i])
		if e.ID[2:] == "~" {
			if e.Details[text] != text {
				t.Errorf("%.100q became the details %.100q", text, e.Details)
			}
			continue
		}
		text = strings.ReplaceAll(text, "\x00", "\uFFFD") // a column cannot hold it; an escape in the details can
		for _, got := range []string{e.ID[2:], e.Event, e.Actor, e.Subject, e.Address, e.RequestID,
			strings.TrimPrefix(e.Details["unreadable"], "?")} {
			if got != text {
				t.Errorf("%.100q became %.100q", text, got)
			}
		}
	}
}

// readable returns a text with invalid UTF-8 replaced, as JSON encodes it.
func readable(text string) string {
	var out strings.Builder
	for _, r := range text {
		out.WriteRune(r)
	}
	return out.String()
}

func checkPlain(t *testing.T, line string) {
	t.Helper()
	body, ok := strings.CutSuffix(line, "\n")
	for i := range len(body) {
		ok = ok && body[i] >= ' ' && body[i] <= '~'
	}
	if !ok {
		t.Errorf("%.200q is not one line of printable ASCII", line)
	}
}

// Ensures that details that are not a JSON object, which only other programs can have written, are wrapped in one.
func TestExport_InvalidDetails(t *testing.T) {
	st, c := newStore(t)
	for details, want := range map[string]string{
		"{}": "{}", " {\n\"a\"\n:\n1}\n": `{"a":1}`, `{"a":"\u2028` + "\u2028" + `"}`: `{"a":"\u2028\u2028"}`,
		"{\"a\":\"\xff\"}": `{"a":"\ufffd"}`,
		"":                 `{"unreadable":""}`, "null": `{"unreadable":"null"}`, "[]": `{"unreadable":"[]"}`,
		`{} {}`:               `{"unreadable":"{} {}"}`,
		`{"a":1},"event":"x"`: `{"unreadable":"{\"a\":1},\"event\":\"x\""}`,
		"{\"a\":\"\n\"}":      `{"unreadable":"{\"a\":\"\n\"}"}`,
	} {
		insert(t, st, store.AuditEntry{ID: "x" + details, Details: details})
		got := export(t, st, c.now)
		if !strings.HasSuffix(got, `"details":`+want+"}\n") {
			t.Errorf("the details %q: %s; want %s", details, got, want)
		}
		c.now = c.now.Add(time.Second)
	}
}

var errFull = errors.New("disk full")

// full is a writer that fails like a full disk.
type full struct{}

// Write implements io.Writer.
func (full) Write([]byte) (int, error) { return 0, errFull }

// Ensures that an export returns errors of the writer and of the store.
func TestExport_Failures(t *testing.T) {
	st, _ := newStore(t)
	insert(t, st, store.AuditEntry{ID: "1"})
	if err := audit.Export(t.Context(), st, time.Time{}, full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := audit.Export(t.Context(), st, time.Time{}, full{}); err == nil || errors.Is(err, errFull) {
		t.Errorf("an export of a closed store: %v", err)
	}
}
