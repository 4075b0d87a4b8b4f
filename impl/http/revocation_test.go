package http_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// massKeys is the number of keys of the user in the tests of mass revocation.
var massKeys = func() int {
	if os.Getenv("SALLYPORT_TEST_THOROUGH") == "1" {
		return 200_000
	}
	return 20_000
}()

// bulkKeys inserts massKeys keys of a user into the database by one statement, and returns the credentials of some, the
// first and the last among them, and the duration of the statement.
func (w *world) bulkKeys(user string) ([]client.RequestEditorFn, time.Duration) {
	w.Helper()
	began := time.Now()
	w.sql(fmt.Sprintf(`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT '%s-' || i, '%s', 'bulk', '%s', %d, 0 FROM n`, massKeys, user, user, secret.Digest("s"), w.clock.Now().UnixMilli()))
	took := time.Since(began)
	var some []client.RequestEditorFn
	for _, i := range []int{1, 2, massKeys / 2, massKeys - 1, massKeys} {
		some = append(some, apiKey(base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%d:s", user, i))))
	}
	return some, took
}

// faster fails the test unless revoking all keys of a user took less time than inserting them by one statement, which
// writes each once: a revocation may read the keys, but must not write them.
func (w *world) faster(revoking, inserting time.Duration) {
	w.Helper()
	w.Logf("%d keys were revoked in %v, and inserted in %v", massKeys, revoking, inserting)
	if revoking > inserting {
		w.Errorf("%d keys were revoked in %v; want less than %v", massKeys, revoking, inserting)
	}
}

// timed sends a request without checking the answer against the contract, which would take longer than the request.
func (w *world) timed(method, path, body string, caller client.RequestEditorFn) (string, time.Duration) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	w.well(err)
	r.Header.Set("Content-Type", "application/json")
	w.well(caller(w.Context(), r))
	began := time.Now()
	response, err := http.DefaultClient.Do(r)
	w.well(err)
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	w.well(err)
	if response.StatusCode != http.StatusOK {
		w.Fatalf("%s %s: %d %.200s", method, path, response.StatusCode, text)
	}
	return string(text), time.Since(began)
}

// Ensures that all keys of a user are revoked without a write for each, that none of them works
// afterwards on either of two replicas, and that every view says so before and after the rows are swept.
func TestRevocation_Mass(t *testing.T) {
	t.Parallel()
	first, second := newReplicas(t)
	for route, r := range map[string]struct {
		method, path, body string
		// own is set where the user revokes the keys, and lists where the answer lists the ids.
		own, lists bool
	}{
		"owner":    {"DELETE", "/_security/api_key", `{"owner":true}`, true, true},
		"username": {"DELETE", "/_security/api_key", `{"username":"username"}`, false, true},
		"realm":    {"DELETE", "/_security/api_key", `{"realm_name":"default_native"}`, false, true},
		"ece":      {"DELETE", "/api/v1/users/ece/auth/keys", "", false, false},
	} {
		t.Run(route, func(t *testing.T) {
			a, b := first.in(t), second.in(t)
			owner, actor := a.native(route, "superuser"), bob
			if r.own {
				actor = owner
			}
			keys, inserting := a.bulkKeys(route)
			for _, key := range keys {
				a.waitUntilCached(key)
				b.waitUntilCached(key)
			}
			answer, revoking := a.timed(r.method, r.path, r.body, actor)
			a.faster(revoking, inserting)
			a.revoked(b, keys)
			if r.lists {
				listsEach(t, answer, route)
			}
			a.showsRevoked(route)
			if !a.alive(a.esKey(owner, `{"name":"later"}`).editor()) {
				t.Error("a key that was made later is dead")
			}
			a.eventually(time.Minute, "the rows are swept",
				func() bool { return a.count("SELECT COUNT(*) FROM users WHERE sweeping") == 0 })
			a.revoked(b, keys)
			a.showsRevoked(route)
		})
	}
}

// in is a world in a subtest.
func (w *world) in(t *testing.T) *world {
	inner := *w
	inner.T = t
	return &inner
}

// revoked fails the test unless keys are refused, here at once, and at the other replica as soon as that heard of it.
func (w *world) revoked(other *world, keys []client.RequestEditorFn) {
	w.Helper()
	for _, key := range keys {
		if w.alive(key) {
			w.Error("a revoked key works where it was revoked")
		}
		other.eventually(heard, "a revoked key is refused at the other replica", func() bool { return !other.alive(key) })
	}
}

// listsEach fails the test unless the answer of an invalidation lists each of a user's keys once.
func listsEach(t *testing.T, answer, user string) {
	t.Helper()
	var listed struct {
		Invalidated []string `json:"invalidated_api_keys"`
		Errors      int      `json:"error_count"`
	}
	if err := json.Unmarshal([]byte(answer), &listed); err != nil || listed.Errors != 0 {
		t.Fatalf("%v, %d errors", err, listed.Errors)
	}
	found := map[string]bool{}
	for _, id := range listed.Invalidated {
		found[id] = true
	}
	for i := range massKeys {
		if !found[fmt.Sprintf("%s-%d", user, i+1)] {
			t.Fatalf("key %d is not listed", i+1)
		}
	}
}

// showsRevoked fails the test unless every view of a user's bulk keys has them as invalidated now, and the trail has
// that once.
func (w *world) showsRevoked(user string) {
	w.Helper()
	for _, i := range []int{1, massKeys} {
		id := fmt.Sprintf("%s-%d", user, i)
		shown := w.shownKey(bob, id, "")
		if shown["invalidated"] != true || fmt.Sprint(shown["invalidation"]) != fmt.Sprint(w.clock.Now().UnixMilli()) {
			w.Errorf("the key is shown as %v", shown)
		}
		response, body := w.do(http.MethodGet, "/api/v1/users/"+user+"/auth/keys/"+id, "", bob)
		w.refused(response, body, http.StatusNotFound, "api_keys.key_not_found", "api_key_id")
	}
	details := w.rows(`SELECT details FROM audit_log WHERE event = 'api_keys.revoked' AND subject = '` + user + `'`)
	if want := fmt.Sprintf(`{"epoch":1,"keys":%d}`, massKeys); details != want {
		w.Errorf("the audit trail has %q, want %q", details, want)
	}
	if n := w.count("SELECT COUNT(*) FROM audit_log WHERE event = 'api_key.invalidated'"); n != 0 {
		w.Errorf("the audit trail has %d keys", n)
	}
	if massKeys > 20_000 {
		return // a query reads all keys
	}
	query := `{"size":0,"query":{"bool":{"filter":[{"term":{"username":"` + user + `"}},{"term":{"invalidated":true}}]}}}`
	if total := w.es(bob, "POST /_security/_query/api_key",
		query).ok()["total"]; fmt.Sprint(total) != fmt.Sprint(massKeys) {
		w.Errorf("a query finds %v invalidated keys", total)
	}
}

// Ensures that a user with very many keys is deleted without a write for each, and that a new user of the same name has
// none of them.
func TestRevocation_DeleteUser(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	a.native("carol", "superuser")
	keys, inserting := a.bulkKeys("carol")
	for _, key := range keys {
		a.waitUntilCached(key)
		b.waitUntilCached(key)
	}
	_, deleting := a.timed(http.MethodDelete, "/api/v1/users/carol", "", bob)
	a.faster(deleting, inserting)
	a.revoked(b, keys)
	response, body := a.do(http.MethodGet, "/api/v1/users/carol", "", bob)
	a.refused(response, body, http.StatusNotFound, "user.not_found", "user_name")

	check := func(own int) {
		t.Helper()
		a.revoked(b, keys)
		keys, _ := a.es(bob, "GET /_security/api_key?username=carol", "").ok()["api_keys"].([]any)
		if len(keys) != own {
			t.Errorf("the new user has %d keys, want %d", len(keys), own)
		}
	}
	check(0)
	again := a.native("carol", "superuser")
	check(0)
	own := a.esKey(again, `{"name":"own"}`)
	check(1)
	a.eventually(time.Minute, "the rows are swept", func() bool {
		return a.count("SELECT COUNT(*) FROM api_keys WHERE user_name = 'carol'") == 1 &&
			a.count("SELECT COUNT(*) FROM users WHERE sweeping") == 0
	})
	check(1)
	if !a.alive(own.editor()) || !b.alive(own.editor()) || !a.alive(again) {
		t.Error("the new user, or the new user's key, is dead")
	}
}

// Ensures that a new password ends thousands of sessions at once, with their refresh tokens.
func TestRevocation_Sessions(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	a.native("carol", "superuser")
	grant := a.es(bob, "POST /_security/oauth2/token",
		`{"grant_type":"password","username":"carol","password":"`+passwordOf("carol")+`"}`).ok()
	token, _ := grant["access_token"].(string)
	refresh, _ := grant["refresh_token"].(string)
	a.sql(fmt.Sprintf(`INSERT INTO sessions (id, user_name, created_at, expires_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
		SELECT 'bulk-' || i, 'carol', 1, %d FROM n`, a.clock.Now().Add(time.Hour).UnixMilli()))
	a.waitUntilCached(bearer(token))
	b.waitUntilCached(bearer(token))

	_, took := a.timed(http.MethodPut, "/_security/user/carol/_password", `{"password":"another passphrase of carol"}`,
		bob)
	t.Logf("9,001 sessions ended in %v", took)
	a.revoked(b, []client.RequestEditorFn{bearer(token)})
	if r := b.es(bob, "POST /_security/oauth2/token",
		`{"grant_type":"refresh_token","refresh_token":"`+refresh+`"}`); r.response.StatusCode != http.StatusBadRequest {
		t.Errorf("the refresh token is answered with %d", r.response.StatusCode)
	}
	later := a.login("carol", "another passphrase of carol")
	a.eventually(time.Minute, "the rows are swept",
		func() bool { return a.count("SELECT COUNT(*) FROM sessions WHERE user_name = 'carol'") == 1 })
	if !a.alive(bearer(later)) || !b.alive(bearer(later)) || a.alive(bearer(token)) {
		t.Error("the session that began later is dead, or the one that ended is alive")
	}
}

// Ensures that a user gets no more keys than the operator allows, in either family, and that only keys that work count.
func TestKeyQuota(t *testing.T) {
	t.Parallel()
	w := openTuned(t, func(s *app.Settings) { s.Keys.MaxPerUser = 3 })
	w.addUsers()
	carol := w.native("carol", "superuser", "ece_platform_viewer")
	first := w.newKey(carol, "x", "")
	second := w.esKey(carol, `{"name":"x"}`)
	w.esKey(carol, `{"name":"x","expiration":"1h"}`)
	const full = `the user "carol" has 3 API keys that are neither invalidated nor expired, the maximum on this server; invalidate some first`
	refused := func() {
		t.Helper()
		w.es(carol, "POST /_security/api_key", `{"name":"x"}`).fails(http.StatusBadRequest, illegalArgument, full)
		w.es(bob, "POST /_security/api_key/grant",
			`{"grant_type":"password","username":"carol","password":"`+passwordOf("carol")+`","api_key":{"name":"x"}}`).
			fails(http.StatusBadRequest, illegalArgument, full)
		response, body := w.do(http.MethodPost, eceKeys, `{"description":"x"}`, carol)
		w.refused(response, body, http.StatusBadRequest, "api_keys.invalid_input")
	}
	refused()
	w.newKey(bob, "x", "")

	w.clock.advance(time.Hour) // one expires
	w.newKey(carol, "x", "")
	refused()
	w.es(carol, "DELETE /_security/api_key", `{"ids":["`+second.id+`"]}`).ok()
	w.newKey(carol, "x", "")
	refused()
	w.es(carol, "DELETE /_security/api_key", `{"owner":true}`).ok()
	if w.alive(apiKey(*first.Key)) {
		t.Error("a revoked key works")
	}
	for range 3 {
		w.newKey(carol, "x", "")
	}
	refused()
}

// Ensures that requests at once at two replicas get no more keys than there may be.
func TestKeyQuota_AtOnce(t *testing.T) {
	t.Parallel()
	limited := func(s *app.Settings) { s.Keys.MaxPerUser = 10 }
	a := openTuned(t, limited)
	b := openWith(t, a.dsn, io.Discard, limited)
	a.addUsers()
	var made atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		w := []*world{a, b}[i%2]
		wg.Go(func() {
			for range 3 {
				if r, _ := w.do(http.MethodPost, eceKeys, `{"description":"x"}`, alice); r.StatusCode == http.StatusCreated {
					made.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := a.count("SELECT COUNT(*) FROM api_keys"); n != 10 || made.Load() != 10 {
		t.Errorf("%d keys were made, and %d are stored; want 10", made.Load(), n)
	}
}

// Ensures that where a limit is too high to count the keys for each creation, it holds all the same.
func TestKeyQuota_High(t *testing.T) {
	t.Parallel()
	w := openTuned(t, func(s *app.Settings) { s.Keys.MaxPerUser = massKeys + 2000 })
	w.addUsers()
	w.bulkKeys("alice")
	w.sql("UPDATE api_keys SET id = 'first-' || id")
	w.newKey(alice, "x", "")
	w.sql("INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at) " +
		"SELECT 'second-' || id, user_name, description, secret_digest, created_at, expires_at FROM api_keys ORDER BY id " +
		"LIMIT 1998")
	w.clock.advance(10 * time.Second)
	w.newKey(alice, "x", "")
	response, body := w.do(http.MethodPost, eceKeys, `{"description":"x"}`, alice)
	w.refused(response, body, http.StatusBadRequest, "api_keys.invalid_input")
}
