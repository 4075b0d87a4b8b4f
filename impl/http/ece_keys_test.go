package http_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// ids lists a caller's own keys.
func (w *world) ids(caller client.RequestEditorFn) []string {
	w.Helper()
	r, err := w.client.GetAPIKeysWithResponse(w.Context(), caller)
	if err != nil || r.JSON200 == nil {
		w.Fatalf("list of keys: %v %v", r, err)
	}
	return w.without(r.JSON200.Keys)
}

// without returns the ids of listed keys, none of which may show its secret.
func (w *world) without(keys []client.APIKeyResponse) []string {
	w.Helper()
	ids := []string{}
	for _, key := range keys {
		if key.Key != nil {
			w.Errorf("the key %s is shown again", key.ID)
		}
		ids = append(ids, key.ID)
	}
	return ids
}

// Ensures a key's life: shown once, listed oldest first, read, used, deleted, dead.
func TestKeys(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	first := w.newKey(alice, "first", "")
	w.clock.advance(time.Second)
	second := w.newKey(alice, "second", "90d")
	if first.UserID == nil || *first.UserID != "alice" || first.Description != "first" || first.ExpirationDate != nil {
		t.Errorf("the first key is %+v", first)
	}
	if want := w.clock.Now().Add(90 * 24 * time.Hour); second.ExpirationDate == nil || !second.ExpirationDate.Equal(want) {
		t.Errorf("the second key expires at %v, want %s", second.ExpirationDate, want)
	}
	if got := w.ids(alice); !slices.Equal(got, []string{first.ID, second.ID}) {
		t.Errorf("listed are %v", got)
	}
	if got := w.ids(apiKey(*first.Key)); len(got) != 2 {
		t.Errorf("the key lists %v", got)
	}

	one, err := w.client.GetAPIKeyWithResponse(t.Context(), second.ID, alice)
	if err != nil || one.JSON200 == nil || one.JSON200.Key != nil || one.JSON200.Description != "second" {
		t.Errorf("reading a key: %v %s", err, one.Body)
	}

	deleted, err := w.client.DeleteAPIKeyWithResponse(t.Context(), first.ID, alice)
	if err != nil || deleted.JSON200 == nil || w.alive(apiKey(*first.Key)) {
		t.Errorf("deleting a key: %v %s", err, deleted.Body)
	}

	again, err := w.client.DeleteAPIKeyWithResponse(t.Context(), first.ID, alice)
	if err != nil {
		t.Fatal(err)
	}

	w.refused(again.HTTPResponse, string(again.Body), http.StatusNotFound, "api_keys.key_not_found", "api_key_id")
}

// Ensures that a key expires to the second and announces it, and that its holder learns when.
func TestKeys_Expiration(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.newKey(alice, "short", "3h")
	r, err := w.client.GetAPIKeysWithResponse(t.Context(), apiKey(*key.Key))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.HTTPResponse.Header.Get("X-Elastic-Api-Key-Expiration"),
		key.ExpirationDate.Format(time.RFC3339); got != want {
		t.Errorf("the header says %q, want %q", got, want)
	}

	forever := w.newKey(alice, "forever", "")
	if r, err = w.client.GetAPIKeysWithResponse(t.Context(), apiKey(*forever.Key)); err != nil ||
		r.HTTPResponse.Header["X-Elastic-Api-Key-Expiration"] != nil {
		t.Errorf("a key that never expires announces that it does: %v %v", r.HTTPResponse.Header, err)
	}

	w.clock.advance(3*time.Hour - time.Millisecond)
	if !w.alive(apiKey(*key.Key)) {
		t.Error("the key is dead early")
	}

	w.clock.advance(time.Millisecond)
	if w.alive(apiKey(*key.Key)) {
		t.Error("the key outlives its expiration")
	}
	if got := w.ids(alice); len(got) != 2 {
		t.Errorf("the expired key is not listed: %v", got)
	}
}

// Ensures that what cannot be a key is refused by the name of what is wrong, and makes none.
func TestKeys_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, c := range []struct{ body, code, field string }{
		{`{"description":""}`, "api_keys.invalid_input", "description"},
		{`{"description":" x"}`, "api_keys.invalid_input", "description"},
		{`{"description":"_x"}`, "api_keys.invalid_input", "description"},
		{`{"description":"a\nb"}`, "api_keys.invalid_input", "description"},
		{`{"description":"` + strings.Repeat("ü", 257) + `"}`, "api_keys.invalid_input", "description"},
		{`{"description":"x","expiration":"1w"}`, "api_keys.invalid_input", "expiration"},
		{`{"description":"x","expiration":""}`, "api_keys.invalid_input", "expiration"},
		{`{"description":"x","expiration":"1nanos"}`, "api_keys.invalid_input", "expiration"},
		{`{"description":"x","expiration":"` + strings.Repeat("1", 33) + `d"}`, "root.invalid_data", "expiration"},
		{`{"description":"x","expiration":"0"}`, "api_keys.invalid_input", "expiration"},
		{`{"description":"x","expiration":"-1"}`, "api_keys.invalid_input", "expiration"},
		{`{"description":"x","expiration":"999999999d"}`, "api_keys.invalid_input", "expiration"},
		{`{"description":"x","role_assignments":{"platform":[{"role_id":"r"}]}}`, "api_keys.invalid_input",
			"role_assignments"},
		{`{}`, "root.invalid_data", "description"},
		{`{"description":"x","expiration":1}`, "root.invalid_data", "expiration"},
		{`{"description":"x","Expiration":"1d"}`, "root.invalid_data", "Expiration"},
	} {
		response, body := w.do(http.MethodPost, "/api/v1/users/auth/keys", c.body, alice)
		w.refused(response, body, http.StatusBadRequest, c.code, c.field)
	}

	response, body := w.do(http.MethodPost, "/api/v1/users/auth/keys", `{"description":"x"}`, admin)
	w.refused(response, body, http.StatusBadRequest, "api_keys.invalid_input")
	if got := w.ids(alice); len(got) != 0 {
		t.Errorf("a refused request made the keys %v", got)
	}

	w.newKey(alice, strings.Repeat("ü", 256), "1ms")
	if response, body := w.do(http.MethodPost, "/api/v1/users/auth/keys",
		`{"description":"x","role_assignments":{"platform":[],"project":{"security":[]}}}`,
		alice); response.StatusCode != http.StatusCreated {
		t.Errorf("role assignments that are empty: %s", body)
	}

	tooMany := `{"keys":[""` + strings.Repeat(`,""`, 1000) + `]}`
	response, body = w.do(http.MethodDelete, "/api/v1/users/auth/keys", tooMany, alice)
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "keys")
}

// Ensures that a credential must be right to the last bit.
func TestKeys_WrongCredential(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.newKey(alice, "a key", "")
	other := w.newKey(bob, "another key", "")
	decode := func(text string) string {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}

	id, secret, _ := strings.Cut(decode(*key.Key), ":")
	_, otherSecret, _ := strings.Cut(decode(*other.Key), ":")
	for _, raw := range []string{
		"", ":", id, id + ":", id + ":" + otherSecret, id + ":" + secret + "x", id + ":" + secret[1:], ":" + secret,
		other.ID + ":" + secret, strings.ToUpper(id) + ":" + secret, id + ":" + strings.ToUpper(secret), id + "::" + secret,
	} {
		if w.alive(apiKey(base64.StdEncoding.EncodeToString([]byte(raw)))) {
			t.Errorf("%q works", raw)
		}
	}

	for _, header := range []string{
		"ApiKey " + id + ":" + secret, "ApiKey " + *key.Key + "=", "ApiKey", "ApiKey ", *key.Key, "Bearer " + *key.Key,
		"Basic " + *key.Key,
		"ApiKey " + *key.Key + " " + *key.Key, "ApiKey," + *key.Key,
	} {
		if w.alive(authorization(header)) {
			t.Errorf("%q works", header)
		}
	}

	for _, scheme := range []string{"ApiKey ", "APIKey ", "apikey ", "ApiKey   "} {
		if !w.alive(authorization(scheme + *key.Key)) {
			t.Errorf("the scheme %q does not work", scheme)
		}
	}
}

// Ensures that another user's key is answered like a missing one, and that several keys are deleted in one transaction.
func TestKeys_OnlyOnesOwn(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	own1, own2, foreign := w.newKey(alice, "1", ""), w.newKey(alice, "2", ""), w.newKey(bob, "3", "")
	got, err := w.client.GetAPIKeyWithResponse(t.Context(), foreign.ID, alice)
	if err != nil || got.JSON404 == nil {
		t.Errorf("reading another's key: %v %s", err, got.Body)
	}

	removed, err := w.client.DeleteAPIKeyWithResponse(t.Context(), foreign.ID, alice)
	if err != nil || removed.JSON404 == nil {
		t.Errorf("deleting another's key: %v %s", err, removed.Body)
	}

	several, err := w.client.DeleteAPIKeysWithResponse(t.Context(),
		client.DeleteAPIKeysRequest{Keys: []string{own1.ID, foreign.ID, "unknown", own1.ID}}, alice)
	if err != nil || several.JSON200 == nil {
		t.Fatalf("deleting several: %v %s", err, several.Body)
	}
	if left := w.ids(alice); !slices.Equal(left, []string{own2.ID}) {
		t.Errorf("left are %v", left)
	}
	if !w.alive(apiKey(*foreign.Key)) {
		t.Error("another's key was deleted")
	}
	if none, err := w.client.DeleteAPIKeysWithResponse(t.Context(), client.DeleteAPIKeysRequest{Keys: []string{}},
		alice); err != nil || none.JSON200 == nil {
		t.Errorf("deleting none: %v %s", err, none.Body)
	}
}

// Ensures that platform admins see and delete the keys of all users: one, several or all of a user.
func TestKeys_Admin(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	a1, a2, a3, b1 := w.newKey(alice, "1", ""), w.newKey(alice, "2", ""), w.newKey(alice, "3", ""), w.newKey(bob, "4", "")
	all, err := w.client.GetUsersAPIKeysWithResponse(t.Context(), admin)
	if err != nil || all.JSON200 == nil || len(w.without(all.JSON200.Keys)) != 4 {
		t.Fatalf("all keys: %v %s", err, all.Body)
	}

	list := func() []string {
		r, err := w.client.GetUserAPIKeysWithResponse(t.Context(), "alice", admin)
		if err != nil || r.JSON200 == nil {
			t.Fatalf("alice's keys: %v %s", err, r.Body)
		}
		return w.without(r.JSON200.Keys)
	}
	if got := list(); len(got) != 3 {
		t.Errorf("alice has %v", got)
	}

	one, err := w.client.GetUserAPIKeyWithResponse(t.Context(), "alice", a1.ID, admin)
	if err != nil || one.JSON200 == nil || *one.JSON200.UserID != "alice" {
		t.Errorf("alice's key: %v %s", err, one.Body)
	}
	if wrong, err := w.client.GetUserAPIKeyWithResponse(t.Context(), "bob", a1.ID, admin); err != nil ||
		wrong.JSON404 == nil {
		t.Errorf("alice's key as bob's: %v %s", err, wrong.Body)
	}
	if deleted, err := w.client.DeleteUserAPIKeyWithResponse(t.Context(), "alice", a1.ID, admin); err != nil ||
		deleted.JSON200 == nil {
		t.Errorf("deleting alice's key: %v %s", err, deleted.Body)
	}
	if wrong, err := w.client.DeleteUserAPIKeyWithResponse(t.Context(), "bob", a2.ID, admin); err != nil ||
		wrong.JSON404 == nil {
		t.Errorf("deleting alice's key as bob's: %v %s", err, wrong.Body)
	}

	several, err := w.client.DeleteUsersAPIKeysWithResponse(t.Context(),
		client.DeleteUsersAPIKeysRequest{UserAPIKeys: []client.UserAPIKey{
			{UserID: "alice", APIKeyID: a2.ID}, {UserID: "alice", APIKeyID: b1.ID}, {UserID: "unknown", APIKeyID: "x"},
		}}, admin)
	if err != nil || several.JSON200 == nil {
		t.Fatalf("deleting several: %v %s", err, several.Body)
	}
	if got := list(); !slices.Equal(got, []string{a3.ID}) || !w.alive(apiKey(*b1.Key)) {
		t.Errorf("alice has %v", got)
	}
	if r, err := w.client.DeleteUserAPIKeysWithResponse(t.Context(), "alice", admin); err != nil || r.JSON200 == nil ||
		len(list()) != 0 {
		t.Errorf("deleting all: %v %s", err, r.Body)
	}
	if w.alive(apiKey(*a3.Key)) {
		t.Error("a deleted key works")
	}

	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		response, body := w.do(method, "/api/v1/users/unknown/auth/keys", "", admin)
		w.refused(response, body, http.StatusNotFound, "api_keys.user_not_found", "user_id")
	}
}
