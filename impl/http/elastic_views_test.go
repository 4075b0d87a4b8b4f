package http_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
)

const eceKeys = "/api/v1/users/auth/keys"

// Ensures that a key made in either view is there in both, with the same name and end, and works in both.
func TestKeyViews_Shown(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	plain := w.newKey(alice, "made here", "1h")
	shown := w.shownKey(alice, plain.ID, "&owner&with_limited_by")
	if end := w.clock.Now().Add(time.Hour).UnixMilli(); shown["name"] != "made here" ||
		shown["realm"] != "default_native" || shown["type"] != "rest" ||
		fmt.Sprint(shown["expiration"]) != fmt.Sprint(end) ||
		!strings.Contains(asJSON(shown["limited_by"]), "ece_deployment_viewer") {
		t.Errorf("in Elasticsearch's view the key is %v", shown)
	}

	other := w.esKey(alice, `{"name":"made there","expiration":"2h","metadata":{"a":1}}`)
	read, err := w.client.GetAPIKeyWithResponse(t.Context(), other.id, alice)
	if err != nil || read.JSON200 == nil || read.JSON200.Description != "made there" ||
		!read.JSON200.ExpirationDate.Equal(w.clock.Now().Add(2*time.Hour)) {
		t.Fatalf("in ECE's view the key is %v %s", err, read.Body)
	}

	for name, caller := range map[string]string{"ECE's": *plain.Key, "Elasticsearch's": other.encoded} {
		if got := w.ids(apiKey(caller)); len(got) != 2 {
			t.Errorf("%s key lists %v", name, got)
		}
		w.es(apiKey(caller), "GET /", "").ok()
	}
}

// Ensures that a key that is no longer valid in one API is not valid in the other: an expired, deleted or invalidated
// one.
func TestKeyViews_End(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	short, deleted, ended, kept := w.newKey(alice, "short", "1h"), w.newKey(alice, "deleted", ""),
		w.newKey(alice, "ended", ""), w.newKey(alice, "kept", "")
	if response, body := w.do(http.MethodDelete, eceKeys+"/"+deleted.ID, "", alice); response.StatusCode != http.StatusOK {
		t.Fatal(body)
	}

	w.es(alice, "DELETE /_security/api_key", `{"owner":true,"ids":["`+ended.ID+`"]}`).ok()
	w.clock.advance(time.Hour)
	for _, key := range []string{*short.Key, *deleted.Key, *ended.Key} {
		w.es(apiKey(key), "GET /", "").fails(http.StatusUnauthorized, securityDenied,
			"unable to authenticate with provided credentials…")
		if w.alive(apiKey(key)) {
			t.Error("a key still works")
		}
	}

	got, want := w.ids(alice), []string{short.ID, kept.ID}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("ECE lists %v, want %v", got, want)
	}

	for _, id := range []string{deleted.ID, ended.ID} {
		response, body := w.do(http.MethodGet, eceKeys+"/"+id, "", alice)
		w.refused(response, body, http.StatusNotFound, "api_keys.key_not_found", "api_key_id")
		if shown := w.shownKey(alice, id, "&owner"); shown["invalidated"] != true || shown["invalidation"] == nil {
			t.Errorf("Elasticsearch shows %v", shown)
		}
	}

	if got := names(w.es(alice, "GET /_security/api_key?owner&active_only", "").ok()); got != "kept" {
		t.Errorf("active are %q", got)
	}
}

// Ensures that a key with descriptors of its own may do nothing in ECE's operations, and one without what its owner
// may.
func TestKeyViews_Narrowed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	narrow, plain := w.esKey(bob, `{"name":"narrow","role_descriptors":{"r":{"cluster":["all"]}}}`),
		w.esKey(bob, `{"name":"plain"}`)
	response, body := w.do(http.MethodGet, usersPath, "", narrow.editor())
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac")
	if response, body := w.do(http.MethodGet, usersPath, "", plain.editor()); response.StatusCode != http.StatusOK {
		t.Errorf("the plain key: %d %s", response.StatusCode, body)
	}

	w.es(narrow.editor(), "GET /_security/user", "").ok()
	w.es(bob, "PUT /_security/api_key/"+narrow.id, `{"role_descriptors":{}}`).is(http.StatusOK, `{"updated":true}`)
	if response, body := w.do(http.MethodGet, usersPath, "", narrow.editor()); response.StatusCode != http.StatusOK {
		t.Errorf("the key that is narrow no more: %d %s", response.StatusCode, body)
	}
}

// Ensures that a key of a disabled user is dead in both views, and that it is good again when the user is.
func TestKeyViews_Disabled(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.esKey(alice, `{"name":"x"}`)
	check := func(when string, want bool) {
		t.Helper()
		there := w.es(key.editor(), "GET /", "").response.StatusCode == http.StatusOK
		if here := w.alive(key.editor()); here != want || there != want {
			t.Errorf("%s: alive in ECE's view: %t, in Elasticsearch's: %t", when, here, there)
		}
	}

	check("before", true)
	w.patchUser(usersPath+"/alice", `{"security":{"enabled":false}}`, admin)
	check("disabled in ECE's view", false)
	w.es(bob, "PUT /_security/user/alice/_enable", "").is(http.StatusOK, "{}")
	check("enabled in Elasticsearch's", true)
	w.es(bob, "POST /_security/user/alice/_disable", "").is(http.StatusOK, "{}")
	check("disabled in Elasticsearch's", false)
}

// Ensures that a key's last use is shown, to the minute.
func TestKeyLife_LastUsed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.esKey(bob, `{"name":"x"}`)
	used := func(want any) {
		t.Helper()
		w.app.Keys.Flush()
		if got := w.shownKey(bob, key.id, "")["last_used"]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the last use is %v, want %v", got, want)
		}
	}

	use := func() int64 {
		w.es(key.editor(), "GET /", "").ok()
		return w.clock.Now().UnixMilli()
	}

	used(nil)
	w.clock.advance(time.Hour)
	first := use()
	used(first)
	w.clock.advance(time.Minute - time.Millisecond)
	use()
	used(first)
	w.clock.advance(time.Millisecond)
	if !w.alive(key.editor()) { // a use in ECE's view is one too
		t.Error("the key is dead")
	}

	used(w.clock.Now().UnixMilli())
	w.es(apiKey(strings.ToLower(key.encoded)), "GET /", "") // which is not the key
	used(first + time.Minute.Milliseconds())
}

// Ensures that an operator's limit holds in both views, at creation and ever after.
func TestKeyLife_Maximum(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.Keys.MaxLifetime = 48 * time.Hour })
	carol := w.native("carol", "superuser", "ece_platform_viewer")
	end := fmt.Sprint(w.clock.Now().Add(48 * time.Hour).UnixMilli())
	for name, id := range map[string]string{
		"none here":  w.newKey(carol, "x", "").ID,
		"none there": w.esKey(carol, `{"name":"x"}`).id,
		"the most":   w.esKey(carol, `{"name":"x","expiration":"2d"}`).id,
	} {
		if got := w.shownKey(carol, id, "")["expiration"]; fmt.Sprint(got) != end {
			t.Errorf("%s: %v, want %s", name, got, end)
		}
	}

	const tooLong = "expiration: on this server API keys live for at most 48h0m0s"
	w.es(carol, "POST /_security/api_key", `{"name":"x","expiration":"172801s"}`).fails(http.StatusBadRequest,
		illegalArgument, tooLong)
	response, body := w.do(http.MethodPost, eceKeys, `{"description":"x","expiration":"172801s"}`, carol)
	w.refused(response, body, http.StatusBadRequest, "api_keys.invalid_input", "expiration")
	key := w.esKey(carol, `{"name":"x","expiration":"1h"}`)
	w.clock.advance(30 * time.Minute)
	w.es(carol, "PUT /_security/api_key/"+key.id, `{"expiration":"2d"}`).fails(http.StatusBadRequest, illegalArgument,
		"cannot let API key ["+key.id+"] live for more than 48h0m0s after its creation, the maximum on this server")
	w.es(carol, "PUT /_security/api_key/"+key.id, `{"expiration":"1d"}`).is(http.StatusOK, `{"updated":true}`)
}

// Ensures that keys that ended are shown for a week and then are gone for good.
func TestKeyLife_Purge(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ended := w.esKey(bob, `{"name":"ended"}`)
	w.esKey(bob, `{"name":"short","expiration":"0s"}`)
	w.esKey(bob, `{"name":"kept"}`)
	w.es(bob, "DELETE /_security/api_key", `{"ids":["`+ended.id+`"]}`).ok()
	list := func() string {
		t.Helper()
		all := strings.Fields(names(w.es(bob, "GET /_security/api_key", "").ok()))
		slices.Sort(all)
		return strings.Join(all, " ")
	}

	w.clock.advance(7 * 24 * time.Hour)
	w.esKey(bob, `{"name":"at the end"}`)
	if got := list(); got != "at end ended kept short the" {
		t.Errorf("after a week there are %q", got)
	}

	w.clock.advance(time.Millisecond)
	w.esKey(bob, `{"name":"later"}`)
	if got := list(); got != "at end kept later the" {
		t.Errorf("after more than a week there are %q", got)
	}
}

// trail returns what is recorded of a subject, and by whom, oldest first.
func (w *world) trail(subject string) []string {
	w.Helper()
	return texts(w, w.behind,
		"SELECT event || ' by ' || actor FROM audit_log WHERE subject = '"+subject+"' ORDER BY at, id")
}

// Ensures that the audit trail names the key and the caller of each creation, change and invalidation, and also the
// user behind a caller that acts as another.
func TestKeyLife_Audit(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.esKey(alice, `{"name":"x"}`)
	w.clock.advance(time.Second)
	w.es(alice, "PUT /_security/api_key/"+key.id, `{"metadata":{"a":1},"expiration":"1d"}`).ok()
	w.clock.advance(time.Second)
	// changes nothing, and so leaves no trace
	w.es(alice, "PUT /_security/api_key/"+key.id, "").is(http.StatusOK, `{"updated":false}`)
	w.es(bob, "PUT /_security/api_key/"+key.id, `{"metadata":{}}`, runAs("alice")).ok()
	w.clock.advance(time.Second)
	w.es(key.editor(), "DELETE /_security/api_key", `{"ids":["`+key.id+`"]}`).ok()
	want := []string{"api_key.created by alice", "api_key.updated by alice", "api_key.updated by bob",
		"api_key.invalidated by alice"}
	if got := w.trail(key.id); !slices.Equal(got, want) {
		t.Errorf("recorded are %q, want %q", got, want)
	}
}

// Ensures that a key that another user made does not get the roles of ECE that its owner gets later, until the owner
// adopts it: otherwise a user that planted a key would become an administrator.
func TestKeys_Planted(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("keeper", `{"cluster":["manage_own_api_key"]}`)
	frank, eve := w.native("frank", "keeper"), w.native("eve", "superuser")
	own := w.esKey(frank, `{"name":"own"}`)
	planted := map[string]credential{
		"run as": w.esKey(runningAs(eve, "frank"), `{"name":"planted"}`),
		"granted": created(w.es(eve, "POST /_security/api_key/grant",
			`{"grant_type":"password","username":"frank","password":"`+passwordOf("frank")+
				`","api_key":{"name":"granted"}}`).ok()),
	}
	if response, body := w.do("PATCH", "/api/v1/users/frank", `{"security":{"roles":["ece_platform_admin"]}}`,
		bob); response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	if !w.reaches(own.editor()) {
		t.Error("the owner's own key does not follow the owner's roles")
	}

	for name, key := range planted {
		if w.reaches(key.editor()) {
			t.Errorf("%s: the key is an administrator's", name)
		}
		w.es(frank, "PUT /_security/api_key/"+key.id, `{}`).is(http.StatusOK, `{"updated":true}`)
		if !w.reaches(key.editor()) {
			t.Errorf("%s: the key is not its owner's after the owner's update", name)
		}
	}
}
