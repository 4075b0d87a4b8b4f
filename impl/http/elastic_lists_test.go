package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/http/elastic/filterpath"
	"github.com/sallyport/sallyport/impl/store"
)

// addKeys adds keys of alice's, of which the fifth has much metadata, and every tenth is invalidated.
func (w *world) addKeys(count int) {
	w.Helper()
	st, err := store.Open(w.Context(), w.dsn, w.clock.Now)
	if err != nil {
		w.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // its work is committed
	err = st.Update(w.Context(), func(tx *store.Tx) error {
		var invalidated []string
		for i := range count {
			key := store.APIKey{ID: fmt.Sprintf("k%06d", i*7919%count), UserName: "alice", Description: "key"}
			if i == 5 {
				key.Metadata = `{"large":"` + strings.Repeat("<>", 300_000) + `"}`
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
	})
	if err != nil {
		w.Fatal(err)
	}
}

// Ensures that a list that is sent in parts has the same bytes as one that is not, in each form, and each key once.
func TestGetAPIKeys_Parts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 1_700
	w.addKeys(count)
	lists := map[string]string{}
	for _, query := range []string{
		"", "name=key", "name=k*", "username=alice", "realm_name=default_native", "active_only", "with_limited_by",
		"filter_path=api_keys.id,api_keys.metadata", "filter_path=-api_keys.metadata", "filter_path=nothing",
		"filter_path=api_keys.invalidation", "pretty",
	} {
		response, body := w.do(http.MethodGet, "/_security/api_key?"+query, "", bob)
		if response.StatusCode != http.StatusOK || !json.Valid([]byte(body)) {
			t.Fatalf("%q: %d %.300s", query, response.StatusCode, body)
		}
		lists[query] = body
	}

	var all gen.APIKeysInformation
	if err := json.Unmarshal([]byte(lists[""]), &all); err != nil {
		t.Fatal(err)
	}
	before := ""
	for _, key := range all.APIKeys {
		if key.ID <= before {
			t.Errorf("%s follows %s", key.ID, before)
		}
		before = key.ID
	}
	if len(all.APIKeys) != count {
		t.Errorf("%d keys are listed", len(all.APIKeys))
	}

	whole, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	whole = append(whole, '\n')
	for _, query := range []string{"", "name=key", "name=k*", "username=alice", "realm_name=default_native"} {
		if lists[query] != string(whole) {
			t.Errorf("%q: the list has %d bytes, and is not that of all keys with %d", query, len(lists[query]), len(whole))
		}
	}
	if active := strings.Count(lists["active_only"], `"invalidated":false`); active != count*9/10 {
		t.Errorf("%d keys are active", active)
	}
	for query := range lists {
		list, filtered := strings.CutPrefix(query, "filter_path=")
		if !filtered {
			continue
		}
		filter, err := filterpath.Parse(list)
		if err != nil {
			t.Fatal(err)
		}
		want, err := filter.Apply(t.Context(), whole)
		if err != nil {
			t.Fatal(err)
		}
		if lists[query] != string(want) {
			t.Errorf("%q: %d bytes, want %d: %.200s", query, len(lists[query]), len(want), lists[query])
		}
	}
}
