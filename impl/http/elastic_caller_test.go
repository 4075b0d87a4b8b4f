package http_test

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const (
	nativeRealm   = `{"name":"default_native","type":"native"}`
	reservedRealm = `{"name":"reserved","type":"reserved"}`
	keyRealm      = `{"name":"_es_api_key","type":"_es_api_key"}`
)

// Ensures that every kind of caller can see its identity and its method of authentication.
func TestSecurityCaller(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.es(bob, "PUT /_security/user/carol",
		`{"password":"`+passwordOf("carol")+
			`","roles":["superuser","unknown"],"full_name":"Carol","email":"c@example.com","metadata":{"n":1.50}}`).ok()
	carol := as("carol", passwordOf("carol"))
	key := w.esKey(carol, `{"name":"a key"}`)
	w.native("dave")
	his := `"username":"carol","roles":["superuser","unknown"],"full_name":"Carol","email":"c@example.com","metadata":{"n":1.50},"enabled":true`
	hers := `"username":"alice","roles":["ece_deployment_viewer"],"full_name":null,"email":null,"metadata":{},"enabled":true`
	realms := func(authentication, lookup, kind string) string {
		return `,"authentication_realm":` + authentication + `,"lookup_realm":` + lookup + `,"authentication_type":"` + kind +
			`"`
	}
	for name, c := range map[string]struct {
		caller client.RequestEditorFn
		want   string
	}{
		"user":    {alice, hers + realms(nativeRealm, nativeRealm, "realm")},
		"profile": {carol, his + realms(nativeRealm, nativeRealm, "realm")},
		"built-in": {admin,
			`"username":"admin","roles":["ece_platform_admin"],"full_name":"Administrator","email":null,"metadata":{"_reserved":true},"enabled":true` + realms(reservedRealm, reservedRealm, "realm")},
		"token": {bearer(w.login("carol", passwordOf("carol"))), his + realms(nativeRealm, nativeRealm, "token")},
		"key": {key.editor(),
			`"username":"carol","roles":[],"full_name":"Carol","email":"c@example.com","metadata":{},"enabled":true` +
				realms(keyRealm, keyRealm, "api_key") + `,"api_key":{"id":"` + key.id +
				`","name":"a key","managed_by":"elasticsearch"}`},
		"run as": {runningAs(admin, "alice"), hers + realms(reservedRealm, nativeRealm, "realm")},
		"run as by a user": {runningAs(carol, "dave"),
			`"username":"dave","roles":[],"full_name":null,"email":null,"metadata":{},"enabled":true` +
				realms(nativeRealm, nativeRealm, "realm")},
		"run as by a key": {runningAs(key.editor(), "dave"),
			`"username":"dave","roles":[],"full_name":null,"email":null,"metadata":{},"enabled":true` +
				realms(keyRealm, nativeRealm, "api_key")},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			w.es(c.caller, "GET /_security/_authenticate", "").is(http.StatusOK, "{"+c.want+"}")
		})
	}
}

// Ensures that acting as another user needs the privilege, that the other user exists, is enabled, and has no role of
// ECE's unless an administrator acts, and that the caller has the other user's privileges only.
func TestSecurityCaller_RunAs(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("acting", `{"cluster":["monitor"],"run_as":["bob","d*","gone"]}`)
	carol := w.native("carol", "acting")
	w.native("dave")
	w.native("disabled")
	w.es(bob, "PUT /_security/user/disabled/_disable", "").ok()
	const action = "action [cluster:admin/xpack/security/user/authenticate] is unauthorized for "
	for _, name := range []string{"bob", "alice", "gone", "disabled", "admin"} {
		w.es(carol, "GET /_security/_authenticate", "", runAs(name)).fails(http.StatusForbidden, securityDenied,
			action+"user [carol] with effective roles [acting], because user [carol] is unauthorized to run as ["+name+"]")
	}

	w.es(carol, "GET /", "", runAs("dave")).fails(http.StatusForbidden, securityDenied,
		"action [cluster:monitor/main] is unauthorized for user [dave] run by [carol] with effective roles [], this action "+
			"is granted by the cluster privileges […")
	key := w.esKey(bob, `{"name":"x","role_descriptors":{"r":{"run_as":["alice"]}}}`)
	w.es(key.editor(), "GET /", "", runAs("dave")).fails(http.StatusForbidden, securityDenied,
		"action [cluster:monitor/main] is unauthorized for API key id ["+key.id+"] of user [bob], because API key id ["+
			key.id+"] of user [bob] is unauthorized to run as [dave]")
	response, body := w.do(http.MethodGet, usersPath, "", alice, runAs("bob")) // which is for Elasticsearch's only
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac", "es-security-runas-user")
}

// Ensures that a key that is restricted to a workflow may do nothing here, whatever its descriptor says.
func TestSecurityCaller_Restricted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.esKey(bob,
		`{"name":"x","role_descriptors":{"r":{"cluster":["all"],"restriction":{"workflows":["search_application_query"]}}}}`)
	for _, request := range []string{"GET /", "GET /_security/_authenticate", "GET /_security/api_key?id=" + key.id,
		"POST /_security/user/_has_privileges"} {
		w.es(key.editor(), request, "").fails(http.StatusForbidden, securityDenied,
			"access restricted by workflow: API key id ["+key.id+"] of user [bob] is for other requests only")
	}
	response, body := w.do(http.MethodGet, "/api/v1/account", "", key.editor())
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac")
}
