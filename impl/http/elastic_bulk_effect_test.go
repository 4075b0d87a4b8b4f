package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures that each condition of a noop counts by itself: when any does not hold, the update is one, and the next is
// none.
func TestBulkUpdate_Noop(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.newRole("key_owner", "manage_own_api_key")
	w.newUser("carol", "key_owner")
	profile := func(members string) func() {
		return func() { w.must(http.MethodPut, "/_security/user/carol", `{"roles":["key_owner"],`+members+`}`, bob) }
	}
	const descriptors = `"role_descriptors":{"a":{"cluster":["monitor","read_ilm"]},"b":{"indices":[{"names":["x","y"],"privileges":["read"]}]}}`
	for _, c := range []struct {
		name   string
		before func()
		body   string
		// updated reports whether the update changes the key.
		updated bool
	}{
		{"nothing", nil, ``, false},
		{"the same metadata", nil, `"metadata":{"n":{"b":[1,null],"a":"x"}}`, false},
		{"metadata in another order", nil, `"metadata": {"n": {"a": "x", "b": [1, null]}}`, false},
		{"other metadata", nil, `"metadata":{"n":{"a":"x","b":[null,1]}}`, true},
		{"no metadata", nil, `"metadata":{}`, true},
		{"the same descriptors", nil, descriptors, false},
		{"descriptors in another order, and in another form", nil,
			`"role_descriptors":{"b":{"index":[{"privileges":["read"],"names":["x","y"],"query":null}],"run_as":[]},"a":{"cluster":["monitor","read_ilm"],"type":"x"}}`, false},
		{"another order inside of an array", nil,
			strings.Replace(descriptors, `"monitor","read_ilm"`, `"read_ilm","monitor"`, 1), true},
		{"another order of names", nil, strings.Replace(descriptors, `"x","y"`, `"y","x"`, 1), true},
		{"a descriptor less", nil, `"role_descriptors":{"a":{"cluster":["monitor","read_ilm"]}}`, true},
		{"a descriptor by another name", nil, strings.Replace(descriptors, `"a":{`, `"c":{`, 1), true},
		{"a descriptor more", nil, strings.Replace(descriptors, `"a":{`, `"c":{},"a":{`, 1), true},
		{"no descriptors", nil, `"role_descriptors":{}`, true},
		{"all the same", nil, descriptors + `,"metadata":{"n":{"b":[1,null],"a":"x"}}`, false},
		{"a full name", profile(`"full_name":"Carol"`), ``, true},
		{"an e-mail address", profile(`"full_name":"Carol","email":"c@example.org"`), ``, true},
		{"metadata of the user", profile(`"full_name":"Carol","email":"c@example.org","metadata":{"a":1}`), ``, true},
		{"no change of the user", profile(`"full_name":"Carol","email":"c@example.org","metadata":{"a":1}`), ``, false},
		{"another privilege of the role", func() { w.newRole("key_owner", "manage_own_api_key", "monitor") }, ``, true},
		{"the same privileges of the role", func() { w.newRole("key_owner", "manage_own_api_key", "monitor") }, ``, false},
		{"another description of the role", func() {
			w.must(http.MethodPut, "/_security/role/key_owner",
				`{"cluster":["manage_own_api_key","monitor"],"description":"other"}`, bob)
		}, ``, false},
		{"another role", func() {
			w.newRole("more", "monitor")
			w.must(http.MethodPut, "/_security/user/carol",
				`{"roles":["key_owner","more"],"full_name":"Carol","email":"c@example.org","metadata":{"a":1}}`, bob)
		}, ``, true},
		{"a key from before", func() { w.sql(`UPDATE api_keys SET version = 0`) }, ``, true},
		{"a key without snapshots", func() { w.sql(`UPDATE api_keys SET limited_by = '', creator = ''`) }, ``, true},
	} {
		id, _ := w.newKeyOf(carol, `{"name":"k","metadata":{"n":{"a":"x","b":[1,null]}},`+descriptors+`}`)
		if c.before != nil {
			c.before()
		}
		body := `{"ids":"` + id + `"`
		if c.body != "" {
			body += "," + c.body
		}
		got := w.bulkUpdate(body+"}", carol)
		if slices.Contains(got.Updated, id) != c.updated || len(got.Updated)+len(got.Noops) != 1 {
			t.Errorf("%s: %s", c.name, got)
		}
		if again := w.bulkUpdate(body+"}", carol); len(again.Noops) != 1 {
			t.Errorf("%s: once more is %s", c.name, again)
		}
	}
}

// Ensures that empty metadata is not the same as none, though it is shown so, and that any expiration is an update.
func TestBulkUpdate_NoopNever(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"k"}`)
	for _, c := range [][2]string{
		{`{"ids":"ID","metadata":{}}`, "updated"},
		{`{"ids":"ID","metadata":{}}`, "noop"},
		{`{"ids":"ID","role_descriptors":{}}`, "noop"},
		{`{"ids":"ID","expiration":"1d"}`, "updated"},
		{`{"ids":"ID","expiration":"1d"}`, "updated"},
		{`{"ids":"ID"}`, "noop"},
	} {
		if got := w.bulkUpdate(strings.ReplaceAll(c[0], "ID", id), bob); (len(got.Updated) == 1) != (c[1] == "updated") {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}

// expirationOf returns when a key expires, in milliseconds; 0 for never.
func (w *world) expirationOf(caller client.RequestEditorFn, id string) int64 {
	w.Helper()
	var shown struct {
		Keys []struct{ Expiration int64 } `json:"api_keys"`
	}
	if err := json.Unmarshal([]byte(w.must(http.MethodGet, keysURL+"?id="+id, "", caller)), &shown); err != nil ||
		len(shown.Keys) != 1 {
		w.Fatal(err)
	}
	return shown.Keys[0].Expiration
}

// Ensures that an expiration counts from now in whole seconds, in every unit, and replaces the one before, and that
// there is no way back to none.
func TestBulkUpdate_Expiration(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"k"}`)
	if got := w.expirationOf(bob, id); got != 0 {
		t.Errorf("a new key expires at %d", got)
	}

	now := w.clock.Now()
	for value, want := range map[string]time.Duration{
		"1d":               24 * time.Hour,
		"2D":               48 * time.Hour,
		"3h":               3 * time.Hour,
		"4H":               4 * time.Hour,
		"5m":               5 * time.Minute,
		"6s":               6 * time.Second,
		"7S":               7 * time.Second,
		"8000ms":           8 * time.Second,
		"9999MS":           9 * time.Second,
		"10000000micros":   10 * time.Second,
		"11999999999nanos": 11 * time.Second,
		"12000000Micros":   12 * time.Second,
		"13000000000NANOS": 13 * time.Second,
		" 14s\t":           14 * time.Second,
		"0015s":            15 * time.Second,
		"36500d":           36500 * 24 * time.Hour,
	} {
		if got := w.bulkUpdate(`{"ids":"`+id+`","expiration":`+asJSON(value)+`}`, bob); len(got.Updated) != 1 {
			t.Errorf("%q: %s", value, got)
		}
		if got := w.expirationOf(bob, id); got != now.Add(want).UnixMilli() {
			t.Errorf("%q ends at %d, want %d", value, got, now.Add(want).UnixMilli())
		}
	}

	before := w.expirationOf(bob, id)
	w.bulkUpdate(`{"ids":"`+id+`","metadata":{"a":1}}`, bob)
	if got := w.expirationOf(bob, id); got != before {
		t.Errorf("without an expiration the key expires at %d, not %d", got, before)
	}

	w.bulkUpdate(`{"ids":"`+id+`","expiration":"999ms"}`, bob) // no whole second, so it is over at once
	if got := w.bulkUpdate(`{"ids":"`+id+`","expiration":"1d"}`, bob).whys()[id]; got != illegalArgument+
		": cannot update expired API key ["+id+"]" {
		t.Errorf("after 999ms: %q", got)
	}
}

// may reports whether a caller has a cluster privilege.
func (w *world) may(caller client.RequestEditorFn, privilege string) bool {
	w.Helper()
	return strings.Contains(w.must(http.MethodPost, "/_security/user/_has_privileges", `{"cluster":["`+privilege+`"]}`,
		caller), `"has_all_requested":true`)
}

// Ensures that an update changes the given members and the copy of the owner's privileges, and nothing else, and that
// the key has its new privileges at the next request.
func TestBulkUpdate_Effect(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.newRole("key_owner", "manage_own_api_key")
	w.newUser("carol", "key_owner")
	id, encoded := w.newKeyOf(carol, `{"name":"k","metadata":{"a":1},"expiration":"9d"}`)
	key := apiKey(encoded)
	const same = `SELECT id || user_name || description || secret_digest || created_at || invalidated_at || expires_at || metadata || assigned FROM api_keys`
	before := w.rows(same)
	w.clock.advance(time.Hour)
	w.newRole("key_owner", "manage_own_api_key", "monitor")
	w.must(http.MethodPut, "/_security/user/carol", `{"roles":["key_owner"],"full_name":"Carol C."}`, bob)
	if w.may(key, "monitor") {
		t.Error("a role that is changed changes keys by itself")
	}
	if got := w.bulkUpdate(`{"ids":["`+id+`"]}`, carol); len(got.Updated) != 1 {
		t.Fatal(got)
	}
	if w.rows(same) != before {
		t.Errorf("the key was %s, is %s", before, w.rows(same))
	}
	if shown := w.shownKeys(bob, id); !w.may(key, "monitor") ||
		!strings.Contains(shown, `"limited_by":[{"key_owner":{"cluster":["manage_own_api_key","monitor"]`) {
		t.Errorf("the owner's roles are not updated: %s", shown)
	}
	if got := w.rows(`SELECT body FROM documents JOIN api_keys ON creator = documents.id`); !strings.Contains(got,
		`"full_name":"Carol C."`) {
		t.Errorf("the creator is %s", got)
	}

	for _, c := range []struct {
		body           string
		monitor, owner bool
	}{
		{`"role_descriptors":{"x":{"cluster":["monitor"]}}`, true, false},
		{`"role_descriptors":{"x":{"cluster":["all"]}}`, true, true},
		{`"role_descriptors":{"x":{}}`, false, false},
		{`"role_descriptors":{}`, true, true},
		{`"role_descriptors":{"x":{"cluster":["manage_own_api_key"]},"y":{"cluster":["none"]}}`, false, true},
	} {
		w.bulkUpdate(`{"ids":["`+id+`"],`+c.body+`}`, carol)
		if monitor, owner := w.may(key, "monitor"), w.may(key, "manage_own_api_key"); monitor != c.monitor ||
			owner != c.owner || w.may(key, "manage_security") {
			t.Errorf("%s: monitor %v, manage_own_api_key %v", c.body, monitor, owner)
		}
	}
}

// Ensures that metadata is replaced and never merged, kept as it is written, and cleared by an empty object.
func TestBulkUpdate_Metadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"k","metadata":{"old":1}}`)
	for _, metadata := range []string{`{"a":{"_b":[1.50,12345678901234567890,null,true,{"":""}]}}`, `{"":1}`,
		`{"x.y":"z"}`, `{}`} {
		w.bulkUpdate(fmt.Sprintf(`{"ids":%q,"metadata":%s}`, id, metadata), bob)
		if got := w.shownKeys(bob, id); !strings.Contains(got, `"metadata":`+metadata+`,`) {
			t.Errorf("%s is shown in %s", metadata, got)
		}
	}
}
