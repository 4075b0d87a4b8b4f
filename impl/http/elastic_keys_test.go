package http_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures a key's life by the typed client: created by either method, used under the scheme as official clients spell
// it, read, updated alone and with others, found, invalidated, dead.
func TestSecurityKeys_Life(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx, lifetime := t.Context(), "1d"
	made, err := w.client.SecurityCreateAPIKeyWithResponse(ctx, nil, client.SecurityCreateAPIKeyRequest{
		Name:       "first",
		Expiration: &lifetime,
	}, alice)
	if err != nil || made.JSON200 == nil {
		t.Fatalf("creation: %v %s", err, made.Body)
	}

	key := made.JSON200
	if want := w.clock.Now().Add(24 * time.Hour).UnixMilli(); key.Expiration == nil || *key.Expiration != want ||
		key.Name != "first" || len(key.ID) != 20 {
		t.Errorf("created is %s, want the expiration %d", made.Body, want)
	}
	if want := base64.StdEncoding.EncodeToString([]byte(key.ID + ":" + key.APIKey)); key.Encoded != want ||
		len(key.APIKey) != 22 {
		t.Errorf("the encoded key is %q, want %q", key.Encoded, want)
	}

	other, err := w.client.SecurityCreateAPIKeyPutWithResponse(ctx, &client.SecurityCreateAPIKeyPutParams{},
		client.SecurityCreateAPIKeyRequest{Name: "second"}, alice)
	if err != nil || other.JSON200 == nil || other.JSON200.Expiration != nil {
		t.Fatalf("creation by PUT: %v %s", err, other.Body)
	}

	itself := authorization("APIKey " + key.Encoded)
	caller, err := w.client.SecurityAuthenticateWithResponse(ctx, itself)
	if err != nil || caller.JSON200 == nil || caller.JSON200.APIKey == nil || caller.JSON200.APIKey.ID != key.ID {
		t.Fatalf("use: %v %s", err, caller.Body)
	}

	read, err := w.client.SecurityGetAPIKeysWithResponse(ctx, &client.SecurityGetAPIKeysParams{ID: &key.ID}, itself)
	if err != nil || read.JSON200 == nil || len(read.JSON200.APIKeys) != 1 || read.JSON200.APIKeys[0].Name != "first" {
		t.Fatalf("reading: %v %s", err, read.Body)
	}

	updated, err := w.client.SecurityUpdateAPIKeyWithResponse(ctx, key.ID,
		client.UpdateAPIKeyRequest{Metadata: &client.FreeObject{"a": "b"}}, alice)
	if err != nil || updated.JSON200 == nil || !updated.JSON200.Updated {
		t.Fatalf("update: %v %s", err, updated.Body)
	}

	bulk, err := w.client.SecurityBulkUpdateAPIKeysWithResponse(ctx, nil,
		client.BulkUpdateAPIKeysRequest{
			Ids:      []string{other.JSON200.ID, key.ID},
			Metadata: &client.FreeObject{"a": "b"},
		}, alice)
	if err != nil || bulk.JSON200 == nil ||
		asJSON(bulk.JSON200) != fmt.Sprintf(`{"updated":["%s"],"noops":["%s"]}`, other.JSON200.ID, key.ID) {
		t.Fatalf("bulk update: %v %s", err, bulk.Body)
	}

	found, err := w.client.SecurityQueryAPIKeysWithResponse(ctx, nil,
		client.QueryAPIKeysRequest{Query: &client.FreeObject{"term": map[string]any{"metadata.a": "b"}}}, alice)
	if err != nil || found.JSON200 == nil || found.JSON200.Total != 2 {
		t.Fatalf("query: %v %s", err, found.Body)
	}

	yes := client.Flag(true)
	ended, err := w.client.SecurityInvalidateAPIKeysWithResponse(ctx, client.InvalidateAPIKeysRequest{
		Ids:   &[]string{key.ID},
		Owner: &yes,
	}, alice)
	if err != nil || ended.JSON200 == nil || strings.Join(ended.JSON200.InvalidatedAPIKeys, " ") != key.ID ||
		ended.JSON200.ErrorCount != 0 {
		t.Fatalf("invalidation: %v %s", err, ended.Body)
	}
	if w.alive(itself) || !w.alive(apiKey(other.JSON200.Encoded)) {
		t.Error("the wrong key is dead")
	}

	w.es(itself, "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied,
		"unable to authenticate with provided credentials and anonymous access is not allowed for this request")
	cleared, err := w.client.SecurityClearAPIKeyCacheWithResponse(ctx, "*", bob)
	if err != nil || cleared.JSON200 == nil || cleared.JSON200.NodeCounts.Successful != 1 {
		t.Errorf("clearing the cache: %v %s", err, cleared.Body)
	}
}

// Ensures that what cannot be a key is refused with all its problems, and makes none.
func TestSecurityKeys_CreateRefused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, c := range []struct{ body, kind, reason string }{
		{`{}`, illegalArgument, "Required [name]"},
		{`{"name":""}`, requestInvalid, invalid("api key name is required")},
		{`{"name":" _x","metadata":{"_a":1},"role_descriptors":{"r":{"cluster":["nosuch"]}}}`, requestInvalid,
			"Validation Failed: 1: api key name may not begin or end with whitespace;2: API key metadata keys may not start " +
				"with [_];3: unknown cluster privilege [nosuch]. …"},
		{`{"name":"_x"}`, requestInvalid, invalid("api key name may not begin with an underscore")},
		{`{"name":"` + strings.Repeat("ü", 257) + `"}`, requestInvalid,
			invalid("api key name may not be more than 256 characters long")},
		{`{"name":1}`, "x_content_parse_exception",
			"[1:2] [api_key_request] name doesn't support values of type: VALUE_NUMBER"},
		{`{"name":"x","foo":1}`, "x_content_parse_exception", "[1:13] [api_key_request] unknown field [foo]"},
		{`[]`, "x_content_parse_exception", "[1:1] [api_key_request] Expected START_OBJECT but was: START_ARRAY"},
		{`{"name":"x","expiration":"1w"}`, "x_content_parse_exception",
			"Failed to build [api_key_request] after last required field arrived"},
		{`{"name":"x","role_descriptors":{"r":{"description":"d"}}}`, "x_content_parse_exception",
			"[1:13] [api_key_request] failed to parse field [role_descriptors]"},
		{`{"name":"x","role_descriptors":{"a":{"restriction":{"workflows":["search_application_query"]}},"b":{"cluster":["all"]}}}`, illegalArgument,
			"combining role descriptors with and without restriction is not supported"},
		{"", "parse_exception", "request body is required"},
	} {
		w.es(alice, "PUT /_security/api_key", c.body).fails(http.StatusBadRequest, c.kind, c.reason)
	}

	w.es(admin, "POST /_security/api_key", `{"name":"x"}`).fails(http.StatusBadRequest, illegalArgument,
		`the built-in user "admin" cannot own API keys; create them as another user`)
	w.es(w.native("roleless"), "POST /_security/api_key", `{"name":"x"}`).fails(http.StatusForbidden, securityDenied,
		denied("create", "user [roleless] with effective roles []", "manage_own_api_key,manage_api_key,manage_security,all"))
	w.es(w.native("lost", "gone"), "POST /_security/api_key", `{"name":"x"}`).fails(http.StatusForbidden, securityDenied,
		denied("create", "user [lost] with effective roles [] (assigned roles [gone] were not found)",
			"manage_own_api_key,manage_api_key,manage_security,all"))
	w.es(bob, "GET /_security/api_key", "").is(http.StatusOK, `{"api_keys":[]}`)
}

// Ensures that a key shows all there is of it, metadata to the last digit, and that without an end, metadata and
// descriptors it shows none.
func TestSecurityKeys_Shown(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const metadata = `{"n":1.50,"big":12345678901234567890,"huge":1e400,"none":null,"deep":[{"a":[true,-0.0]}],"":"<&>"}`
	key := w.esKey(alice, `{"name":"a key","expiration":"90m","metadata":`+metadata+`,"role_descriptors":{"r":{"cluster":["monitor"],
		"index":[{"names":"logs-*","privileges":["read"],"query":{"match_all":{}}}]}}}`)
	at := w.clock.Now().UnixMilli()
	w.es(alice, "GET /_security/api_key?with_limited_by&owner", "").is(http.StatusOK, fmt.Sprintf(`{"api_keys":[{
		"id":"%s","name":"a key","type":"rest",
		"creation":%d,"expiration":%d,"invalidated":false,"username":"alice","realm":"default_native","realm_type":"native","metadata":%s,
		"role_descriptors":{"r":{"cluster":["monitor"],"indices":[{"names":["logs-*"],"privileges":["read"],"query":"{\"match_all\":{}}","allow_restricted_indices":false}],
			"applications":[],"run_as":[],"metadata":{},"transient_metadata":{"enabled":true}}},
		"limited_by":[{"ece_deployment_viewer":{"cluster":["monitor","manage_own_api_key"],"indices":[],"applications":[],"run_as":[],
			"metadata":{"_reserved":true},"transient_metadata":{"enabled":true}}}]}]}`, key.id, at, at+90*60_000, metadata))

	plain := w.esKey(alice, `{"name":"plain"}`)
	w.es(alice, "GET /_security/api_key?owner=true&name=plain", "").is(http.StatusOK, fmt.Sprintf(`{"api_keys":[{
		"id":"%s","name":"plain","type":"rest",
		"creation":%d,"invalidated":false,"username":"alice","realm":"default_native","realm_type":"native","metadata":{},"role_descriptors":{}}]}`, plain.id, at))
}

// keysOfTwo are keys of alice's and bob's, one of each invalidated or expired.
func (w *world) keysOfTwo() (hers, his credential) {
	w.Helper()

	hers = w.esKey(alice, `{"name":"alice-1"}`)
	w.clock.advance(time.Second)
	w.esKey(alice, `{"name":"alice-2","expiration":"1s"}`)
	w.clock.advance(time.Second)
	his = w.esKey(bob, `{"name":"bob-1"}`)
	w.clock.advance(time.Second)
	ended := w.esKey(bob, `{"name":"bob-2"}`)
	w.es(bob, "DELETE /_security/api_key", `{"ids":["`+ended.id+`"]}`).ok()
	w.clock.advance(time.Second)
	return hers, his
}

// Ensures what each parameter selects, that they are refused in combinations that make no sense, and that an id that
// selects nothing is a failure with a list.
func TestSecurityKeys_Get(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	hers, _ := w.keysOfTwo()
	for query, want := range map[string]string{
		"":                  "alice-1 alice-2 bob-1 bob-2",
		"active_only=true":  "alice-1 bob-1",
		"active_only=false": "alice-1 alice-2 bob-1 bob-2",
		"owner=true":        "bob-1 bob-2",
		"owner&active_only": "bob-1",
		"owner=false":       "alice-1 alice-2 bob-1 bob-2",
		"username=alice":    "alice-1 alice-2",
		"username=alice&realm_name=default_native": "alice-1 alice-2",
		"username=unknown":                         "",
		"realm_name=default_native":                "alice-1 alice-2 bob-1 bob-2",
		"realm_name=reserved":                      "",
		"username=alice&realm_name=x":              "",
		"name=alice-1":                             "alice-1",
		"name=alice*":                              "alice-1 alice-2",
		"name=*":                                   "alice-1 alice-2 bob-1 bob-2",
		"name=a*-1":                                "",
		"name=*&owner=true":                        "bob-1 bob-2",
		"id=" + hers.id:                            "alice-1",
		"id=" + hers.id + "&with_profile_uid=true&with_limited_by=true": "alice-1",
	} {
		if got := names(w.es(bob, "GET /_security/api_key?"+query, "").ok()); got != want {
			t.Errorf("%q selects %q, want %q", query, got, want)
		}
	}

	for _, query := range []string{"id=nosuch", "id=" + hers.id + "&owner=true"} {
		w.es(bob, "GET /_security/api_key?"+query, "").is(http.StatusNotFound, `{"api_keys":[]}`)
	}

	const both = "username or realm name must not be specified when the api key id or api key name is specified"
	const owned = "neither username nor realm-name may be specified when retrieving owned API keys"
	const one = "only one of [api key id, api key name] can be specified"
	for query, want := range map[string]string{
		"id=x&username=y":                   invalid(both),
		"name=x&realm_name=y":               invalid(both),
		"owner=true&username=y":             invalid(owned),
		"owner&realm_name=y":                invalid(owned),
		"id=x&name=y":                       invalid(one),
		"id=x&name=y&owner=true&username=z": invalid(both, owned, one),
	} {
		w.es(alice, "GET /_security/api_key?"+query, "").fails(http.StatusBadRequest, requestInvalid, want)
	}

	w.es(alice, "GET /_security/api_key?foo=1", "").fails(http.StatusBadRequest, illegalArgument,
		"request [/_security/api_key] contains unrecognized parameter: [foo]")
	w.es(alice, "GET /_security/api_key?owner=1", "").fails(http.StatusBadRequest, illegalArgument,
		"Failed to parse value [1] as only [true] or [false] are allowed.")
}

// Ensures that callers that may manage only their own keys see them if they ask for them, and that an API key always
// sees itself, but not its limiting privileges.
func TestSecurityKeys_GetAuthorization(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	hers, his := w.keysOfTwo()
	powerless := w.esKey(alice, `{"name":"alice-3","role_descriptors":{"r":{}}}`)
	const readers = "read_security,manage_api_key,manage_security,all"
	for _, c := range []struct {
		name, query string
		caller      client.RequestEditorFn
		want        string // the names, or the refusal
	}{
		{"owner", "owner=true", alice, "alice-1 alice-2 alice-3"},
		{"owner in full", "username=alice&realm_name=default_native", alice, "alice-1 alice-2 alice-3"},
		{"owner with limits", "owner=true&with_limited_by=true", alice, "alice-1 alice-2 alice-3"},
		{"all", "", alice, ""},
		{"own id", "id=" + hers.id, alice, ""},
		{"own id as owner", "id=" + hers.id + "&owner=true", alice, "alice-1"},
		{"own name", "name=alice-1", alice, ""},
		{"only the name of the user", "username=alice", alice, ""},
		{"other user", "username=bob&realm_name=default_native", alice, ""},
		{"other realm", "username=alice&realm_name=reserved", alice, ""},
		{"itself", "id=" + hers.id, hers.editor(), "alice-1"},
		{"itself without privileges", "id=" + powerless.id, powerless.editor(), "alice-3"},
		{"itself and its limits", "id=" + hers.id + "&with_limited_by=true", hers.editor(), ""},
		{"key of another", "id=" + his.id, hers.editor(), ""},
		{"key's owner", "owner=true", hers.editor(), ""},
		{"key's owner in full", "username=alice&realm_name=default_native", hers.editor(), ""},
		{"admin's key", "", his.editor(), "alice-1 alice-2 bob-1 bob-2 alice-3"},
		{"admin's key's owner", "owner=true", his.editor(), "bob-1 bob-2"},
		{"admin's key and limits", "id=" + hers.id + "&with_limited_by=true", his.editor(), "alice-1"},
		{"run as alice", "owner=true", runningAs(bob, "alice"), "alice-1 alice-2 alice-3"},
	} {
		answer := w.es(c.caller, "GET /_security/api_key?"+c.query, "")
		if c.want == "" {
			subject := "user [alice] with effective roles [ece_deployment_viewer]"
			if answer.response.Request.Header.Get("Authorization") == "ApiKey "+hers.encoded {
				subject = "API key id [" + hers.id + "] of user [alice]"
			}
			answer.fails(http.StatusForbidden, securityDenied, denied("get", subject, readers))
			continue
		}
		if got := names(answer.ok()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// runningAs returns the credentials of a caller that acts as another user.
func runningAs(caller client.RequestEditorFn, name string) client.RequestEditorFn {
	return both(caller, runAs(name))
}

// Ensures that one key is updated or not, with real statuses for what stands against it.
func TestSecurityKeys_UpdateOne(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.esKey(alice, `{"name":"a key"}`)
	his := w.esKey(bob, `{"name":"his"}`)
	path := "PUT /_security/api_key/" + key.id
	for _, c := range []struct{ body, want string }{
		{"", "false"},
		{"{}", "false"},
		{`{"metadata":{}}`, "true"},
		{`{"metadata":{}}`, "false"},
		{`{"metadata":{"n":1.10}}`, "true"},
		{`{"metadata":{"n":1.1}}`, "false"},
		{`{"metadata":{"n":1.11}}`, "true"},
		{`{"expiration":"1d"}`, "true"},
		{`{"expiration":"1d"}`, "true"},
		{`{"role_descriptors":{"a":{},"b":{"cluster":["all"]}}}`, "true"},
		{`{"role_descriptors":{"b":{"cluster":["all"]},"a":{}}}`, "false"},
		{`{"role_descriptors":{}}`, "true"},
		{`{"role_descriptors":{}}`, "false"},
	} {
		w.es(alice, path, c.body).is(http.StatusOK, `{"updated":`+c.want+`}`)
	}

	for _, id := range []string{"nosuch", his.id} {
		w.es(alice, "PUT /_security/api_key/"+id, "{}").fails(http.StatusNotFound, resourceNotFound,
			"no API key owned by requesting user found for ID ["+id+"]")
	}

	w.es(alice, path, `{"expiration":"0s"}`).fails(http.StatusBadRequest, requestInvalid,
		invalid("API key expiration must be in the future"))
	w.es(alice, path, `{"ids":[]}`).fails(http.StatusBadRequest, "x_content_parse_exception",
		"[1:2] [update_api_key_request] unknown field [ids]")
	w.es(key.editor(), path, "").fails(http.StatusBadRequest, illegalArgument,
		"authentication via API key not supported: only the owner user can update an API key")
	w.es(bob, path, "").fails(http.StatusNotFound, resourceNotFound,
		"no API key owned by requesting user found for ID ["+key.id+"]")
	w.es(bob, path, "", runAs("alice")).is(http.StatusOK, `{"updated":false}`)
	w.es(w.native("roleless"), path, "").fails(http.StatusForbidden, securityDenied,
		denied("update", "user [roleless] with effective roles []", "manage_own_api_key,manage_api_key,manage_security,all"))
	w.clock.advance(24 * time.Hour)
	w.es(alice, path, "").fails(http.StatusBadRequest, illegalArgument, "cannot update expired API key ["+key.id+"]")
	w.es(bob, "DELETE /_security/api_key", `{"ids":"`+his.id+`"}`).ok()
	w.es(bob, "PUT /_security/api_key/"+his.id, "").fails(http.StatusBadRequest, illegalArgument,
		"cannot update invalidated API key ["+his.id+"]")
}

// Ensures that what is selected is invalidated once, whatever else is named, and that a selection makes sense.
func TestSecurityKeys_Invalidate(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	hers, his := w.keysOfTwo()
	none := `{"invalidated_api_keys":[],"previously_invalidated_api_keys":[],"error_count":0}`
	one := func(c credential) string {
		return `{"invalidated_api_keys":["` + c.id + `"],"previously_invalidated_api_keys":[],"error_count":0}`
	}
	w.es(bob, "DELETE /_security/api_key", `{"ids":["nosuch","`+his.id+`"]}`).is(http.StatusOK, one(his))
	w.es(bob, "DELETE /_security/api_key", `{"ids":["`+his.id+`"]}`).is(http.StatusOK, none)
	w.es(bob, "DELETE /_security/api_key", `{"name":"alice","realm_name":"x"}`).fails(http.StatusBadRequest,
		requestInvalid,
		invalid("username or realm name must not be specified when the api key id(s) or api key name are specified"))
	w.es(bob, "DELETE /_security/api_key", `{"name":"alice-1"}`).is(http.StatusOK, one(hers))
	if at := w.clock.Now().UnixMilli(); fmt.Sprint(w.shownKey(bob, hers.id, "")["invalidation"]) != fmt.Sprint(at) {
		t.Errorf("the time of the invalidation is %v, want %d", w.shownKey(bob, hers.id, "")["invalidation"], at)
	}
	if ended, _ := w.es(bob, "DELETE /_security/api_key",
		`{"username":"alice"}`).ok()["invalidated_api_keys"].([]any); len(ended) != 1 {
		t.Errorf("of a user's the keys %v are ended, want the one that has expired", ended)
	}

	w.es(bob, "DELETE /_security/api_key", `{"realm_name":"default_native"}`).is(http.StatusOK, none)
	for body, want := range map[string]string{
		`{}`: "One of [api key id(s), api key name, username, realm name] must be specified if " +
			"[owner] flag is false",
		`{"ids":[]}`:                    "Field [ids] cannot be an empty array",
		`{"ids":["a"," "]}`:             "Field [ids] must not contain blank id, but got blank id at index position: [1]",
		`{"ids":["a"],"name":"b"}`:      "only one of [api key id(s), api key name] can be specified",
		`{"owner":true,"username":"a"}`: "neither username nor realm-name may be specified when invalidating owned API keys",
	} {
		w.es(bob, "DELETE /_security/api_key", body).fails(http.StatusBadRequest, requestInvalid, invalid(want))
	}

	w.es(bob, "DELETE /_security/api_key", `{"id":"a"}`).fails(http.StatusBadRequest, "x_content_parse_exception",
		"[1:2] [invalidate_api_key] unknown field [id]…")
	w.es(bob, "DELETE /_security/api_key", "").fails(http.StatusBadRequest, "parse_exception", "request body is required")
}

// Ensures that callers that may manage only their own keys invalidate those, that a key invalidates itself, and that a
// refusal names the missing privileges.
func TestSecurityKeys_InvalidateAuthorization(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	hers, his := w.keysOfTwo()
	spare := w.esKey(alice, `{"name":"spare"}`)
	const path, all, own = "DELETE /_security/api_key", "manage_api_key,manage_security,all",
		"manage_own_api_key,manage_api_key,manage_security,all"
	const her = "user [alice] with effective roles [ece_deployment_viewer]"
	for _, body := range []string{
		`{"ids":["` + spare.id + `"]}`, `{"name":"spare"}`, `{"username":"alice"}`, `{"realm_name":"default_native"}`,
		`{"username":"bob","realm_name":"default_native"}`,
	} {
		w.es(alice, path, body).fails(http.StatusForbidden, securityDenied, denied("invalidate", her, all))
	}

	its := "API key id [" + hers.id + "] of user [alice]"
	for _, body := range []string{`{"owner":true}`, `{"ids":["` + spare.id + `"]}`,
		`{"ids":["` + hers.id + `","` + spare.id + `"]}`, `{"name":"alice-1"}`} {
		w.es(hers.editor(), path, body).fails(http.StatusForbidden, securityDenied, denied("invalidate", its, all))
	}

	w.es(w.native("roleless"), path, `{"owner":true}`).fails(http.StatusForbidden, securityDenied,
		denied("invalidate", "user [roleless] with effective roles []", own))
	ended := func(r reply) string { return asJSON(r.ok()["invalidated_api_keys"]) }
	if got := ended(w.es(alice, path, `{"owner":"true","ids":["`+his.id+`","`+spare.id+`"]}`)); got != `["`+spare.id+`"]` {
		t.Errorf("the own ones are %s", got)
	}
	if got := ended(w.es(hers.editor(), path, `{"ids":["`+hers.id+`"]}`)); got != `["`+hers.id+`"]` ||
		w.alive(hers.editor()) {
		t.Errorf("a key invalidates itself: %s", got)
	}
	if got := ended(w.es(alice, path,
		`{"username":"alice","realm_name":"default_native"}`)); strings.Count(got, ",") != 0 || got == "[]" {
		t.Errorf("the rest are %s", got)
	}
	if !w.alive(his.editor()) {
		t.Error("bob's key is dead")
	}
}

// Ensures that a key makes only keys without privileges, which say so.
func TestSecurityKeys_Derived(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.esKey(bob, `{"name":"parent"}`)
	for _, descriptors := range []string{"", `,"role_descriptors":{}`, `,"role_descriptors":{"r":{"cluster":["monitor"]}}`,
		`,"role_descriptors":{"a":{},"b":{"run_as":["x"]}}`} {
		w.es(key.editor(), "POST /_security/api_key", `{"name":"child"`+descriptors+`}`).fails(http.StatusBadRequest,
			illegalArgument,
			"creating derived api keys requires an explicit role descriptor that is empty (has no privileges)")
	}

	child := w.esKey(key.editor(), `{"name":"child","role_descriptors":{"none":{}}}`)
	shown := w.shownKey(bob, child.id, "&with_limited_by=true")
	if got := asJSON(shown["limited_by"]); got != "[{}]" || shown["username"] != "bob" {
		t.Errorf("the child is %v", shown)
	}

	w.es(child.editor(), "POST /_security/api_key",
		`{"name":"grandchild","role_descriptors":{"none":{}}}`).fails(http.StatusForbidden, securityDenied,
		denied("create", "API key id ["+child.id+"] of user [bob]", "manage_own_api_key,manage_api_key,manage_security,all"))
	w.es(child.editor(), "GET /_security/_authenticate", "").ok()
}

// Ensures that a refusal gives the reason why a key is not accepted, and that only the key's holder learns more than
// its existence.
func TestSecurityKeys_Credentials(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	good, ended, short := w.esKey(alice, `{"name":"good"}`), w.esKey(alice, `{"name":"ended"}`),
		w.esKey(alice, `{"name":"short","expiration":"1s"}`)
	w.es(alice, "DELETE /_security/api_key", `{"owner":true,"ids":["`+ended.id+`"]}`).ok()
	w.clock.advance(time.Second)
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, c := range map[string]struct{ sent, why string }{
		"unknown":           {encode("nosuch:x"), "unable to find apikey with id nosuch"},
		"invalidated":       {ended.encoded, "api key [" + ended.id + "] has been invalidated"},
		"wrong":             {encode(good.id + ":wrong"), "invalid credentials for API key [" + good.id + "]"},
		"invalidated wrong": {encode(ended.id + ":wrong"), "invalid credentials for API key [" + ended.id + "]"},
		"expired":           {short.encoded, "api key is expired"},
		"no base64":         {"%%%", "invalid ApiKey value"},
		"no colon":          {encode("nosuch"), "invalid ApiKey value"},
		"no id":             {encode(":x"), "invalid ApiKey value"},
	} {
		answer := w.es(apiKey(c.sent), "GET /_security/_authenticate", "")
		answer.fails(http.StatusUnauthorized, securityDenied,
			"unable to authenticate with provided credentials and anonymous access is not allowed for this request")
		failure, _ := object(t, answer.body)["error"].(map[string]any)
		if got := failure["additional_unsuccessful_credentials"]; got != "API key: "+c.why {
			t.Errorf("%s: %v, want %s", name, got, c.why)
		}
		if got := answer.response.Header.Values("WWW-Authenticate"); len(got) != 3 || got[2] != "ApiKey" {
			t.Errorf("%s: the challenges are %q", name, got)
		}
	}

	for _, scheme := range []string{"APIKey", "apikey", "ApiKey"} {
		w.es(authorization(scheme+" "+good.encoded), "GET /_security/_authenticate", "").ok()
	}

	w.es(as("alice", "wrong"), "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied,
		"unable to authenticate user [alice] for REST request [/_security/_authenticate]")
	w.es(authorization(""), "GET /_security/_authenticate?pretty", "").fails(http.StatusUnauthorized, securityDenied,
		"missing authentication credentials for REST request [/_security/_authenticate?pretty]")
}

// Ensures that clearing a cache needs only the privilege, and that an unusual path names no key.
func TestSecurityKeys_ClearCache(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, path := range []string{
		"api_key/a,b/_clear_cache", "role/a,b/_clear_cache", "privilege/shop/_clear_cache", "realm/*/_clear_cache",
		"realm/native/_clear_cache?usernames=alice,bob",
	} {
		answer := w.es(bob, "POST /_security/"+path, "").ok()
		if answer["cluster_name"] != "sallyport" || asJSON(answer["_nodes"]) != `{"failed":0,"successful":1,"total":1}` {
			t.Errorf("%s: the answer is %v", path, answer)
		}
	}

	for path, action := range map[string]string{"role": "roles", "privilege": "privilege", "realm": "realm"} {
		w.es(alice, "POST /_security/"+path+"/x/_clear_cache", "").fails(http.StatusForbidden, securityDenied,
			"action [cluster:admin/xpack/security/"+action+"/cache/clear] is unauthorized …")
	}
	w.es(alice, "POST /_security/api_key/*/_clear_cache", "").fails(http.StatusForbidden, securityDenied,
		denied("clear_cache", "user [alice] with effective roles [ece_deployment_viewer]",
			"manage_api_key,manage_security,all"))
	odd := "a/b %\n"
	w.es(alice, "PUT /_security/api_key/"+url.PathEscape(odd), "").fails(http.StatusNotFound, resourceNotFound,
		"no API key owned by requesting user found for ID ["+odd+"]")
}

// Ensures that the padding of base64 may be left out, as Elasticsearch's decoder accepts, and that this is the same key
// for all that caches and revokes.
func TestSecurityKeys_WithoutPadding(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.esKey(bob, `{"name":"x"}`)
	bare := strings.TrimRight(key.encoded, "=")
	if bare == key.encoded {
		t.Fatalf("the credential %s has no padding", key.encoded)
	}
	w.es(apiKey(bare), "GET /_security/_authenticate", "").ok()
	if response, body := w.do(http.MethodGet, "/api/v1/user", "", apiKey(bare)); response.StatusCode != http.StatusOK {
		t.Errorf("ECE: %d %s", response.StatusCode, body)
	}

	// A form that is cached does not outlive a revocation by another one.
	padded, unpadded := w.introspect(key.encoded), w.introspect(bare)
	if !padded.Active || !reflect.DeepEqual(padded, unpadded) {
		t.Errorf("introspection shows %+v and %+v", padded, unpadded)
	}
	w.es(apiKey(key.encoded), "DELETE /_security/api_key", `{"owner":true}`).ok()
	w.es(apiKey(bare), "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied,
		"unable to authenticate with provided credentials and anonymous access is not allowed for this request")
}
