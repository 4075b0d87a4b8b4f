package interop

import "testing"

// Ensures that each client accepts the server as Elasticsearch, and reads its version.
func TestInfo(t *testing.T) {
	each(t, func(d dialog) {
		d.info().want(200,
			`{"name": "sallyport", "cluster_name": "sallyport", "version": {"number": "9.5.0", "build_snapshot": false}}`)
		d.ping().want(200, `{}`)
		d.health().want(200, `{"status": "green", "timed_out": false, "number_of_nodes": 1}`)
	})
}

// Ensures that each client can authenticate in each way, and reads the caller's description.
func TestCallers(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("caller", `["superuser"]`)
		own := d.connect(user)
		own.authenticate().want(200, `{"username": %q, "roles": ["superuser"], "full_name": "Full Name", "email": "a@example.org",
			"metadata": {"n": 1}, "enabled": true, "authentication_type": "realm", "api_key": null,
			"authentication_realm": {"name": "default_native", "type": "native"}, "lookup_realm": {"name": "default_native", "type": "native"}}`, user.user)

		key := own.createKey(`{"name": "caller's"}`).want(200, `{}`)
		byKey := d.connect(connection{apiKey: key.text("encoded")})
		byKey.authenticate().want(200, `{"username": %q, "roles": [], "authentication_type": "api_key", "api_key": {"id": %q, "name": "caller's"},
			"authentication_realm": {"name": "_es_api_key", "type": "_es_api_key"}}`, user.user, key.text("id"))
		byKey.updateKey(key.text("id"), `{}`).wantFailure(400, "illegal_argument_exception")
		own.ownKeys().want(200, `{"api_keys": [{"id": %q}]}`, key.text("id"))
		own.invalidateKeys(`{"owner": true}`).want(200, `{"invalidated_api_keys": [%q]}`, key.text("id"))
		byKey.authenticate().wantFailure(401, "security_exception")

		given := d.getToken(`{"grant_type": "password", "username": "`+user.user+`", "password": "`+user.password+`"}`).
			want(200, `{"type": "Bearer", "authentication": {"username": %q, "authentication_realm": {"type": "native"}}}`,
				user.user)
		byToken := d.connect(connection{token: given.text("access_token")})
		byToken.authenticate().want(200, `{"username": %q, "authentication_type": "token"}`, user.user)
		given = d.getToken(`{"grant_type": "refresh_token", "refresh_token": "`+given.text("refresh_token")+
			`"}`).want(200, `{}`)
		byToken = d.connect(connection{token: given.text("access_token")})
		d.invalidateToken(`{"token": "`+given.text("access_token")+`"}`).want(200,
			`{"invalidated_tokens": 1, "previously_invalidated_tokens": 0, "error_count": 0}`)
		byToken.authenticate().wantFailure(401, "security_exception")
	})
}

// Ensures that each client can act as another user, and then creates and changes that user's keys.
func TestRunAs(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("target", `["superuser"]`)
		how := owner()
		how.runAs = user.user
		as := d.connect(how)
		as.authenticate().want(200, `{"username": %q, "roles": ["superuser"], "authentication_type": "realm"}`, user.user)
		id := as.createKey(`{"name": "made as another"}`).want(200, `{}`).text("id")
		d.getKey(id).want(200, `{"api_keys": [{"username": %q}]}`, user.user)
		d.bulkUpdate(`{"ids": ["`+id+`"], "metadata": {"a": 1}}`).want(200, `{"updated": [], "errors": {"count": 1}}`)
		as.bulkUpdate(`{"ids": ["`+id+`"], "metadata": {"a": 1}}`).want(200, `{"updated": [%q]}`, id)

		powerless := d.newUser("powerless", `["nothing"]`)
		powerless.runAs = user.user
		d.connect(powerless).authenticate().wantFailure(403, "security_exception")
	})
}

// Ensures that each client reads refusals with all their parts, and does not retry them.
func TestFailures(t *testing.T) {
	each(t, func(d dialog) {
		how := d.newUser("refused", `["nothing"]`)
		how.seen = &wire{}
		refused := d.connect(how)
		unknown := d.connect(connection{seen: how.seen})
		unknown.info().want(401, `{"status": 401, "error": {"type": "security_exception",
			"header": {"WWW-Authenticate": ["Basic realm=\"security\", charset=\"UTF-8\"", "Bearer realm=\"security\"", "ApiKey"]}}}`)
		refused.bulkUpdate(`{"ids": ["x"], "role_descriptors": {"r": {"cluster": ["all"], "metadata": {"_a": 1}}}}`).
			wantFailure(400, "action_request_validation_exception")
		refused.bulkUpdate(`{"ids": ["x"], "expiration": "soon"}`).want(400, `{"error": {"type": "x_content_parse_exception",
			"caused_by": {"type": "illegal_argument_exception"}}}`)
		refused.bulkUpdate(`{"ids": ["x"]}`).want(403, `{"error": {"type": "security_exception",
			"reason": "action [cluster:admin/xpack/security/api_key/bulk_update] is unauthorized for user [%s] with effective roles [] (assigned roles [nothing] were not found), this action is granted by the cluster privileges [manage_own_api_key,manage_api_key,manage_security,all]"}}`, how.user)
		d.updateKey("nowhere", `{}`).wantFailure(404, "resource_not_found_exception")
		if n := how.seen.count(); n != 4 {
			t.Errorf("%d requests for 4 calls", n)
		}
	})
}
