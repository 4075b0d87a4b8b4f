package http_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	bulkAction   = "cluster:admin/xpack/security/api_key/bulk_update"
	bulkGranters = "this action is granted by the cluster privileges " +
		"[manage_own_api_key,manage_api_key,manage_security,all]"
	onlyOwners = "authentication via API key not supported: only the owner user can update an API key"
)

// se is the line of a refusal for want of a privilege.
func se(action, subject, why string) string {
	return "403 " + securityDenied + ": action [" + action + "] is unauthorized for " + subject + ", " + why + " | " +
		securityDenied
}

// Ensures that each privilege which is said to let one update keys does, and no other.
func TestBulkUpdate_Privileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for privilege, allowed := range map[string]bool{
		"manage_own_api_key":                     true,
		"manage_api_key":                         true,
		"manage_security":                        true,
		"all":                                    true,
		"MANAGE_API_KEY":                         true,
		bulkAction:                               true,
		"cluster:admin/xpack/security/api_key/*": true,
		"cluster:*":                              true,
		"none":                                   false,
		"monitor":                                false,
		"manage":                                 false,
		"read_security":                          false,
		"grant_api_key":                          false,
		"manage_token":                           false,
		"manage_user_profile":                    false,
		"transport_client":                       false,
		"cluster:admin/xpack/security/api_key/update": false,
	} {
		caller := w.newPrivileged("dave", privilege)
		if allowed {
			if got := w.bulkUpdate(`{"ids":"x"}`, caller).String(); got != "updated [] noops [] errors 1" {
				t.Errorf("%s: %s", privilege, got)
			}
		} else {
			w.refuses(http.MethodPost, bulkURL, `{"ids":"x"}`,
				se(bulkAction, "user [dave] with effective roles [of_dave]", bulkGranters), caller)
		}
	}

	for _, role := range identity.Roles {
		caller := w.newUser("erin", string(role))
		if got := w.bulkUpdate(`{"ids":"x"}`, caller).String(); role != identity.PlatformViewer &&
			got != "updated [] noops [] errors 1" {
			t.Errorf("%s: %s", role, got)
		}
	}
}

// newPrivileged creates a user with a single cluster privilege.
func (w *world) newPrivileged(name, privilege string) client.RequestEditorFn {
	w.Helper()
	w.newRole("of_"+name, privilege)
	return w.newUser(name, "of_"+name)
}

// Ensures that a refusal names the caller's roles in order, those that are not defined apart, and a key by its id.
func TestBulkUpdate_Denied(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.newRole("z_role", "monitor")
	w.newRole("a_role", "manage_own_api_key")
	for roles, want := range map[string]string{
		`z_role`:             "user [dave] with effective roles [z_role]",
		``:                   "user [dave] with effective roles []",
		`z_role,gone,b_gone`: "user [dave] with effective roles [z_role] (assigned roles [b_gone,gone] were not found)",
		`gone`:               "user [dave] with effective roles [] (assigned roles [gone] were not found)",
	} {
		caller := w.newUser("dave", split(roles)...)
		w.refuses(http.MethodPost, bulkURL, `{"ids":"x"}`, se(bulkAction, want, bulkGranters), caller)
	}

	carol := w.newUser("carol", "z_role", "a_role")
	id, encoded := w.newKeyOf(carol, `{"name":"weak","role_descriptors":{"x":{"cluster":["monitor"]}}}`)
	w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`"}`,
		se(bulkAction, "API key id ["+id+"] of user [carol]", bulkGranters), apiKey(encoded))
	id, encoded = w.newKeyOf(carol, `{"name":"strong"}`)
	w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`"}`, iae(onlyOwners), apiKey(encoded))
	_, encoded = w.newKeyOf(bob, `{"name":"strongest"}`)
	w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`"}`, iae(onlyOwners), apiKey(encoded))
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// Ensures the order of refusals: authentication, unreadable requests, invalid requests, missing privileges, and then
// all others.
func TestBulkUpdate_Order(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	unprivileged := w.newPrivileged("dave", "monitor")
	own := w.newPrivileged("carol", "manage_own_api_key")
	id, _ := w.newKeyOf(own, `{"name":"k"}`)
	_, strong := w.newKeyOf(own, `{"name":"strong"}`)
	_, weak := w.newKeyOf(own, `{"name":"weak","role_descriptors":{"x":{}}}`)
	const mixed = `,"role_descriptors":{"a":{"restriction":{"workflows":["search_application_query"]}},"b":{}}`
	unauthenticated := func(_ context.Context, _ *http.Request) error { return nil }
	for _, c := range []struct {
		caller     client.RequestEditorFn
		body, want string
	}{
		{unauthenticated, `{"foo":1}`,
			"401 security_exception: missing authentication credentials for REST request [" + bulkURL +
				"] | security_exception"},
		{as("carol", "wrong"), `{"ids":[]}`,
			"401 security_exception: unable to authenticate user [carol] for REST request [" + bulkURL +
				"] | security_exception"},
		{apiKey("eDp5"), `{"ids":[]}`,
			"401 security_exception: unable to authenticate with provided credentials and anonymous access is not allowed for " +
				"this request | security_exception"},
		{unprivileged, ``, pe("request body is required")},
		{unprivileged, `{"foo":1}`, xpe("[bulk_update_api_key_request] unknown field [foo]")},
		{unprivileged, `{"ids":[]}`, arv("Field [ids] cannot be empty")},
		{unprivileged, `{"ids":"x"` + mixed + `}`,
			se(bulkAction, "user [dave] with effective roles [of_dave]", bulkGranters)},
		{apiKey(weak), `{"ids":[]}`, arv("Field [ids] cannot be empty")},
		{apiKey(weak), `{"ids":"x"` + mixed + `}`, se(bulkAction, "API key id […] of user [carol]", bulkGranters)},
		{apiKey(strong), `{"ids":[]}`, arv("Field [ids] cannot be empty")},
		{apiKey(strong), `{"ids":"x"` + mixed + `}`, iae(onlyOwners)},
		{own, `{"ids":"x"` + mixed + `}`, iae("combining role descriptors with and without restriction is not supported")},
		{own, `{"ids":"` + id + `","metadata":{"a":1}` + mixed + `}`,
			iae("combining role descriptors with and without restriction is not supported")},
	} {
		w.refuses(http.MethodPost, bulkURL, c.body, c.want, c.caller)
	}
}

// Ensures that keys belong to their owner only: a superuser that updates another user's key gets the answer for a
// missing key.
func TestBulkUpdate_OwnerOnly(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	carol := w.newPrivileged("carol", "manage_own_api_key")
	id, _ := w.newKeyOf(carol, `{"name":"k"}`)
	granted := w.grantedKey("carol")
	root := w.newUser("root", "superuser")
	for _, caller := range []client.RequestEditorFn{bob, root, admin, alice} {
		before := w.written()
		got := w.bulkUpdate(`{"ids":["`+id+`","`+granted+`"],"metadata":{"a":1},"expiration":"1d"}`, caller)
		for _, each := range []string{id, granted} {
			if why := got.whys()[each]; why != resourceNotFound+": no API key owned by requesting user found for ID ["+each+
				"]" || w.written() != before {
				t.Errorf("%s: %s", got, why)
			}
		}
	}

	if got := w.bulkUpdate(`{"ids":["`+id+`","`+granted+`"],"metadata":{"a":1}}`,
		carol).String(); got != fmt.Sprint("updated ", []string{id, granted}, " noops []") {
		t.Error(got)
	}
}

// grantedKey is a key of a user's that bob has granted.
func (w *world) grantedKey(name string) string {
	w.Helper()
	body := fmt.Sprintf(`{"grant_type":"password","username":%q,"password":%q,"api_key":{"name":"granted"}}`, name,
		name+"'s own passphrase")
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(w.must(http.MethodPost, grantURL, body, bob)), &made); err != nil {
		w.Fatal(err)
	}
	return made.ID
}

// Ensures that an owner's tokens do what the owner's password does.
func TestBulkUpdate_Bearer(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	carol := w.newPrivileged("carol", "manage_own_api_key")
	id, _ := w.newKeyOf(carol, `{"name":"k"}`)
	var token struct {
		Access string `json:"access_token"`
	}
	text := w.must(http.MethodPost, "/_security/oauth2/token",
		`{"grant_type":"password","username":"carol","password":"carol's own passphrase"}`, bob)
	if err := json.Unmarshal([]byte(text), &token); err != nil {
		t.Fatal(err)
	}

	for _, credential := range []client.RequestEditorFn{bearer(token.Access), bearer(w.login("bob", bobPassword))} {
		if got := w.bulkUpdate(`{"ids":"`+id+`","metadata":{"a":1}}`, credential); len(got.Updated)+len(got.whys()) != 1 {
			t.Error(got)
		}
	}

	if got := w.shownKeys(bob, id); !strings.Contains(got, `"metadata":{"a":1}`) {
		t.Error(got)
	}
}

// Ensures that callers that may act as a key's owner, also API keys, update the owner's keys, and that others may not.
func TestBulkUpdate_RunAs(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	carol := w.newPrivileged("carol", "manage_own_api_key")
	w.sql("UPDATE users SET password_set_by = 'user'") // so that the owner may take the key back
	id, _ := w.newKeyOf(carol, `{"name":"k"}`)
	w.must(http.MethodPut, "/_security/role/runner", `{"cluster":["manage_own_api_key"],"run_as":["car*","gone"]}`, bob)
	runner := w.newUser("runner", "runner")
	weak := w.newPrivileged("weak", "all")
	_, encoded := w.newKeyOf(runner, `{"name":"runs as carol","role_descriptors":{"x":{"run_as":["carol"]}}}`)
	_, other := w.newKeyOf(runner,
		`{"name":"runs as dave","role_descriptors":{"x":{"cluster":["all"],"run_as":["dave"]}}}`)
	for i, caller := range []client.RequestEditorFn{runner, apiKey(encoded), bob} {
		if got := w.bulkUpdate(fmt.Sprintf(`{"ids":%q,"metadata":{"n":%d}}`, id, i), caller,
			runAs("carol")).String(); got != "updated ["+id+"] noops []" {
			t.Errorf("caller %d: %s", i, got)
		}
	}

	// What the key keeps is of its owner, and not of the caller that acted for the owner. The owner takes it back once.
	if got := w.bulkUpdate(`{"ids":"`+id+`"}`, carol); len(got.Updated) != 1 {
		t.Error(got)
	}
	if got := w.bulkUpdate(`{"ids":"`+id+`"}`, carol); len(got.Noops) != 1 ||
		!strings.Contains(w.shownKeys(bob, id), `"limited_by":[{"of_carol":`) {
		t.Error(got, w.shownKeys(bob, id))
	}

	because := func(subject, name string) string {
		return "because " + subject + " is unauthorized to run as [" + name + "]"
	}
	const runnerRoles = " with effective roles [runner]"
	for _, c := range []struct {
		caller         client.RequestEditorFn
		name, as, want string
	}{
		{weak, "carol", "user [weak] with effective roles [of_weak]", "user [weak]"},
		{runner, "gone", "user [runner]" + runnerRoles, "user [runner]"},
		{runner, "bob", "user [runner]" + runnerRoles, "user [runner]"},
		{apiKey(other), "carol", "API key id […] of user [runner]", "API key id […] of user [runner]"},
		{carol, "runner", "user [carol] with effective roles [of_carol]", "user [carol]"},
	} {
		w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`","metadata":{}}`, se(bulkAction, c.as, because(c.want, c.name)),
			c.caller, runAs(c.name))
	}

	// A caller that acts as another user has that user's privileges only.
	w.newRole("of_carol", "monitor")
	w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`"}`,
		se(bulkAction, "user [carol]… with effective roles [of_carol]", bulkGranters), runner, runAs("carol"))
}

// Ensures that no key is updated if its owner's own roles are restricted, which this server does not let users define.
func TestBulkUpdate_RestrictedOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carol := w.newPrivileged("carol", "manage_own_api_key")
	id, _ := w.newKeyOf(carol, `{"name":"k"}`)
	w.sql(`UPDATE roles SET descriptor = '{"of_carol":{"cluster":["manage_own_api_key"],"restriction":{"workflows":["search_application_query"]}}}' WHERE name = 'of_carol'`)
	w.clock.advance(store.MaxLifetime) // no message says that the role changed
	w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`"}`,
		"403 security_exception: access restricted by workflow… | security_exception", carol)
	w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`"}`,
		iae("owner user role descriptors must not include restriction"), bob, runAs("carol"))
}
