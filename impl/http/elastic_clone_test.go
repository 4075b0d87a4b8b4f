package http_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
)

const clonePath = "/_security/api_key/clone"

// clone clones a key as a caller. more are further members of the body.
func (w *world) clone(caller client.RequestEditorFn, source credential, more string) reply {
	w.Helper()
	return w.es(caller, "POST "+clonePath, fmt.Sprintf(`{"api_key":%q,"name":"clone"%s}`, source.encoded, more))
}

// Ensures that a clone has the owner and the permissions of its source, and says where it comes from.
func TestClone_Created(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("cloner", `{"cluster":["clone_api_key"]}`)
	w.role("keeper", `{"cluster":["manage_own_api_key","monitor"]}`)
	kim, frank := w.native("kim", "cloner"), w.native("frank", "keeper")
	source := w.esKey(frank, `{"name":"source","role_descriptors":{"r":{"cluster":["monitor"]}},"metadata":{"a":1},
		"expiration":"2d"}`)

	w.es(kim, "PUT "+clonePath, fmt.Sprintf(`{"api_key":%q,"name":"put"}`, source.encoded)).ok()
	clone := created(w.clone(kim, source, "").ok())
	got := w.shownKey(bob, clone.id, "&with_limited_by=true")
	want := w.shownKey(bob, source.id, "&with_limited_by=true")
	want["id"], want["name"] = clone.id, "clone"
	want["metadata"] = map[string]any{"a": json.Number("1"), "_cloned_from": source.id}
	delete(want, "last_used")
	if asJSON(got) != asJSON(want) {
		t.Errorf("got  %s\nwant %s", asJSON(got), asJSON(want))
	}
	if r := w.es(clone.editor(), "GET /_security/_authenticate", "").ok(); r["username"] != "frank" {
		t.Errorf("%v", r)
	}
	if found := w.es(clone.editor(), "POST /_security/user/_has_privileges",
		`{"cluster":["monitor","manage_own_api_key"]}`).ok()["cluster"]; asJSON(found) !=
		`{"manage_own_api_key":false,"monitor":true}` {
		t.Errorf("%v", found)
	}

	t.Run("metadata", func(t *testing.T) {
		clone := created(w.clone(kim, source, `,"metadata":{"b":2}`).ok())
		if got := asJSON(w.shownKey(bob, clone.id, "")["metadata"]); got != `{"_cloned_from":"`+source.id+`","b":2}` {
			t.Error(got)
		}
		again := created(w.clone(kim, clone, "").ok())
		if got := asJSON(w.shownKey(bob, again.id, "")["metadata"]); got != `{"_cloned_from":"`+clone.id+`","b":2}` {
			t.Error(got)
		}
	})
	t.Run("after its source is invalidated", func(t *testing.T) {
		w.es(bob, "DELETE /_security/api_key", `{"ids":["`+source.id+`"]}`).ok()
		w.es(clone.editor(), "GET /_security/_authenticate", "").ok()
		w.clone(kim, source, "").fails(http.StatusForbidden, securityDenied, "Failed to clone API key")
	})
	t.Run("after all keys of its owner are revoked", func(t *testing.T) {
		w.es(bob, "DELETE /_security/api_key", `{"username":"frank"}`).ok()
		if r := w.es(clone.editor(), "GET /_security/_authenticate", ""); r.response.StatusCode !=
			http.StatusUnauthorized {
			t.Error(r.body)
		}
	})
}

// Ensures that a clone expires no later than its source.
func TestClone_Expiration(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.Keys.MaxLifetime = 30 * 24 * time.Hour })
	w.addUsers()
	source := w.esKey(bob, `{"name":"source","expiration":"2d"}`)
	end := noon.Add(48 * time.Hour)
	w.clock.advance(time.Hour)
	for more, want := range map[string]time.Time{
		``:                    end,
		`,"expiration":"1d"`:  noon.Add(25 * time.Hour),
		`,"expiration":"47h"`: end,
	} {
		got := w.clone(bob, source, more).ok()["expiration"]
		if asJSON(got) != fmt.Sprint(want.UnixMilli()) {
			t.Errorf("%s: expires at %v, want %d", more, got, want.UnixMilli())
		}
	}
	for _, more := range []string{`,"expiration":null`, `,"expiration":"48h"`} {
		w.clone(bob, source, more).fails(http.StatusBadRequest, illegalArgument,
			"expiration: a clone expires no later than the API key that it is cloned from")
	}

	w.clock.advance(47 * time.Hour)
	w.clone(bob, source, "").fails(http.StatusForbidden, securityDenied, "Failed to clone API key")
}

// Ensures that invalid requests are refused in Elasticsearch's words, and that no refusal repeats the credential.
func TestClone_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	source := w.esKey(bob, `{"name":"source"}`)
	remote := w.crossClusterKey(bob, `{"name":"remote","access":{"search":[{"names":["a"]}]}}`)
	for name, test := range map[string]struct {
		body         string
		status       int
		kind, reason string
	}{
		"nothing": {`{}`, http.StatusBadRequest, requestInvalid,
			invalid("api key credential is required", "api key name is required")},
		"no base64": {`{"api_key":"%","name":"a"}`, http.StatusBadRequest, "status_exception",
			"invalid API key credential"},
		"reserved metadata": {fmt.Sprintf(`{"api_key":%q,"name":"a","metadata":{"_cloned_from":"x"}}`, source.encoded),
			http.StatusBadRequest, requestInvalid, invalid("API key metadata keys may not start with [_]")},
		"unknown member": {`{"api_key":"a","role_descriptors":{}}`, http.StatusBadRequest, xcontentParse,
			"[1:16] [clone_api_key_request] unknown field [role_descriptors]"},
		"expiration": {fmt.Sprintf(`{"api_key":%q,"name":"a","expiration":"x"}`, source.encoded),
			http.StatusBadRequest, xcontentParse, "[1:86] [clone_api_key_request] failed to parse field [expiration]"},
		"wrong secret": {`{"api_key":"` + base64Of(source.id+":wrong") + `","name":"a"}`, http.StatusForbidden,
			securityDenied, "Failed to clone API key"},
		"unknown key": {`{"api_key":"` + base64Of("x:wrong") + `","name":"a"}`, http.StatusForbidden, securityDenied,
			"Failed to clone API key"},
		"cross-cluster key": {fmt.Sprintf(`{"api_key":%q,"name":"a"}`, remote.encoded), http.StatusForbidden,
			securityDenied, "Failed to clone API key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.es(bob, "POST "+clonePath, test.body)
			r.fails(test.status, test.kind, test.reason)
			if strings.Contains(r.body, source.encoded) || strings.Contains(r.body, remote.encoded) {
				t.Error("the refusal has the credential")
			}
		})
	}
}

// Ensures that callers need the privilege, and that Elasticsearch's privileges do not lead to keys of users with ECE's
// roles.
func TestClone_Callers(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("cloner", `{"cluster":["clone_api_key"]}`)
	w.role("owning", `{"cluster":["manage_own_api_key"]}`)
	kim, frank := w.native("kim", "cloner"), w.native("frank", "owning")
	source := w.esKey(frank, `{"name":"source"}`)
	w.clone(frank, source, "").fails(http.StatusForbidden, securityDenied,
		denied("clone", "user [frank] with effective roles [owning]", "clone_api_key,manage_api_key,manage_security,all"))
	w.clone(kim, source, "").ok()

	admins := w.esKey(bob, `{"name":"admin's"}`)
	w.clone(kim, admins, "").fails(http.StatusForbidden, securityDenied, "user [kim] may not clone API keys of users "+
		"with platform roles: holders of the role [ece_platform_admin] and the owners may")
	w.clone(bob, admins, "").ok()

	t.Run("a disabled owner", func(t *testing.T) {
		w.es(bob, "PUT /_security/user/frank/_disable", "").ok()
		w.clone(kim, source, "").fails(http.StatusForbidden, securityDenied, "Failed to clone API key")
	})
}

// Ensures that a clone that its owner did not make in person gains nothing by the owner's promotion, and neither does a
// clone of such a key.
func TestClone_Delegation(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("cloner", `{"cluster":["clone_api_key","manage_own_api_key"]}`)
	w.role("runner", `{"cluster":["manage_own_api_key","clone_api_key"],"run_as":["frank"]}`)
	frank, mallory := w.native("frank", "cloner"), w.native("mallory", "runner")
	own := w.esKey(frank, `{"name":"own"}`)
	planted := created(w.es(both(mallory, runAs("frank")), "POST /_security/api_key", `{"name":"planted"}`).ok())
	clones := map[string]credential{
		"of the owner's key, by another": created(w.clone(mallory, own, "").ok()),
		"as the owner":                   created(w.clone(both(mallory, runAs("frank")), own, "").ok()),
		"by a key":                       created(w.clone(own.editor(), own, "").ok()),
		"of a planted key, in person":    created(w.clone(frank, planted, "").ok()),
	}
	clones["by the owner in person"] = created(w.clone(frank, own, "").ok())
	for name, clone := range clones {
		want := map[bool]int{false: 1, true: 0}[name == "by the owner in person"]
		if got := w.count("SELECT COUNT(*) FROM audit_log WHERE event = 'api_key.created' AND subject = $1 AND details LIKE "+
			`'%"binding":"on_behalf"%'`, clone.id); got != want {
			t.Errorf("%s: %d entries say that the clone is bound, want %d", name, got, want)
		}
	}

	// Only a key that is not bound follows its owner.
	w.patchUser("/api/v1/users/frank", `{"security":{"roles":["ece_platform_admin"]}}`, bob)
	for name, clone := range clones {
		response, body := w.do("GET", "/api/v1/users", "", clone.editor())
		if inPerson := name == "by the owner in person"; (response.StatusCode == http.StatusOK) != inPerson {
			t.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}
}

// Ensures that a clone counts for the keys of its owner.
func TestClone_Quota(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.Keys.MaxPerUser = 2 })
	w.addUsers()
	source := w.esKey(bob, `{"name":"source"}`)
	w.clone(bob, source, "").ok()
	w.clone(bob, source, "").fails(http.StatusBadRequest, illegalArgument, "the user \"bob\" has 2 API keys…")
}

// base64Of encodes a text.
func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// Ensures that 8.19 does not have the operation: the path is that of a key with the id clone.
func TestElasticsearchVersion_Clone(t *testing.T) {
	t.Parallel()

	w, _ := speaking(t, "8.19")
	w.es(bob, "PUT "+clonePath, `{"metadata":{}}`).fails(http.StatusNotFound, resourceNotFound,
		"no API key owned by requesting user found for ID [clone]")
}
