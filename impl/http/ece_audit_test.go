package http_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// auditPages returns all entries that parameters select, in pages.
func (w *world) auditPages(p client.GetAuditEntriesParams) (entries []client.AuditEntry, pages int) {
	w.Helper()
	for {
		r, err := w.client.GetAuditEntriesWithResponse(w.Context(), &p, bob)
		if err != nil || r.JSON200 == nil {
			w.Fatalf("audit trail: %v %s", err, r.Body)
		}
		entries = append(entries, r.JSON200.Entries...)
		pages++
		if p.Cursor = r.JSON200.NextCursor; p.Cursor == nil {
			return entries, pages
		}
	}
}

// seedTrail adds entries of three moments before noon, the oldest first, to the trail of a world: e00, e01, ….
func (w *world) seedTrail(count int) {
	w.Helper()
	for i := range count {
		actor, event := "seed", "test.even"
		if i%2 == 1 {
			actor, event = "other", "test.odd"
		}
		_, err := w.behind.ExecContext(w.Context(), `INSERT INTO audit_log
			(id, at, event, actor, subject, address, request_id, details) VALUES ($1, $2, $3, $4, $5, '::1', 'r', $6)`,
			fmt.Sprintf("e%02d", i), noon.Add(time.Duration(i*3/count-3)*time.Hour).UnixMilli(), event, actor,
			fmt.Sprint("s", i%5), fmt.Sprintf(`{"number": %d, "name": "<é>"}`, i))
		if err != nil {
			w.Fatal(err)
		}
	}
}

// Ensures that pages of entries, many with equal timestamps, hold each selected entry once, the newest first.
func TestAudit_Pages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 30
	w.seedTrail(count)
	at := func(hours int) *time.Time { return new(noon.Add(time.Duration(hours) * time.Hour)) }

	for name, test := range map[string]struct {
		params client.GetAuditEntriesParams
		chosen func(i int) bool
	}{
		"actor":   {client.GetAuditEntriesParams{Actor: new("seed")}, func(i int) bool { return i%2 == 0 }},
		"event":   {client.GetAuditEntriesParams{Event: new("test.odd")}, func(i int) bool { return i%2 == 1 }},
		"subject": {client.GetAuditEntriesParams{Subject: new("s3")}, func(i int) bool { return i%5 == 3 }},
		"all": {
			client.GetAuditEntriesParams{Actor: new("other"), Event: new("test.odd"), Subject: new("s3")},
			func(i int) bool { return i%10 == 3 },
		},
		"until": {client.GetAuditEntriesParams{Until: at(-1)}, func(i int) bool { return i < 20 }},
		"since": {
			client.GetAuditEntriesParams{Since: at(-2), Until: at(0)}, func(i int) bool { return i >= 10 },
		},
		"since, until": {
			client.GetAuditEntriesParams{Since: at(-2), Until: at(-1)}, func(i int) bool { return i >= 10 && i < 20 },
		},
		"nothing": {client.GetAuditEntriesParams{Actor: new("SEED")}, func(int) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			want := []string{}
			for i := count - 1; i >= 0; i-- {
				if test.chosen(i) {
					want = append(want, fmt.Sprintf("e%02d", i))
				}
			}
			for _, limit := range []int{1, 7, 500} {
				test.params.Limit, test.params.Cursor = &limit, nil
				entries, pages := w.auditPages(test.params)
				got := []string{}
				for _, e := range entries {
					got = append(got, e.ID)
				}
				if !slices.Equal(got, want) || pages != max(1, (len(want)+limit-1)/limit) {
					t.Errorf("with limit %d, %d pages have\n%v, want\n%v", limit, pages, got, want)
				}
			}
		})
	}
}

// Ensures that an entry is shown as it was recorded, that a page begins with the newest, and that entries added between
// two pages are on no later one.
func TestAudit_Entries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedTrail(4)
	one := 1
	entries, _ := w.auditPages(client.GetAuditEntriesParams{Actor: new("seed"), Limit: &one})
	last := entries[0]
	if len(entries) != 2 || last.ID != "e02" || !last.At.Equal(noon.Add(-2*time.Hour)) || last.Event != "test.even" ||
		last.Subject != "s2" || last.Address != "::1" || last.RequestID != "r" ||
		last.Details["name"] != "<é>" || last.Details["number"] != 2.0 || len(last.Details) != 2 {
		t.Errorf("the entries are %s", asJSON(entries))
	}

	r, err := w.client.GetAuditEntriesWithResponse(t.Context(), &client.GetAuditEntriesParams{Limit: &one}, bob)
	if err != nil || r.JSON200 == nil || len(r.JSON200.Entries) != 1 || r.JSON200.NextCursor == nil {
		t.Fatalf("the first page: %v %s", err, r.Body)
	}
	w.newKey(alice, "added between two pages", "")
	rest, _ := w.auditPages(client.GetAuditEntriesParams{Cursor: r.JSON200.NextCursor})
	for _, e := range rest {
		if e.Event == "api_key.created" || e.ID == r.JSON200.Entries[0].ID {
			t.Errorf("the later pages have %s", asJSON(e))
		}
	}
	all, _ := w.auditPages(client.GetAuditEntriesParams{})
	if newest := all[0]; newest.Event != "api_key.created" || newest.Actor != "alice" {
		t.Errorf("the newest entry is %s", asJSON(newest))
	}
}

// Ensures that a parameter with a bad value is refused by its name.
func TestAudit_BadParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, test := range map[string]struct{ parameter, value string }{
		"no base64":          {"cursor", "%"},
		"no position":        {"cursor", encode("nothing")},
		"no id":              {"cursor", encode("1.")},
		"no time":            {"cursor", encode(".e01")},
		"zeros in front":     {"cursor", encode("01.e01")},
		"huge time":          {"cursor", encode("99999999999999999999.e01")},
		"padded":             {"cursor", encode("10.e01") + "="},
		"long cursor":        {"cursor", strings.Repeat("A", 257)},
		"limit of none":      {"limit", "0"},
		"limit too large":    {"limit", "501"},
		"limit in words":     {"limit", "ten"},
		"since without zone": {"since", "2026-11-21T12:00:00"},
		"until in words":     {"until", "yesterday"},
		"long actor":         {"actor", strings.Repeat("a", 513)},
	} {
		t.Run(name, func(t *testing.T) {
			query := url.Values{test.parameter: {test.value}}
			response, body := w.do("GET", "/api/v1/audit?"+query.Encode(), "", bob)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", test.parameter)
		})
	}

	t.Run("a text that cannot be stored", func(t *testing.T) {
		for _, cursor := range []string{encode("10.\x00"), encode("10.\xff")} {
			response, body := w.do("GET", "/api/v1/audit?cursor="+cursor, "", bob)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "cursor")
		}
	})
}

// Ensures that only administrators read the trail.
func TestAudit_Callers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newKey(bob, "short", "3h")
	for name, test := range map[string]struct {
		caller client.RequestEditorFn
		status int
	}{
		"unauthenticated": {authorization(""), http.StatusUnauthorized},
		"viewer":          {alice, http.StatusForbidden},
		"administrator":   {bob, http.StatusOK},
		"key":             {apiKey(*key.Key), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			if response, body := w.do("GET", "/api/v1/audit", "", test.caller); response.StatusCode != test.status {
				t.Errorf("got %d %s, want %d", response.StatusCode, body, test.status)
			}
		})
	}
}
