package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/store"
)

// addKeys adds keys of alice's, of which the fifth has metadata, and every tenth is invalidated.
func (w *world) addKeys(count int, metadata string) {
	w.Helper()
	st, err := store.Open(w.Context(), w.dsn, w.clock.Now)
	if err != nil {
		w.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // its work is committed
	ids := make([]int, count)
	for i := range ids {
		ids[i] = i
	}
	for some := range slices.Chunk(ids, 2_000) { // more would take too long for one transaction on a busy machine
		err := st.Update(w.Context(), func(tx *store.Tx) error { return insertSome(tx, some, count, metadata) })
		if err != nil {
			w.Fatal(err)
		}
	}
}

func insertSome(tx *store.Tx, some []int, count int, metadata string) error {
	var invalidated []string
	for _, i := range some {
		key := store.APIKey{ID: fmt.Sprintf("k%06d", i*7919%count), UserName: "alice", Description: "key"}
		if i == 5 {
			key.Metadata = metadata
		}
		if err := tx.Keys.Insert(key); err != nil {
			return err
		}
		if i%10 == 0 {
			invalidated = append(invalidated, key.ID)
		}
	}
	_, err := tx.Keys.Invalidate(invalidated)
	return err
}

// Ensures that a list that is sent in parts has the same bytes as one that is not, in each form, and each key once.
func TestGetAPIKeys_Parts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 1_700
	w.addKeys(count, `{"large":"`+strings.Repeat("<>", 300_000)+`"}`)
	list := func(query string) string {
		response, body := w.do(http.MethodGet, "/_security/api_key?"+query, "", bob)
		if response.StatusCode != http.StatusOK || !json.Valid([]byte(body)) {
			t.Fatalf("%q: %d %.300s", query, response.StatusCode, body)
		}
		return body
	}

	whole := list("")
	var all gen.APIKeysInformation
	if err := json.Unmarshal([]byte(whole), &all); err != nil {
		t.Fatal(err)
	}
	inOrder := func(a, b gen.APIKeyInformation) int { return strings.Compare(a.ID, b.ID) }
	if len(all.APIKeys) != count || !slices.IsSortedFunc(all.APIKeys, inOrder) {
		t.Errorf("%d keys are listed, or not by their ids", len(all.APIKeys))
	}
	atOnce, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if whole != string(atOnce)+"\n" {
		t.Errorf("the list has %d bytes, and is not what is encoded at once with %d", len(whole), len(atOnce)+1)
	}

	for i, query := range []string{
		"filter_path=-api_keys.metadata", "filter_path=api_keys.id,api_keys.metadata", "filter_path=nothing",
		"filter_path=api_keys.invalidation", "with_limited_by", "pretty", "name=key", "name=k*", "username=alice",
		"realm_name=default_native", "active_only",
	} {
		if i%everyCase != 0 {
			continue
		}
		got := list(query)
		switch filtered, isFilter := strings.CutPrefix(query, "filter_path="); {
		case isFilter:
			if want := filter(t, filtered, whole); got != want {
				t.Errorf("%q: %d bytes, want %d: %.200s", query, len(got), len(want), got)
			}
		case strings.Contains(query, "="):
			if got != whole {
				t.Errorf("%q: the list has %d bytes, and is not that of all keys with %d", query, len(got), len(whole))
			}
		case query == "active_only":
			if active := strings.Count(got, `"invalidated":false`); active != count*9/10 {
				t.Errorf("%d keys are active", active)
			}
		default: // another form of all keys
			var listed gen.APIKeysInformation
			if err := json.Unmarshal([]byte(got), &listed); err != nil || len(listed.APIKeys) != count ||
				!slices.IsSortedFunc(listed.APIKeys, inOrder) {
				t.Errorf("%q: %d keys are listed, or not by their ids (%v)", query, len(listed.APIKeys), err)
			}
		}
	}
}

// filter returns what filter_path leaves of a whole answer.
func filter(t *testing.T, path, answer string) string {
	t.Helper()
	parsed, err := filterpath.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	left, err := parsed.Apply(t.Context(), []byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	return string(left)
}

// measuringWriter is a response of which nothing is kept but its length, and the most memory in use when a part of it
// is written. The part and the next one are in use then.
type measuringWriter struct {
	header http.Header
	status int
	bytes  int
	live   uint64
}

// Header implements http.ResponseWriter.
func (m *measuringWriter) Header() http.Header { return m.header }

// WriteHeader implements http.ResponseWriter.
func (m *measuringWriter) WriteHeader(status int) { m.status = status }

// Write implements http.ResponseWriter.
func (m *measuringWriter) Write(p []byte) (int, error) {
	m.live = max(m.live, liveBytes())
	m.bytes += len(p)
	return len(p), nil
}

// liveBytes returns the bytes in use.
func liveBytes() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Ensures that a list that is sent in parts is not held in memory. It is not parallel, because it measures the process.
func TestGetAPIKeys_Memory(t *testing.T) {
	if everyCase > 1 {
		t.Skip("the race detector needs memory, too: make costs measures it")
	}
	w := newWorld(t)
	w.addKeys(30_000, "")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_security/api_key", nil)
	r.SetBasicAuth("bob", bobPassword)
	const most = 8 << 20
	before := liveBytes()
	m := &measuringWriter{header: http.Header{}}
	w.app.Handler.ServeHTTP(m, r)
	t.Logf("%d bytes sent, %d bytes in use at one time", m.bytes, m.live-min(m.live, before))
	if m.status != http.StatusOK || m.bytes < most/2 || m.live > before+most {
		t.Errorf("answered %d with %d bytes; %d bytes in use, before %d", m.status, m.bytes, m.live, before)
	}
}
