package http_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures that a user whom an identity provider keeps is shown with the realm, by ECE's operations and by
// Elasticsearch's, can be disabled and then no longer has keys that work, and is not changed otherwise.
func TestExternalUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, token := apiKey(*w.newKey(alice, "one of alice's", "").Key), bearer(w.login("alice", alicePassword))
	// A user never changes realms; here alice is made what a sign-in through an identity provider makes.
	w.sql("UPDATE users SET realm = 'corporate', name_id = '  a-1' WHERE name = 'alice'")
	if got := w.readUser("alice").Security.SecurityRealm; got == nil ||
		*got != (client.UserSecurityRealm{ID: "corporate", Type: "saml"}) {
		t.Errorf("the realm is %+v", got)
	}
	for method, path := range map[string]string{
		http.MethodPatch: usersPath + "/alice", http.MethodDelete: usersPath + "/alice",
	} {
		patch := ""
		if method == http.MethodPatch {
			patch = `{"full_name":"Another Name"}`
		}
		response, body := w.do(method, path, patch, bob)
		w.refused(response, body, http.StatusBadRequest, "user.cannot_modify_external", "user_name")
	}
	response, body := w.do(http.MethodGet, "/_security/_authenticate", "", token)
	var caller client.Authentication
	corporate := client.RealmInformation{Name: "corporate", Type: "saml"}
	if err := json.Unmarshal([]byte(body), &caller); err != nil || response.StatusCode != http.StatusOK ||
		caller.Username != "alice" ||
		caller.AuthenticationRealm != corporate || caller.LookupRealm != corporate {
		t.Errorf("the caller is %d %s, %v", response.StatusCode, body, err)
	}
	if !w.alive(key) {
		t.Error("the key does not work")
	}
	w.patchUser(alicePath, `{"security":{"enabled":false}}`, bob)
	if w.alive(key) || w.alive(token) {
		t.Error("the key or the session of a disabled user works")
	}
}
