package http_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures the life of applications' privileges by the typed client: put by either method, read at each depth, deleted.
func TestSecurityPrivileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx := t.Context()
	body := client.SecurityPutPrivilegesJSONRequestBody{"shop": {
		"read":  {Actions: []string{"data:read/*"}},
		"write": {Actions: []string{"data:write/*"}},
	}}
	put, err := w.client.SecurityPutPrivilegesWithResponse(ctx, nil, body, bob)
	if err != nil || put.JSON200 == nil ||
		asJSON(put.JSON200) != `{"shop":{"read":{"created":true},"write":{"created":true}}}` {
		t.Fatalf("%v %s", err, put.Body)
	}

	again, err := w.client.SecurityPutPrivilegesPostWithResponse(ctx, nil, body, bob)
	if err != nil || again.JSON200 == nil ||
		asJSON(again.JSON200) != `{"shop":{"read":{"created":false},"write":{"created":false}}}` {
		t.Fatalf("%v %s", err, again.Body)
	}

	w.es(bob, "PUT /_security/privilege",
		`{"mail":{"send":{"actions":["mail:send"],"metadata":{"n":1.50},"name":"send","application":"mail"}}}`).ok()
	all, err := w.client.SecurityGetPrivilegesWithResponse(ctx, bob)
	if err != nil || all.JSON200 == nil || len(*all.JSON200) != 2 {
		t.Fatalf("%v %s", err, all.Body)
	}

	application, err := w.client.SecurityGetApplicationPrivilegesWithResponse(ctx, "shop", bob)
	if err != nil || application.JSON200 == nil || len((*application.JSON200)["shop"]) != 2 {
		t.Fatalf("%v %s", err, application.Body)
	}

	one, err := w.client.SecurityGetApplicationPrivilegeWithResponse(ctx, "mail", "send", bob)
	if err != nil || one.JSON200 == nil {
		t.Fatalf("%v %s", err, one.Body)
	}

	w.es(bob, "GET /_security/privilege/mail/send,nosuch", "").is(http.StatusOK,
		`{"mail":{"send":{"application":"mail","name":"send","actions":["mail:send"],"metadata":{"n":1.50}}}}`)
	for _, path := range []string{"nosuch", "mail/nosuch", "nosuch/send"} {
		w.es(bob, "GET /_security/privilege/"+path, "").is(http.StatusNotFound, `{}`)
	}

	w.es(bob, "DELETE /_security/privilege/shop/read,nosuch", "").is(http.StatusOK,
		`{"shop":{"read":{"found":true},"nosuch":{"found":false}}}`)
	deleted, err := w.client.SecurityDeleteApplicationPrivilegesWithResponse(ctx, "shop", "write", nil, bob)
	if err != nil || deleted.JSON200 == nil {
		t.Fatalf("%v %s", err, deleted.Body)
	}

	w.es(bob, "DELETE /_security/privilege/shop/write", "").is(http.StatusNotFound, `{"shop":{"write":{"found":false}}}`)
	builtin, err := w.client.SecurityGetBuiltinPrivilegesWithResponse(ctx, bob)
	if err != nil || builtin.JSON200 == nil || !slices.Contains(builtin.JSON200.Cluster, "manage_own_api_key") ||
		!slices.Contains(builtin.JSON200.Index, "read") {
		t.Fatalf("%v %s", err, builtin.Body)
	}
}

// Ensures that invalid privileges are refused, and that changes need the privilege.
func TestSecurityPrivileges_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for body, kind := range map[string]string{
		`{"Shop":{"read":{"actions":["a:b"]}}}`:                requestInvalid,
		`{"shop":{"Read":{"actions":["a:b"]}}}`:                requestInvalid,
		`{"shop":{"read":{"actions":[]}}}`:                     requestInvalid,
		`{"shop":{"read":{"actions":["a:b"],"name":"write"}}}`: "x_content_parse_exception",
		`{"shop":{"read":{"actions":["a:b"],"foo":1}}}`:        "x_content_parse_exception",
	} {
		w.es(bob, "PUT /_security/privilege", body).fails(http.StatusBadRequest, kind, "…")
	}

	w.es(alice, "PUT /_security/privilege", `{"shop":{"read":{"actions":["a:b"]}}}`).fails(http.StatusForbidden,
		securityDenied,
		"action [cluster:admin/xpack/security/privilege/put] is unauthorized for user [alice] with effective roles "+
			"[ece_deployment_viewer], this action is granted by the cluster privileges [manage_security,all]")
	w.es(bob, "GET /_security/privilege", "").is(http.StatusOK, `{}`)
}

// Ensures that a question is answered for everything that it asks, by all of its four operations.
func TestSecurityHasPrivileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.es(bob, "PUT /_security/privilege", `{"shop":{"buy":{"actions":["data:read/*","data:buy"]}}}`).ok()
	w.role("asker", `{"cluster":["manage_own_api_key"],"indices":[{"names":["logs-*"],"privileges":["read"]}],
		"applications":[{"application":"shop","privileges":["buy"],"resources":["till/*"]}]}`)
	carol := w.native("carol", "asker")
	const question = `{"cluster":["manage_own_api_key","all"],"index":[{"names":["logs-1","other"],"privileges":["read","write"]},{"names":"logs-1","privileges":["read"]}],
		"application":[{"application":"shop","privileges":["buy","data:read/me"],"resources":["till/1","shelf"]}]}`
	const answer = `{"username":"carol","has_all_requested":false,"cluster":{"manage_own_api_key":true,"all":false},
		"index":{"logs-1":{"read":true,"write":false},"other":{"read":false,"write":false}},
		"application":{"shop":{"till/1":{"buy":true,"data:read/me":true},"shelf":{"buy":false,"data:read/me":false}}}}`
	for _, request := range []string{"POST /_security/user/_has_privileges", "GET /_security/user/_has_privileges",
		"POST /_security/user/carol/_has_privileges", "GET /_security/user/carol/_has_privileges"} {
		w.es(carol, request, question).is(http.StatusOK, answer)
	}

	body := client.HasPrivilegesRequest{Cluster: []string{"manage_own_api_key"}}
	has, err := w.client.SecurityHasPrivilegesWithResponse(t.Context(), body, carol)
	if err != nil || has.JSON200 == nil || !has.JSON200.HasAllRequested {
		t.Errorf("%v %s", err, has.Body)
	}

	user, err := w.client.SecurityHasUserPrivilegesWithResponse(t.Context(), "carol", body, carol)
	if err != nil || user.JSON200 == nil || !user.JSON200.HasAllRequested {
		t.Errorf("%v %s", err, user.Body)
	}

	narrow := w.esKey(carol,
		`{"name":"x","role_descriptors":{"r":{"cluster":["all"],"indices":[{"names":["*"],"privileges":["write"]}]}}}`)
	w.es(narrow.editor(), "POST /_security/user/_has_privileges",
		`{"cluster":["manage_own_api_key","all"],"index":[{"names":["logs-1"],"privileges":["read","write"]}]}`).
		is(http.StatusOK,
			`{"username":"carol","has_all_requested":false,"cluster":{"manage_own_api_key":true,"all":false},"index":{"logs-1":{"read":false,"write":false}},"application":{}}`)
	w.es(carol, "POST /_security/user/alice/_has_privileges", question).fails(http.StatusBadRequest, illegalArgument,
		"users may only check the privileges of their own account, which is [carol] and not [alice]; …")
	w.es(bob, "POST /_security/user/alice/_has_privileges", `{"cluster":["all"]}`, runAs("alice")).is(http.StatusOK,
		`{"username":"alice","has_all_requested":false,"cluster":{"all":false},"index":{},"application":{}}`)
	for body, want := range map[string]string{
		`{}`: "failed to parse privileges check [carol]. All privilege fields [cluster,index,applications] are missing",
		`{"index":[{"names":["a"],"privileges":["read"],"query":"{}"}]}`: "Field [query] is not supported in a " +
			"has_privileges request",
	} {
		failed := w.es(carol, "POST /_security/user/carol/_has_privileges", body)
		failed.fails(http.StatusBadRequest, "parse_exception", want)
	}

	w.es(carol, "POST /_security/user/_has_privileges", `{"cluster":["nosuch"]}`).fails(http.StatusBadRequest,
		illegalArgument, "unknown cluster privilege [nosuch]…")
}

// Ensures that a caller's privileges are listed together, and that those of a key with its own descriptors are no list.
func TestSecurityUserPrivileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	mine, err := w.client.SecurityGetUserPrivilegesWithResponse(t.Context(), bob)
	if err != nil || mine.JSON200 == nil || asJSON(mine.JSON200.Cluster) != `["all"]` ||
		mine.JSON200.RemoteIndices == nil {
		t.Fatalf("%v %s", err, mine.Body)
	}

	w.role("a",
		`{"cluster":["monitor"],"indices":[{"names":["x"],"privileges":["read"],"field_security":{"grant":["g"]},"query":{"match_all":{}}}],"run_as":["b"]}`)
	w.role("b",
		`{"cluster":["monitor","manage_own_api_key"],"indices":[{"names":["x"],"privileges":["write"],"field_security":{"grant":["f"]},"query":"{}"}],"run_as":["a","b"]}`)
	carol := w.native("carol", "a", "b")
	const want = `{"cluster":["manage_own_api_key","monitor"],"global":[],"applications":[],"run_as":["a","b"],
		"indices":[{"names":["x"],"privileges":["read","write"],"field_security":[{"grant":["f"]},{"grant":["g"]}],"query":["{\"match_all\":{}}","{}"],"allow_restricted_indices":false}]}`
	w.es(carol, "GET /_security/user/_privileges", "").is(http.StatusOK, want)
	w.es(w.esKey(carol, `{"name":"x"}`).editor(), "GET /_security/user/_privileges", "").is(http.StatusOK, want)
	w.es(w.esKey(carol, `{"name":"x","role_descriptors":{"r":{}}}`).editor(), "GET /_security/user/_privileges",
		"").fails(http.StatusBadRequest, illegalArgument,
		"Cannot retrieve privileges for API keys with assigned role descriptors. Please use the Get API key information "+
			"API https://ela.st/es-api-get-api-key")
}
