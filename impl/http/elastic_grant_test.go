package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const grantPath = "POST /_security/api_key/grant"

func byPassword(name, more string) string {
	return `{"grant_type":"password","username":"` + name + `","password":"` + passwordOf(name) +
		`","api_key":{"name":"granted"}` + more + `}`
}

// Ensures that a key is granted to the user of the credentials, a password or a token, with that user's privileges, and
// that the user can change it.
func TestSecurityGrant(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	kind, name, password := "password", "alice", alicePassword
	made, err := w.client.SecurityGrantAPIKeyWithResponse(t.Context(), nil, client.GrantAPIKeyRequest{
		GrantType: &kind,
		Username:  &name,
		Password:  &password,
		APIKey:    &client.GrantedAPIKey{Name: &name},
	}, bob)
	if err != nil || made.JSON200 == nil {
		t.Fatalf("%v %s", err, made.Body)
	}

	shown := w.shownKey(bob, made.JSON200.ID, "&with_limited_by=true")
	if shown["username"] != "alice" || shown["name"] != "alice" ||
		!strings.Contains(asJSON(shown["limited_by"]), `[{"ece_deployment_viewer":`) {
		t.Errorf("the key is %v", shown)
	}

	w.es(bob, "PUT /_security/api_key/"+made.JSON200.ID, `{"metadata":{"a":1}}`).fails(http.StatusNotFound,
		resourceNotFound,
		"no API key owned by requesting user found for ID ["+made.JSON200.ID+"]")
	w.es(alice, "PUT /_security/api_key/"+made.JSON200.ID, `{"metadata":{"a":1}}`).is(http.StatusOK, `{"updated":true}`)
	kind, token := "access_token", w.login("alice", alicePassword)
	put, err := w.client.SecurityGrantAPIKeyPutWithResponse(t.Context(), nil, client.GrantAPIKeyRequest{
		GrantType: &kind, AccessToken: &token, APIKey: &client.GrantedAPIKey{Name: &name},
	}, bob)
	if err != nil || put.JSON200 == nil || w.shownKey(bob, put.JSON200.ID, "")["username"] != "alice" ||
		!w.alive(apiKey(put.JSON200.Encoded)) {
		t.Fatalf("by token: %v %s", err, put.Body)
	}
}

// Ensures that a request that makes no sense is refused with all its problems.
func TestSecurityGrant_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const named = `,"api_key":{"name":"x"}}`
	for body, want := range map[string][]string{
		`{}`: {"[grant_type] is required", "api key name is required"},
		`{"grant_type":"password","api_key":{}}`: {
			"[username] is required for grant_type [password]", "[password] is required for grant_type [password]",
			"api key name is required",
		},
		`{"grant_type":"access_token"` + named: {"[access_token] is required for grant_type [access_token]"},
		`{"grant_type":"x"` + named:            {"grant_type [x] is not supported"},
		`{"grant_type":"password","username":"a","password":"b","access_token":"c"` +
			named: {"[access_token] is not supported for grant_type [password]"},
		`{"grant_type":"access_token","username":"a","password":"b","access_token":"c"` +
			named: {"[username] is not supported for grant_type [access_token]",
			"[password] is not supported for grant_type [access_token]"},
		`{"grant_type":"access_token","access_token":"c","api_key":{"name":"x","metadata":{"_a":1}}}`: {"API key metadata keys may not start with [_]"},
	} {
		w.es(alice, grantPath, body).fails(http.StatusBadRequest, requestInvalid, invalid(want...))
	}

	w.es(bob, grantPath, `{"grant":"x"}`).fails(http.StatusBadRequest, "x_content_parse_exception",
		"[1:2] [grant_api_key_request] unknown field [grant]…")
	const failed = "Failed to authenticate api key grant"
	for _, body := range []string{
		strings.Replace(byPassword("alice", ""), "own passphrase", "x", 1), byPassword("unknown", ""),
		`{"grant_type":"access_token","access_token":"x"` + named,
	} {
		w.es(bob, grantPath, body).fails(http.StatusForbidden, securityDenied, failed)
	}

	w.es(bob, grantPath,
		`{"grant_type":"access_token","access_token":"x","client_authentication":{"value":"y"}`+
			named).fails(http.StatusBadRequest, securityDenied,
		"[client_authentication] not supported with the supplied access_token type")
	w.es(bob, grantPath, byPassword("admin", "")).fails(http.StatusBadRequest, illegalArgument,
		`the built-in user "admin" cannot own API keys; create them as another user`)
	w.es(alice, grantPath, byPassword("alice", "")).fails(http.StatusForbidden, securityDenied,
		denied("grant", "user [alice] with effective roles [ece_deployment_viewer]",
			"grant_api_key,manage_api_key,manage_security,all"))
	w.es(bob, "GET /_security/api_key", "").is(http.StatusOK, `{"api_keys":[]}`)
}

// Ensures that a user with a second factor must have used it: a password alone grants no key.
func TestSecurityGrant_SecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, codes, err := w.app.Elevation.Provision(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	w.es(bob, grantPath, byPassword("alice", "")).fails(http.StatusForbidden, securityDenied,
		"this operation needs elevated permissions: …")
	raised := w.raise(w.login("alice", alicePassword), codes[0])
	w.es(bob, grantPath, `{"grant_type":"access_token","access_token":"`+raised+`","api_key":{"name":"x"}}`).ok()
}

// Ensures that a key is granted for another user only if the user of the credentials may act as that user.
func TestSecurityGrant_RunAs(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("acting", `{"run_as":["dave","gone","bob"]}`)
	w.role("granting", `{"cluster":["grant_api_key"]}`)
	w.native("carol", "acting")
	w.native("dave", "granting")
	granter := w.native("erin", "granting")
	key := created(w.es(granter, grantPath, byPassword("carol", `,"run_as":"dave"`)).ok())
	if got := w.shownKey(bob, key.id, "&with_limited_by"); got["username"] != "dave" ||
		!strings.Contains(asJSON(got["limited_by"]), `"granting"`) {
		t.Errorf("the key is %v", got)
	}

	for _, name := range []string{"alice", "gone", "bob"} { // not allowed, not there, and a user of ECE's
		w.es(granter, grantPath, byPassword("carol", `,"run_as":"`+name+`"`)).fails(http.StatusForbidden, securityDenied,
			"action [cluster:admin/xpack/security/user/authenticate] is unauthorized for user [carol] with effective roles "+
				"[acting], because user [carol] is unauthorized to run as ["+name+"]")
	}

	w.es(granter, "GET /_security/api_key?owner=true", "").fails(http.StatusForbidden, securityDenied,
		denied("get", "user [erin] with effective roles [granting]",
			"manage_own_api_key,read_security,manage_api_key,manage_security,all"))
}
