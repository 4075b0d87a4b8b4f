package interop

import "testing"

// Ensures that each client lists service accounts, and creates, uses, finds, and deletes their tokens.
func TestServiceTokens(t *testing.T) {
	each(t, func(d dialog) {
		const account = "elastic/fleet-server"
		d.serviceAccounts("elastic", "auto-ops").want(200, `{"elastic/auto-ops": {"role_descriptor": {
			"cluster": ["monitor", "read_ilm", "read_slm"], "indices": [{"names": ["*"], "allow_restricted_indices": true,
			"privileges": ["monitor", "view_index_metadata"]}], "transient_metadata": {"enabled": true}}}}`)
		if found := d.serviceAccounts("elastic", "fleet-server"); found.at(account, "role_descriptor", "cluster") == nil {
			d.Errorf("%s is not found: %s", account, found.body)
		}

		name := d.name("token")
		made := d.createServiceToken(name).want(200, `{"created": true, "token": {"name": %q}}`, name)
		secret, _ := made.at("token", "value").(string)
		own := d.connect(connection{token: secret})
		own.authenticate().want(200, `{"username": %q, "roles": [], "authentication_type": "token",
			"authentication_realm": {"name": "_service_account", "type": "_service_account"},
			"token": {"name": %q, "type": "_service_account_index"}}`, account, name)
		own.serviceCredentials().wantFailure(403, "security_exception")

		d.createServiceToken(name).wantFailure(409, "version_conflict_engine_exception")
		found := d.serviceCredentials().want(200, `{"service_account": %q, "nodes_credentials": {"file_tokens": {}}}`, account)
		if found.at("tokens", name) == nil {
			d.Errorf("%s is not found: %s", name, found.body)
		}

		d.clearServiceTokens(name).want(200,
			`{"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": "sallyport"}`)
		own.authenticate().want(200, `{"username": %q}`, account)
		d.deleteServiceToken(name).want(200, `{"found": true}`)
		own.authenticate().wantFailure(401, "security_exception")
		d.deleteServiceToken(name).want(404, `{}`)
		if left := d.serviceCredentials(); left.at("tokens", name) != nil {
			d.Errorf("%s is still found: %s", name, left.body)
		}
	})
}

// Ensures that each client reads the settings, and those of version 9 the statistics.
func TestSettings(t *testing.T) {
	each(t, func(d dialog) {
		settings := d.settings().want(200, `{}`)
		for _, index := range []string{"security", "security-profile", "security-tokens"} {
			if settings.at(index) == nil {
				d.Errorf("no %s in %s", index, settings.body)
			}
		}
		powerless := d.connect(d.newUser("unsettled", `["nothing"]`))
		powerless.settings().wantFailure(403, "security_exception")

		if d.stats == nil {
			return
		}
		nodes, _ := d.stats().want(200, `{}`).at("nodes").(map[string]any)
		if len(nodes) != 1 {
			d.Errorf("%d nodes: %v", len(nodes), nodes)
		}
		for _, node := range nodes {
			if difference := compare("node", node, parse(d.T,
				[]byte(`{"roles": {"dls": {"bit_set_cache": {"count": 0, "memory": "0b", "hits": 0}}}}`))); difference != "" {
				d.Error(difference)
			}
		}
		powerless.stats().wantFailure(403, "security_exception")
	})
}
