package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// madeKey makes a key on Elasticsearch's terms, and returns its id.
func (w *world) madeKey(caller func() (name, password string), body string) string {
	w.Helper()
	response, text := w.do(http.MethodPost, "/_security/api_key", body, as(caller()))
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || response.StatusCode != http.StatusOK {
		w.Fatalf("%d %s (%v)", response.StatusCode, text, err)
	}
	return made.ID
}

func asAlice() (name, password string) { return "alice", alicePassword }
func asBob() (name, password string)   { return "bob", bobPassword }

// documents counts what is stored for keys to share.
func (w *world) documents() int {
	w.Helper()
	return w.count("SELECT COUNT(*) FROM documents")
}

// Ensures that an update which changes no key leaves no rows behind: their growth would go unnoticed.
func TestBulkUpdate_NothingLeftBehind(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := w.madeKey(asAlice, `{"name":"k"}`)
	before := w.documents()
	body := `{"ids":["unknown","` + id + `x"],"role_descriptors":{"r":{"cluster":["monitor"]}}}`
	if response, text := w.do(http.MethodPost, "/_security/api_key/_bulk_update", body,
		alice); response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, text)
	}
	if response, text := w.do(http.MethodPut, "/_security/api_key/unknown",
		`{"role_descriptors":{"r":{"cluster":["all"]}}}`, alice); response.StatusCode != http.StatusNotFound {
		t.Fatalf("%d %s", response.StatusCode, text)
	}
	if after := w.documents(); after != before {
		t.Errorf("%d documents were left behind", after-before)
	}
}

// Ensures that looking for keys outside of the transaction changes nothing about what becomes of each: one's own,
// another's, unknown ones, and those named twice.
func TestBulkUpdate_Mixed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	own, ended, foreign := w.madeKey(asAlice, `{"name":"a"}`), w.madeKey(asAlice, `{"name":"b"}`),
		w.madeKey(asBob, `{"name":"c"}`)
	if response, text := w.do(http.MethodDelete, "/_security/api_key", `{"ids":["`+ended+`","unknown"],"owner":true}`,
		alice); !strings.Contains(text, `"invalidated_api_keys":["`+ended+`"]`) {
		t.Fatalf("%d %s", response.StatusCode, text)
	}

	body := fmt.Sprintf(`{"ids":[%q,"unknown",%q,%q,%q],"metadata":{"n":1}}`, foreign, own, own, ended)
	_, text := w.do(http.MethodPost, "/_security/api_key/_bulk_update", body, alice)
	var outcome struct {
		Updated []string
		Errors  struct {
			Details map[string]struct{ Type string }
		}
	}
	if err := json.Unmarshal([]byte(text), &outcome); err != nil {
		t.Fatal(err)
	}

	types := map[string]string{}
	for id, detail := range outcome.Errors.Details {
		types[id] = detail.Type
	}

	if !slices.Equal(outcome.Updated, []string{own}) || len(types) != 3 || types[ended] != "illegal_argument_exception" ||
		types[foreign] != "resource_not_found_exception" || types["unknown"] != "resource_not_found_exception" {
		t.Error(text)
	}
}

// Ensures that descriptors which are stored once do not make an answer without bounds because many keys share them.
func TestGetAPIKeys_Bounded(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var ids []string
	for range 40 {
		ids = append(ids, w.madeKey(asAlice, `{"name":"k"}`))
	}

	list, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}

	query := strings.Repeat("q", 1_000_000)
	body := fmt.Sprintf(`{"ids":%s,"role_descriptors":{"r":{"indices":[{"names":["a"],"privileges":["read"],"query":%q}]}}}`, list, query)
	if response, text := w.do(http.MethodPost, "/_security/api_key/_bulk_update", body,
		alice); response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, text)
	}

	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "/_security/api_key?owner=true", "", http.StatusBadRequest},
		{http.MethodPost, "/_security/_query/api_key", `{"size":40}`, http.StatusBadRequest},
		{http.MethodGet, "/_security/api_key?owner=true&id=" + ids[0], "", http.StatusOK},
		{http.MethodPost, "/_security/_query/api_key", `{"size":1}`, http.StatusOK},
	} {
		response, text := w.do(c.method, c.path, c.body, alice)
		if response.StatusCode != c.status || c.status != http.StatusOK && !strings.Contains(text, "ask for fewer keys") {
			t.Errorf("%s %s: %d %.300s", c.method, c.path, response.StatusCode, text)
		}
	}
}
