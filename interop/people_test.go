package interop

import "testing"

// newUser adds a user with the roles, a JSON list, and returns a connection as that user.
func (d dialog) newUser(beginning, roles string) connection {
	d.Helper()
	c := connection{user: d.name(beginning), password: "a passphrase of " + d.name(beginning)}
	d.putUser(c.user,
		`{"password": "`+c.password+`", "roles": `+roles+
			`, "full_name": "Full Name", "email": "a@example.org", "metadata": {"n": 1}}`).
		want(200, `{"created": true}`)
	return c
}

// Ensures that each client manages roles, with all members of a descriptor.
func TestRoles(t *testing.T) {
	each(t, func(d dialog) {
		name := d.name("role")
		d.getRole(name).want(404, `{}`)
		d.putRole(name, descriptor).want(200, `{"role": {"created": true}}`)
		d.getRole(name).want(200, `{%q: %s}`, name, descriptor)
		more := `{"description": "what it is for", "global": {"application": {"manage": {"applications": ["kibana-*"]}}}}`
		d.putRole(name, more).want(200, `{"role": {"created": false}}`)
		d.getRole(name).want(200, `{%q: %s}`, name, more)
		d.getRole("superuser").want(200, `{"superuser": {"cluster": ["all"], "metadata": {"_reserved": true}}}`)
		d.deleteRole(name).want(200, `{"found": true}`)
		d.deleteRole(name).want(404, `{}`)
		d.putRole(name, `{"cluster": ["no such privilege"]}`).wantFailure(400, "action_request_validation_exception")
	})
}

// Ensures that each client manages role mappings, with all kinds of rules.
func TestRoleMappings(t *testing.T) {
	each(t, func(d dialog) {
		name := d.name("mapping")
		const rules = `{"all": [{"any": [{"field": {"groups": ["a*", "/b.+/"]}}, {"field": {"metadata.saml(n)": [1, true]}}]},
			{"except": {"field": {"realm.name": ["x", "y"]}}}]}`
		d.getRoleMapping(name).want(404, `{}`)
		d.putRoleMapping(name, `{"enabled": true, "roles": ["reader", "writer"], "rules": `+rules+`,
			"metadata": {"n": 1}}`).want(200, `{"role_mapping": {"created": true}}`)
		d.getRoleMapping(name).want(200, `{%q: {"enabled": true, "roles": ["reader", "writer"], "rules": `+rules+`,
			"metadata": {"n": 1}}}`, name)
		d.putRoleMapping(name, `{"enabled": false, "roles": ["reader"], "rules": {"field": {"username": ["a", "b"]}}}`).
			want(200, `{"role_mapping": {"created": false}}`)
		d.getRoleMapping(name).want(200, `{%q: {"enabled": false, "roles": ["reader"]}}`, name)
		d.putRoleMapping(name, `{"enabled": true, "roles": ["ece_platform_admin"], "rules": {"field": {"dn": ["a", "b"]}}}`).
			wantFailure(400, "action_request_validation_exception")
		d.deleteRoleMapping(name).want(200, `{"found": true}`)
		d.deleteRoleMapping(name).want(404, `{}`)
	})
}

// Ensures that each client activates profiles, and reads, finds and changes them.
func TestProfiles(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("profile", `["superuser"]`)
		credentials := `{"grant_type": "password", "username": "` + user.user + `", "password": "` + user.password + `"}`
		activated := d.activateProfile(credentials).want(200, `{"enabled": true, "labels": {}, "data": {},
			"user": {"username": %q, "roles": ["superuser"], "realm_name": "default_native", "full_name": "Full Name",
			"email": "a@example.org"}, "_doc": {"_primary_term": 1, "_seq_no": 0}}`, user.user)
		uid := activated.text("uid")
		d.activateProfile(`{"grant_type": "password", "username": "`+user.user+`", "password": "wrong"}`).
			wantFailure(401, "security_exception")

		const change = `{"labels": {"team": {"name": "a"}}, "data": {"app": {"theme": "dark"}, "other": {"n": 1}}}`
		d.updateProfile(uid, change).want(200, `{"acknowledged": true}`)
		d.updateProfile("u_unknown_0", change).wantFailure(404, "document_missing_exception")
		d.getProfile(uid, "app").want(200, `{"profiles": [{"uid": %q, "labels": {"team": {"name": "a"}},
			"data": {"app": {"theme": "dark"}}, "_doc": {"_primary_term": 1, "_seq_no": 1}}]}`, uid)
		d.getProfile("u_unknown_0", "*").want(200, `{"profiles": [], "errors": {"count": 1,
			"details": {"u_unknown_0": {"type": "resource_not_found_exception"}}}}`)

		search := `{"name": "` + user.user + `", "size": 1, "hint": {"uids": ["` + uid + `"], "labels": {"team.name": ["a"]}}}`
		d.suggestProfiles(search).want(200, `{"profiles": [{"uid": %q, "user": {"username": %q}}]}`, uid, user.user)
		d.disableProfile(uid).want(200, `{"acknowledged": true}`)
		question := `{"uids": ["` + uid + `"], "privileges": {"cluster": ["monitor"]}}`
		d.profilePrivileges(question).want(200, `{"has_privilege_uids": []}`)
		d.enableProfile(uid).want(200, `{"acknowledged": true}`)
		d.profilePrivileges(question).want(200, `{"has_privilege_uids": [%q]}`, uid)

		own := d.connect(user)
		id := own.createKey(`{"name": "of a profile"}`).want(200, `{}`).text("id")
		own.getKey(id).want(200, `{"api_keys": [{"profile_uid": %q}]}`, uid)
	})
}

// Ensures that each client puts, finds and deletes many roles, finds users, and clears caches.
func TestManyRoles(t *testing.T) {
	each(t, func(d dialog) {
		first, second, user := d.name("many-a"), d.name("many-b"), d.newUser("found", `["finder"]`)
		d.bulkPutRoles(`{"roles": {"`+first+`": {"description": "d"}, "superuser": {}}}`).want(200, `{"created": [%q],
			"errors": {"count": 1, "details": {"superuser": {"type": "action_request_validation_exception"}}}}`, first)
		d.bulkPutRoles(`{"roles": {"`+first+`": {"description": "d"}, "`+second+`": `+descriptor+`}}`).want(200,
			`{"created": [%q], "noop": [%q]}`, second, first)
		d.queryRoles(`{"query": {"terms": {"name": ["`+first+`", "`+second+`"]}}, "sort": ["name"], "size": 1}`).want(200,
			`{"total": 2, "count": 1, "roles": [{"name": %q, "description": "d", "_sort": [%q]}]}`, first, first)
		d.bulkDeleteRoles(`{"names": ["`+second+`", "`+first+`", "unknown"]}`).want(200,
			`{"deleted": [%q, %q], "not_found": ["unknown"]}`, second, first)

		d.queryUsers(`{"query": {"term": {"username": "`+user.user+`"}}}`).want(200, `{"total": 1, "count": 1,
			"users": [{"username": %q, "roles": ["finder"], "full_name": "Full Name", "enabled": true}]}`, user.user)

		const cleared = `{"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": "sallyport"}`
		d.clearRoles(first).want(200, cleared)
		d.clearRealms("default_native").want(200, cleared)
		d.clearPrivileges("shop").want(200, cleared)
	})
}

// Ensures that each client manages users, which can or cannot sign in accordingly.
func TestUsers(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("user", `["superuser", "undefined"]`)
		d.getUser(user.user).want(200, `{%q: {"username": %q, "roles": ["superuser", "undefined"], "full_name": "Full Name",
			"email": "a@example.org", "metadata": {"n": 1}, "enabled": true}}`, user.user, user.user)
		d.connect(user).ping().want(200, `{}`)

		d.disableUser(user.user).want(200, `{}`)
		d.getUser(user.user).want(200, `{%q: {"enabled": false}}`, user.user)
		d.connect(user).authenticate().wantFailure(401, "security_exception")
		d.enableUser(user.user).want(200, `{}`)

		user.password = "another passphrase"
		d.changePassword(user.user, `{"password": "`+user.password+`"}`).want(200, `{}`)
		d.connect(user).authenticate().want(200, `{"username": %q}`, user.user)
		d.putUser(user.user, `{"roles": ["nothing"]}`).want(200, `{"created": false}`)
		d.connect(user).info().wantFailure(403, "security_exception")

		d.deleteUser(user.user).want(200, `{"found": true}`)
		d.deleteUser(user.user).want(404, `{}`)
		d.getUser(user.user).want(404, `{}`)
	})
}

// Ensures that each client manages application privileges, and checks a caller's.
func TestPrivileges(t *testing.T) {
	each(t, func(d dialog) {
		application, role := d.name("app"), d.name("reader")
		d.putPrivileges(`{"`+application+`": {"read": {"actions": ["data:read/*"], "metadata": {"k": 1}}}}`).want(200,
			`{%q: {"read": {"created": true}}}`, application)
		d.getPrivilege(application, "read").want(200, `{%q: {"read": {"actions": ["data:read/*"], "metadata": {"k": 1}}}}`,
			application)
		d.putRole(role, `{"cluster": ["monitor"], "indices": [{"names": ["logs-*"], "privileges": ["read"]}],
			"applications": [{"application": "`+application+`", "privileges": ["read"], "resources": ["*"]}]}`).want(200, `{}`)

		user := d.newUser("questioner", `["`+role+`"]`)
		own := d.connect(user)
		own.hasPrivileges(`{"cluster": ["monitor", "all"], "index": [{"names": ["logs-1", "x"], "privileges": ["read", "write"]}],
			"application": [{"application": "`+application+`", "privileges": ["data:read/me", "read"], "resources": ["r"]}]}`).
			want(200, `{"username": %q, "has_all_requested": false, "cluster": {"monitor": true, "all": false},
				"index": {"logs-1": {"read": true, "write": false}, "x": {"read": false, "write": false}},
				"application": {%q: {"r": {"data:read/me": true, "read": true}}}}`, user.user, application)
		own.userPrivileges().want(200, `{"cluster": ["monitor"], "global": [], "run_as": [],
			"indices": [{"names": ["logs-*"], "privileges": ["read"], "allow_restricted_indices": false}],
			"applications": [{"application": %q, "privileges": ["read"], "resources": ["*"]}]}`, application)
		d.userPrivileges().want(200, `{"cluster": ["all"], "run_as": ["*"]}`)
		d.builtinPrivileges().want(200, `{"remote_cluster": ["monitor_enrich", "monitor_stats"]}`)

		d.deletePrivilege(application, "read").want(200, `{%q: {"read": {"found": true}}}`, application)
		d.getPrivilege(application, "read").want(404, `{}`)
		d.deletePrivilege(application, "read").want(404, `{}`)
	})
}
