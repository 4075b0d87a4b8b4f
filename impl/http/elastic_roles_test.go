package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures a role's life by the typed client: put by either method, replaced, read alone and with others, deleted.
func TestSecurityRoles(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx, description := t.Context(), "reads logs"
	put, err := w.client.SecurityPutRoleWithResponse(ctx, "reader", nil, client.SecurityPutRoleJSONRequestBody{
		Cluster: []string{"monitor"}, Description: &description,
		Indices: []client.IndicesPrivileges{{Names: []string{"logs-*"}, Privileges: []string{"read"}}},
	}, bob)
	if err != nil || put.JSON200 == nil || !put.JSON200.Role.Created {
		t.Fatalf("%v %s", err, put.Body)
	}

	again, err := w.client.SecurityPutRolePostWithResponse(ctx, "reader", &client.SecurityPutRolePostParams{},
		client.SecurityPutRolePostJSONRequestBody{Cluster: []string{"all"}}, bob)
	if err != nil || again.JSON200 == nil || again.JSON200.Role.Created {
		t.Fatalf("%v %s", err, again.Body)
	}

	one, err := w.client.SecurityGetRoleWithResponse(ctx, "reader", nil, bob)
	if err != nil || one.JSON200 == nil || asJSON((*one.JSON200)["reader"].Cluster) != `["all"]` ||
		(*one.JSON200)["reader"].Description != nil {
		t.Fatalf("%v %s", err, one.Body)
	}

	all, err := w.client.SecurityGetRolesWithResponse(ctx, nil, bob)
	if err != nil || all.JSON200 == nil || len(*all.JSON200) != 34 {
		t.Fatalf("%v %s", err, all.Body)
	}

	deleted, err := w.client.SecurityDeleteRoleWithResponse(ctx, "reader", nil, bob)
	if err != nil || deleted.JSON200 == nil || !deleted.JSON200.Found {
		t.Fatalf("%v %s", err, deleted.Body)
	}

	w.es(bob, "DELETE /_security/role/reader", "").is(http.StatusNotFound, `{"found":false}`)
	w.es(bob, "GET /_security/role/reader", "").is(http.StatusNotFound, `{}`)
}

// Ensures that a role is shown in full, also among names that do not exist, and that one that cannot be is refused.
func TestSecurityRoles_Form(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("all,of%20it", `{"cluster":["monitor"],"index":[{"names":"a","privileges":["read"],"field_security":{"grant":["x*"],"except":["xy"]}}],
		"applications":[{"application":"shop","privileges":["read"],"resources":["*"]}],"run_as":["x"],"metadata":{"n":1.50},"description":"d"}`)
	// The name has a comma, so that it can be put, and given to users, but not read by itself: commas divide names.
	w.role("plain", `{"description":"d","metadata":{"n":1.50}}`)
	w.es(bob, "GET /_security/role/nosuch,plain", "").is(http.StatusOK, `{"plain":{"cluster":[],"indices":[],"applications":[],"run_as":[],"metadata":{"n":1.50},
		"transient_metadata":{"enabled":true},"description":"d"}}`)
	if all := w.es(bob, "GET /_security/role", "").body; !strings.Contains(all, `"all,of it":{`) ||
		!strings.Contains(all, `"field_security":{"except":["xy"],"grant":["x*"]}`) {
		t.Errorf("the roles are %s", all)
	}

	for _, c := range []struct{ name, body, kind, reason string }{
		{"x", `{"cluster":["nosuch"]}`, requestInvalid, "Validation Failed: 1: unknown cluster privilege [nosuch]. …"},
		{"superuser", `{}`, requestInvalid, invalid("Role [superuser] is reserved and may not be used.")},
		{"ece_platform_viewer", `{}`, requestInvalid, invalid("Role [ece_platform_viewer] is reserved and may not be used.")},
		{"x", `{"foo":1}`, "parse_exception", "failed to parse role […"},
		{"x", `{"restriction":{"workflows":["search_application_query"]}}`, "parse_exception",
			"failed to parse role [x]. unexpected field [restriction]"},
		{"%20x", `{}`, illegalArgument, "Role names must be at least 1 and no more than …"},
		{"x", "", "parse_exception", "request body is required"},
	} {
		w.es(bob, "PUT /_security/role/"+c.name, c.body).fails(http.StatusBadRequest, c.kind, c.reason)
	}

	w.es(bob, "DELETE /_security/role/superuser", "").fails(http.StatusBadRequest, illegalArgument,
		"role [superuser] is reserved and cannot be deleted")
}

// Ensures that a key keeps what its owner could do when it was made or changed last, whatever becomes of the role, and
// that it never gets more than that.
func TestSecurityRoles_Snapshot(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("worker", `{"cluster":["manage_own_api_key","monitor"],"description":"d"}`)
	carol := w.native("carol", "worker")
	key := w.esKey(carol, `{"name":"x"}`)
	narrow := w.esKey(carol, `{"name":"narrow","role_descriptors":{"r":{"cluster":["monitor","manage_token"]}}}`)
	limit := func(c credential) string { return asJSON(w.shownKey(bob, c.id, "&with_limited_by=true")["limited_by"]) }
	may := func(caller client.RequestEditorFn) string {
		t.Helper()
		return asJSON(w.es(caller, "POST /_security/user/_has_privileges",
			`{"cluster":["manage_token","monitor","read_ilm"]}`).ok()["cluster"])
	}

	first := limit(key)
	if strings.Contains(first, "description") || !strings.Contains(first, `"worker":`) {
		t.Errorf("the snapshot is %s", first)
	}

	w.role("worker", `{"cluster":["manage_own_api_key","manage_token","read_ilm"]}`)
	const before, after = `{"manage_token":false,"monitor":true,"read_ilm":false}`,
		`{"manage_token":true,"monitor":false,"read_ilm":true}`
	if limit(key) != first || may(key.editor()) != before || may(carol) != after || may(narrow.editor()) != before {
		t.Errorf("after the role was changed: %s, %s, %s, %s", limit(key), may(key.editor()), may(carol),
			may(narrow.editor()))
	}

	w.es(carol, "POST /_security/api_key/_bulk_update", `{"ids":["`+key.id+`","`+narrow.id+`"]}`).is(http.StatusOK,
		`{"updated":["`+key.id+`","`+narrow.id+`"],"noops":[]}`)
	if limit(key) == first || may(key.editor()) != after ||
		may(narrow.editor()) != `{"manage_token":true,"monitor":false,"read_ilm":false}` {
		t.Errorf("after an update: %s, %s, %s", limit(key), may(key.editor()), may(narrow.editor()))
	}

	w.es(carol, "PUT /_security/api_key/"+key.id, "").is(http.StatusOK, `{"updated":false}`)
	w.role("worker", `{"cluster":["manage_own_api_key","manage_token","read_ilm"],"description":"only this is new"}`)
	w.es(carol, "PUT /_security/api_key/"+key.id, "").is(http.StatusOK, `{"updated":false}`)
	w.es(bob, "DELETE /_security/role/worker", "").ok()
	if may(key.editor()) != after || may(carol) != `{"manage_token":false,"monitor":false,"read_ilm":false}` {
		t.Errorf("after the role was deleted: %s, %s", may(key.editor()), may(carol))
	}

	w.es(bob, "PUT /_security/user/carol", `{"roles":["ece_deployment_viewer"]}`).is(http.StatusOK, `{"created":false}`)
	if may(key.editor()) != after {
		t.Errorf("after the user got another role: %s", may(key.editor()))
	}

	w.es(carol, "PUT /_security/api_key/"+key.id, "").is(http.StatusOK, `{"updated":true}`)
	if got := limit(key); !strings.Contains(got, `[{"ece_deployment_viewer":`) || may(key.editor()) != before {
		t.Errorf("after the user's next update: %s, %s", got, may(key.editor()))
	}
}

// Ensures that conditional privileges are shown as they were put, with their empty categories.
func TestSecurityRoles_Global(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const global = `{"application":{},"profile":{"write":{"applications":["kibana-*"]}}}`
	w.role("saver", `{"global":`+global+`}`)
	role, _ := w.es(bob, "GET /_security/role/saver", "").ok()["saver"].(map[string]any)
	if got := asJSON(role["global"]); got != global {
		t.Errorf("got %s", got)
	}
}

// Ensures that roles are put and deleted together, each by itself, and that only an unreadable body is refused.
func TestSecurityRoles_Bulk(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("same", `{"cluster":["monitor"]}`)
	w.role("other", `{"cluster":["monitor"]}`)
	const path = "/_security/role"
	w.es(bob, "POST "+path, `{"roles":{"same":{"cluster":["monitor"]},"other":{"description":"d"},"new":{},"newer":{}}}`).
		is(http.StatusOK, `{"created":["new","newer"],"updated":["other"],"noop":["same"]}`)
	w.es(bob, "POST "+path, `{"roles":{"superuser":{},"last":{}}}`).is(http.StatusOK, `{"created":["last"],"errors":
		{"count":1,"details":{"superuser":{"type":"action_request_validation_exception","reason":
		"Validation Failed: 1: Role [superuser] is reserved and may not be used.;"}}}}`)
	w.es(bob, "POST "+path, `{"roles":{}}`).is(http.StatusOK, `{}`)

	w.es(bob, "DELETE "+path, `{"names":["new","missing","superuser","new"]}`).is(http.StatusOK, `{"deleted":["new"],
		"not_found":["missing"],"errors":{"count":1,"details":{"superuser":{"type":"illegal_argument_exception",
		"reason":"role [superuser] is reserved and cannot be deleted"}}}}`)
	w.es(bob, "DELETE "+path, `{"names":["\u0000","é",""]}`).is(http.StatusOK, `{"not_found":["\u0000","é",""]}`)
	w.es(bob, "GET "+path+"/new,last", "").is(http.StatusOK, `{"last":{"cluster":[],"indices":[],"applications":[],
		"run_as":[],"metadata":{},"transient_metadata":{"enabled":true}}}`)

	const unread = "[1:2] [bulk_update_roles_request_payload] failed to parse field [roles]"
	for _, c := range []struct{ call, body, kind, reason string }{
		{"POST", `{"roles":{"x":{"foo":1}}}`, xcontentParse, unread},
		{"POST", `{"roles":{" x":{}}}`, xcontentParse, unread},
		{"POST", `{"roles":[]}`, xcontentParse, unread},
		{"POST", `{}`, illegalArgument, "Required [roles]"},
		{"POST", ``, "parse_exception", "request body is required"},
		{"DELETE", `{}`, illegalArgument, "Required [names]"},
		{"DELETE", `{"names":["last"],"foo":1}`, xcontentParse,
			"[1:19] [bulk_delete_roles_request] unknown field [foo]"},
	} {
		w.es(bob, c.call+" "+path, c.body).fails(http.StatusBadRequest, c.kind, c.reason)
	}

	carol := w.native("carol", "last")
	const refused = "action [cluster:admin/xpack/security/role/bulk_"
	w.es(carol, "POST "+path, `{"roles":{"x":{}}}`).fails(http.StatusForbidden, securityDenied, refused+"put] …")
	w.es(carol, "DELETE "+path, `{"names":["last"]}`).fails(http.StatusForbidden, securityDenied, refused+"delete] …")
}
