package http_test

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures that the typed client can create a user by either method, get one or several, disable and enable it, change
// its password as an administrator and as the user, and delete it.
func TestSecurityUsers(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx := t.Context()
	ok := func(r *http.Response, body []byte, err error) {
		t.Helper()
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%v %s", err, body)
		}
	}

	roles := []string{"superuser"}
	put, err := w.client.SecurityPutUserWithResponse(ctx, "carol", nil, client.SecurityPutUserJSONRequestBody{
		Password: new(passwordOf("carol")),
		Roles:    &roles,
		FullName: new("Carol"),
		Metadata: &client.FreeObject{"a": 1},
	}, bob)
	if err != nil || put.JSON200 == nil || !put.JSON200.Created {
		t.Fatalf("%v %s", err, put.Body)
	}

	again, err := w.client.SecurityPutUserPostWithResponse(ctx, "carol", nil,
		client.SecurityPutUserPostJSONRequestBody{Roles: &roles}, bob)
	if err != nil || again.JSON200 == nil || again.JSON200.Created {
		t.Fatalf("%v %s", err, again.Body)
	}

	one, err := w.client.SecurityGetUserWithResponse(ctx, "carol", nil, bob)
	if err != nil || one.JSON200 == nil || (*one.JSON200)["carol"].FullName != nil || !(*one.JSON200)["carol"].Enabled {
		t.Fatalf("%v %s", err, one.Body)
	}

	all, err := w.client.SecurityGetUsersWithResponse(ctx, nil, bob)
	if err != nil || all.JSON200 == nil || len(*all.JSON200) != 5 {
		t.Fatalf("%v %s", err, all.Body)
	}

	alive := func(password string, want bool) {
		t.Helper()
		if got := w.es(as("carol", password), "GET /", "").response.StatusCode == http.StatusOK; got != want {
			t.Errorf("with %s: %t", password, got)
		}
	}

	alive(passwordOf("carol"), true)
	off, err := w.client.SecurityDisableUserWithResponse(ctx, "carol", nil, bob)
	ok(off.HTTPResponse, off.Body, err)
	alive(passwordOf("carol"), false)
	on, err := w.client.SecurityEnableUserWithResponse(ctx, "carol", nil, bob)
	ok(on.HTTPResponse, on.Body, err)
	alive(passwordOf("carol"), true)
	offPost, err := w.client.SecurityDisableUserPostWithResponse(ctx, "carol", nil, bob)
	ok(offPost.HTTPResponse, offPost.Body, err)
	onPost, err := w.client.SecurityEnableUserPostWithResponse(ctx, "carol", nil, bob)
	ok(onPost.HTTPResponse, onPost.Body, err)
	given, err := w.client.SecurityChangePasswordWithResponse(ctx, "carol", nil,
		client.SecurityChangePasswordJSONRequestBody{Password: new("wren-427 one")}, bob)
	ok(given.HTTPResponse, given.Body, err)
	alive(passwordOf("carol"), false)
	givenPost, err := w.client.SecurityChangePasswordPostWithResponse(ctx, "carol", nil,
		client.SecurityChangePasswordPostJSONRequestBody{Password: new("wren-427 two")}, bob)
	ok(givenPost.HTTPResponse, givenPost.Body, err)
	own, err := w.client.SecurityChangeOwnPasswordWithResponse(ctx, nil,
		client.SecurityChangeOwnPasswordJSONRequestBody{Password: new("wren-427 three")}, as("carol", "wren-427 two"))
	ok(own.HTTPResponse, own.Body, err)
	ownPost, err := w.client.SecurityChangeOwnPasswordPostWithResponse(ctx, nil,
		client.SecurityChangeOwnPasswordPostJSONRequestBody{Password: new("wren-427 four")},
		as("carol", "wren-427 three"))
	ok(ownPost.HTTPResponse, ownPost.Body, err)
	alive("wren-427 four", true)
	deleted, err := w.client.SecurityDeleteUserWithResponse(ctx, "carol", nil, bob)
	if err != nil || deleted.JSON200 == nil || !deleted.JSON200.Found {
		t.Fatalf("%v %s", err, deleted.Body)
	}

	w.es(bob, "DELETE /_security/user/carol", "").is(http.StatusNotFound, `{"found":false}`)
	w.es(bob, "GET /_security/user/carol", "").is(http.StatusNotFound, `{}`)
}

// Ensures that users are shown with all that was given, numbers to the last digit, with roles of both kinds and
// built-in ones as such, and that what is sent in other forms is the same.
func TestSecurityUsers_Form(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.es(bob, "POST /_security/user/carol", `{"username":"carol","password":"`+passwordOf("carol")+`","roles":"ece_deployment_viewer","full_name":null,"email":null,
		"metadata":{"n":12345678901234567890,"m":1.50,"x":1e400},"enabled":false}`).is(http.StatusOK, `{"created":true}`)
	w.es(bob, "GET /_security/user/carol,unknown,admin", "").is(http.StatusOK, `{
		"admin":{"username":"admin","roles":["ece_platform_admin"],"full_name":"Administrator","email":null,"metadata":{"_reserved":true},"enabled":true},
		"carol":{"username":"carol","roles":["ece_deployment_viewer"],"full_name":null,"email":null,"metadata":{"n":12345678901234567890,"m":1.50,"x":1e400},"enabled":false}}`)
	if got := asJSON(w.readUser("carol").Security.Roles); got != `["ece_deployment_viewer"]` {
		t.Errorf("ECE shows the roles %s", got)
	}
}

// Ensures that a string of roles is a list with commas.
func TestSecurityUsers_RolesInOneString(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.es(bob, "PUT /_security/user/carol", `{"password":"`+passwordOf("carol")+`","roles":"reader,writer"}`).ok()
	if got := asJSON(w.esUser("carol")["roles"]); got != `["reader","writer"]` {
		t.Errorf("the roles are %s", got)
	}
	w.es(bob, "PUT /_security/user/carol", `{"roles":""}`).ok()
	if got := asJSON(w.esUser("carol")["roles"]); got != `[]` {
		t.Errorf("the roles are %s", got)
	}
}

// esUser returns a user as Elasticsearch's operation shows it.
func (w *world) esUser(name string) map[string]any {
	w.Helper()
	user, _ := w.es(bob, "GET /_security/user/"+name, "").ok()[name].(map[string]any)
	return user
}

// Ensures that refusals name the problem of the request, or the caller and the denied action.
func TestSecurityUsers_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	carol := w.native("carol", "superuser")
	for _, c := range []struct{ request, body, kind, reason string }{
		{"PUT /_security/user/x", `{"roles":[]}`, validationFailed,
			invalid("password must be specified unless you are updating an existing user")},
		{"PUT /_security/user/x", `{"roles":[],"password_hash":"x"}`, illegalArgument,
			"The provided password hash is not a hash or it could not be resolved to a supported hash algorithm. The …"},
		{"PUT /_security/user/x", `{"password":"short"}`, requestInvalid,
			"Validation Failed: 1: roles are missing;2: a password has at least 8…"},
		{"PUT /_security/user/x", `{"roles":[],"foo":1}`, parseException,
			"failed to parse add user request. unexpected field [foo]"},
		{"PUT /_security/user/x", `[]`, parseException, "expected an object, but found token [START_ARRAY]"},
		{"PUT /_security/user/x", `{"roles":[],"email":1}`, parseException,
			"expected field [email] to be of type string, but found [VALUE_NUMBER] instead"},
		{"PUT /_security/user/x", `{"roles":[],"enabled":"true"}`, parseException,
			"expected field [enabled] to be of type boolean, but found [VALUE_STRING] instead"},
		{"PUT /_security/user/x", `{"roles":["a",1]}`, parseException,
			"could not parse [roles] field. expected a string array but one of the value in the array is [VALUE_NUMBER]"},
		{"PUT /_security/user/x", `{"roles":null}`, parseException,
			"could not parse [roles] field. expected a string array but found null value instead"},
		{"PUT /_security/user/x", `{"roles":[],"username":"y"}`, illegalArgument,
			"[username] in source does not match the username provided [x]"},
		{"PUT /_security/user/_password", `{"passwort":"x"}`, parseException,
			"failed to parse change password request. unexpected field [passwort]"},
		{"PUT /_security/user/carol/_disable", "", illegalArgument,
			"users may not update the enabled status of their own account"},
		{"PUT /_security/user/carol", `{"roles":["superuser"],"enabled":false}`, requestInvalid,
			invalid("native and reserved realm users may not update the enabled status of their own account")},
		{"PUT /_security/user/admin", `{"roles":[]}`, illegalArgument, "user [admin] is reserved and cannot be modified"},
		{"PUT /_security/user/unknown/_enable", "", validationFailed, invalid("only existing users can be enabled")},
		{"PUT /_security/user/unknown/_disable", "", validationFailed, invalid("only existing users can be disabled")},
		{"PUT /_security/user/unknown/_password", `{"password":"wren-427 one"}`, validationFailed,
			invalid("user must exist in order to change password")},
		{"PUT /_security/user/unknown/_password", `{}`, requestInvalid,
			invalid("one of [password, password_hash] is required")},
		{"POST /_security/user/_password", `{"password":"a","password_hash":"b"}`, requestInvalid,
			"Validation Failed: 1: only one of [password, password_hash] can be given;2: …"},
	} {
		w.es(carol, c.request, c.body).fails(http.StatusBadRequest, c.kind, c.reason)
	}

	const ours = "user [carol] may not change user [alice]: users with platform roles are made, changed and removed by " +
		"holders of the role [ece_platform_admin] only"
	for request, body := range map[string]string{
		"PUT /_security/user/alice":           `{"roles":[]}`,
		"DELETE /_security/user/alice":        "",
		"PUT /_security/user/alice/_disable":  "",
		"PUT /_security/user/alice/_password": `{"password":"wren-427 one"}`,
	} {
		w.es(carol, request, body).fails(http.StatusForbidden, securityDenied, ours)
	}

	w.es(alice, "GET /_security/user/alice", "").fails(http.StatusForbidden, securityDenied,
		"action [cluster:admin/xpack/security/user/get] is unauthorized for user [alice] with effective roles "+
			"[ece_deployment_viewer], this action is granted by the cluster privileges [read_security,manage_security,all]")
	key := w.esKey(alice, `{"name":"x"}`)
	w.es(key.editor(), "PUT /_security/user/_password", `{"password":"wren-427 one"}`).fails(http.StatusForbidden,
		securityDenied, "…")
	if !w.alive(alice) {
		t.Error("alice's password is another one")
	}
}

// Ensures that a key is dead with its owner, and that a namesake does not get it.
func TestSecurityUsers_Keys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carol := w.native("carol", "superuser")
	key := w.esKey(carol, `{"name":"x"}`)
	w.es(bob, "DELETE /_security/user/carol", "").is(http.StatusOK, `{"found":true}`)
	w.native("carol", "superuser")
	w.es(key.editor(), "GET /", "").fails(http.StatusUnauthorized, securityDenied,
		"unable to authenticate with provided credentials…")
	w.es(carol, "GET /_security/api_key?owner=true", "").is(http.StatusOK, `{"api_keys":[]}`)
}

// Ensures that a user without ECE's roles can sign in and out and manage a second factor, and cannot use other
// operations of ECE.
func TestSecurityUsers_WithoutPlatformRole(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	nora := w.native("nora", "helper")
	for path, status := range map[string]int{
		"/api/v1/user":            http.StatusOK,
		"/api/v1/users/auth":      http.StatusOK,
		"/api/v1/users/auth/totp": http.StatusNotFound,
		"/api/v1/account":         http.StatusForbidden,
		"/api/v1/users":           http.StatusForbidden,
		"/api/v1/users/auth/keys": http.StatusForbidden,
	} {
		if response, body := w.do(http.MethodGet, path, "", nora); response.StatusCode != status {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}

	key := w.esKey(bob, `{"name":"narrow","role_descriptors":{"r":{"cluster":["all"]}}}`)
	response, body := w.do(http.MethodGet, "/api/v1/user", "", key.editor())
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac")
}
