package interop

import (
	"encoding/base64"
	"testing"
)

// descriptor is a role descriptor with a value in each of its parts that both versions' types have.
const descriptor = `{
	"cluster": ["monitor", "manage_own_api_key"],
	"indices": [
		{"names": ["logs-*"], "privileges": ["read"], "field_security": {"grant": ["*"], "except": ["secret"]}, "query": "{\"term\":{\"a\":1}}"},
		{"names": ["/x[0-9]+/", "plain"], "privileges": ["all"], "allow_restricted_indices": true}
	],
	"applications": [{"application": "kibana-.kibana", "privileges": ["feature.read"], "resources": ["*"]}],
	"run_as": ["someone"],
	"metadata": {"big": 12345678901234567890},
	"remote_indices": [{"clusters": ["far"], "names": ["logs"], "privileges": ["read"]}],
	"remote_cluster": [{"clusters": ["far*"], "privileges": ["monitor_enrich"]}]
}`

// Ensures that each client can create, find, change, and invalidate a key.
func TestKeys_LifeCycle(t *testing.T) {
	each(t, func(d dialog) {
		name := d.name("life")
		made := d.createKey(`{"name": "` + name + `", "expiration": "30d", "role_descriptors": {"all": ` + descriptor +
			`}, "metadata": {"team": "x", "n": [1.5, null]}}`)
		made.want(200, `{"name": %q}`, name)
		id := made.text("id")
		if encoded := base64.StdEncoding.EncodeToString([]byte(id + ":" +
			made.text("api_key"))); encoded != made.text("encoded") {
			t.Errorf("encoded is %s; want %s", made.text("encoded"), encoded)
		}

		d.getKey(id).want(200, `{"api_keys": [{"id": %q, "name": %q, "type": "rest", "invalidated": false, "username": "demo",
			"realm": "default_native", "realm_type": "native", "metadata": {"team": "x", "n": [1.5, null]},
			"role_descriptors": {"all": %s}, "limited_by": [{"ece_platform_admin": {"cluster": ["all"]}}]}]}`, id, name, descriptor)
		d.keysNamed(name+"*").want(200, `{"api_keys": [{"id": %q}]}`, id)

		d.updateKey(id, `{"metadata": {"team": "y"}}`).want(200, `{"updated": true}`)
		d.updateKey(id, `{"metadata": {"team": "y"}}`).want(200, `{"updated": false}`)
		d.clearCache(id+",unknown").want(200,
			`{"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": "sallyport"}`)

		d.invalidateKeys(`{"ids": ["`+id+`", "unknown"]}`).want(200,
			`{"invalidated_api_keys": [%q], "previously_invalidated_api_keys": [], "error_count": 0, "error_details": null}`, id)
		d.getKey(id).want(200, `{"api_keys": [{"id": %q, "invalidated": true, "metadata": {"team": "y"}}]}`, id)
		d.updateKey(id, `{}`).wantFailure(400, "illegal_argument_exception")
		d.getKey("unknown").want(404, `{"api_keys": []}`)
	})
}

// Ensures that each client reads the result for each key of a bulk update, and that a key is cleared by a body that
// the typed clients can send only raw.
func TestKeys_BulkUpdate(t *testing.T) {
	each(t, func(d dialog) {
		create := func(name string) string {
			return d.createKey(`{"name": "`+d.name(name)+
				`", "metadata": {"a": 1}, "role_descriptors": {"r": {"cluster": ["all"]}}}`).want(200, `{}`).text("id")
		}
		changed, same, gone := create("changed"), create("same"), create("gone")
		d.updateKey(same, `{"metadata": {"a": 2}}`).want(200, `{"updated": true}`)
		d.invalidateKeys(`{"ids": ["`+gone+`"]}`).want(200, `{"error_count": 0}`)

		body := `{"ids": ["` + changed + `", "` + same + `", "` + gone + `", "nowhere"], "metadata": {"a": 2}}`
		d.bulkUpdate(body).want(200, `{"updated": [%q], "noops": [%q], "errors": {"count": 2, "details": {
			%q: {"type": "illegal_argument_exception", "reason": "cannot update invalidated API key [%s]"},
			"nowhere": {"type": "resource_not_found_exception", "reason": "no API key owned by requesting user found for ID [nowhere]"}}}}`,
			changed, same, gone, gone)
		d.bulkUpdate(`{"ids": ["`+changed+`"], "expiration": "2d", "role_descriptors": {"new": `+descriptor+`}}`).
			want(200, `{"updated": [%q], "noops": [], "errors": null}`, changed)
		d.getKey(changed).want(200, `{"api_keys": [{"role_descriptors": {"r": null, "new": %s}}]}`, descriptor)

		d.bulkUpdateRaw(`{"ids": "`+changed+`", "metadata": {}, "role_descriptors": {}}`).want(200,
			`{"updated": [%q], "noops": []}`, changed)
		d.getKey(changed).want(200, `{"api_keys": [{"metadata": {"a": null}, "role_descriptors": {"r": null, "new": null}}]}`)
		d.bulkUpdate(`{"ids": []}`).wantFailure(400, "action_request_validation_exception")
		d.bulkUpdate(`{"ids": ["x"], "expiration": "1.5d"}`).wantFailure(400, "x_content_parse_exception")
	})
}

// Ensures that each client reads global privileges, and a restriction, which is enforced. The typed clients encode
// global privileges as a list, which is refused as by Elasticsearch, so they must send the body raw.
func TestKeys_Global(t *testing.T) {
	each(t, func(d dialog) {
		object := `{"application": {"manage": {"applications": ["kibana-*"]}}}`
		global, body := object, `{"name": "global", "role_descriptors": {"g": {"global": `+object+`}}}`
		if d.typed {
			d.createKey(body).wantFailure(400, "x_content_parse_exception")
			global = `[` + object + `]`
		}
		id := d.createKeyRaw(body).want(200, `{}`).text("id")
		d.getKey(id).want(200, `{"api_keys": [{"role_descriptors": {"g": {"global": %s}}}]}`, global)
		made := d.createKey(`{"name": "restricted", "role_descriptors": {"r": {"restriction": {"workflows": ["search_application_query"]}}}}`)
		d.getKey(made.text("id")).want(200,
			`{"api_keys": [{"role_descriptors": {"r": {"restriction": {"workflows": ["search_application_query"]}}}}]}`)
		d.connect(connection{apiKey: made.text("encoded")}).authenticate().wantFailure(403, "security_exception")
	})
}

// Ensures that each client creates keys for other users, and reads the owner.
func TestKeys_Grant(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("grantee", `["superuser"]`)
		grant := func(rest string) string {
			return `{"grant_type": "password", "username": "` + user.user + `", "password": "` + user.password + `", ` + rest +
				`}`
		}
		id := d.grantKey(grant(`"api_key": {"name": "granted", "expiration": "1h", "metadata": {"k": "v"}}`)).want(200,
			`{"name": "granted"}`).text("id")
		d.getKey(id).want(200,
			`{"api_keys": [{"username": %q, "metadata": {"k": "v"}, "limited_by": [{"superuser": {"cluster": ["all"]}}]}]}`,
			user.user)
		limited := grant(`"api_key": {"name": "granted", "role_descriptors": {"r": {"cluster": ["monitor"]}}}`)
		if d.typed { // they make a list of the descriptors, which is refused as by Elasticsearch
			d.grantKey(limited).wantFailure(400, "x_content_parse_exception")
		}
		id = d.grantKeyRaw(limited).want(200, `{}`).text("id")
		d.getKey(id).want(200, `{"api_keys": [{"role_descriptors": {"r": {"cluster": ["monitor"]}}}]}`)
		d.bulkUpdate(`{"ids": ["`+id+`"]}`).want(200, `{"errors": {"count": 1}}`)

		token := d.getToken(`{"grant_type": "password", "username": "`+user.user+`", "password": "`+user.password+
			`"}`).want(200, `{}`).text("access_token")
		d.grantKey(`{"grant_type": "access_token", "access_token": "`+token+`", "api_key": {"name": "by token"}}`).want(200,
			`{"name": "by token"}`)
	})
}

// Ensures that each client creates, updates, reads and finds cross-cluster keys, which no client can authenticate with.
func TestKeys_CrossCluster(t *testing.T) {
	each(t, func(d dialog) {
		own := d.connect(d.newUser("remote", `["superuser"]`))
		key := own.createCrossClusterKey(`{"name": "remote", "expiration": "1d", "metadata": {"k": "v"},
			"access": {"search": [{"names": ["logs-*"]}], "replication": [{"names": ["archive"]}]}}`).want(200,
			`{"name": "remote"}`)
		id := key.text("id")
		own.getKey(id).want(200, `{"api_keys": [{"type": "cross_cluster", "access": {"search": [{"names": ["logs-*"]}],
			"replication": [{"names": ["archive"]}]}, "role_descriptors": {"cross_cluster":
			{"cluster": ["cross_cluster_search", "monitor_enrich", "cross_cluster_replication"]}}}]}`)
		own.updateCrossClusterKey(id, `{"access": {"search": [{"names": ["metrics"]}]}, "metadata": {"k": "w"}}`).want(200,
			`{"updated": true}`)
		own.updateKey(id, `{"metadata": {}}`).wantFailure(400, "illegal_argument_exception")
		own.queryKeys(`{"query": {"bool": {"filter": [{"term": {"type": "cross_cluster"}}, {"ids": {"values": ["`+id+
			`"]}}]}}}`).want(200, `{"total": 1, "api_keys": [{"id": %q, "metadata": {"k": "w"},
			"access": {"search": [{"names": ["metrics"]}]}}]}`, id)
		d.connect(connection{apiKey: key.text("encoded")}).authenticate().wantFailure(401, "security_exception")
		own.invalidateKeys(`{"ids": ["`+id+`"]}`).want(200, `{"invalidated_api_keys": [%q]}`, id)
	})
}

// Ensures that each client that can clone keys gets a key with the permissions of the other.
func TestKeys_Clone(t *testing.T) {
	each(t, func(d dialog) {
		if d.cloneKey == nil {
			d.Skip("the client has no such operation")
		}
		user := d.newUser("cloner", `["superuser"]`)
		own := d.connect(user)
		key := own.createKey(`{"name": "source", "expiration": "2d", "metadata": {"k": "v"}}`).want(200, `{}`)
		clone := d.cloneKey(`{"api_key": "`+key.text("encoded")+`", "name": "clone", "expiration": "1d"}`).want(200,
			`{"name": "clone"}`)
		d.getKey(clone.text("id")).want(200,
			`{"api_keys": [{"username": %q, "metadata": {"k": "v", "_cloned_from": %q}}]}`, user.user, key.text("id"))
		d.connect(connection{apiKey: clone.text("encoded")}).authenticate().want(200, `{"username": %q}`, user.user)
		d.cloneKey(`{"api_key": "eDp5", "name": "clone"}`).wantFailure(403, "security_exception")
	})
}

// Ensures that each client's queries, sorting, paging and aggregations are understood, and the results decoded.
func TestKeys_Query(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("asker", `["superuser"]`)
		own := d.connect(user)
		for _, body := range []string{
			`{"name": "one", "metadata": {"env": "prod", "n": 1}, "expiration": "10d"}`,
			`{"name": "two", "metadata": {"env": "test", "n": 2}}`,
			`{"name": "three", "metadata": {"env": "prod", "n": 3}}`,
		} {
			own.createKey(body).want(200, `{}`)
		}
		mine := `{"term": {"username": {"value": "` + user.user + `"}}}`
		for query, want := range map[string]string{
			mine: `{"total": 3, "count": 3}`,
			`{"bool": {"filter": [` + mine +
				`], "must_not": [{"prefix": {"name": {"value": "t"}}}]}}`: `{"api_keys": [{"name": "one"}]}`,
			`{"bool": {"filter": [` + mine +
				`, {"exists": {"field": "expiration"}}]}}`: `{"api_keys": [{"name": "one"}]}`,
			`{"bool": {"filter": [` + mine +
				`, {"wildcard": {"name": {"value": "tw*"}}}]}}`: `{"api_keys": [{"name": "two"}]}`,
			`{"bool": {"filter": [` + mine +
				`, {"terms": {"name": ["two", "four"]}}]}}`: `{"api_keys": [{"name": "two"}]}`,
			`{"bool": {"filter": [` + mine +
				`, {"match": {"metadata.env": {"query": "test"}}}]}}`: `{"api_keys": [{"name": "two"}]}`,
			`{"bool": {"filter": [` + mine +
				`, {"range": {"creation": {"gt": "now-1h", "lte": "now+1h"}}}]}}`: `{"total": 3}`,
			`{"bool": {"filter": [` + mine +
				`, {"simple_query_string": {"query": "tw*", "fields": ["name"]}}]}}`: `{"api_keys": [{"name": "two"}]}`,
			`{"bool": {"filter": [` + mine +
				`, {"match_all": {}}], "should": [{"ids": {"values": ["x"]}}], "minimum_should_match": 1}}`: `{"total": 0, "api_keys": []}`,
		} {
			own.queryKeys(`{"query": `+query+`}`).want(200, "%s", want)
		}

		page := own.queryKeys(`{"query": ` + mine + `, "size": 2, "sort": [{"name": {"order": "asc"}}, "creation"]}`)
		page.want(200, `{"total": 3, "count": 2, "api_keys": [{"name": "one"}, {"name": "three"}]}`)
		own.queryKeys(`{"query": `+mine+`, "sort": [{"name": {"order": "asc"}}], "search_after": ["three"]}`).
			want(200, `{"total": 3, "api_keys": [{"name": "two", "_sort": ["two"]}]}`)
		own.queryKeys(`{"query": `+mine+`, "from": 2, "size": 5, "sort": [{"name": {"order": "desc"}}]}`).want(200,
			`{"api_keys": [{"name": "one"}]}`)
		own.queryKeys(`{"query": `+mine+`, "sort": [{"nothing": {}}]}`).wantFailure(400, "illegal_argument_exception")
	})
}

// Ensures that each client reads the aggregations of a query. The typed ones request typed keys, without which they
// could decode nothing.
func TestKeys_Aggregations(t *testing.T) {
	each(t, func(d dialog) {
		user := d.newUser("counter", `["superuser"]`)
		own := d.connect(user)
		for _, body := range []string{`{"name": "a", "metadata": {"env": "p"}}`,
			`{"name": "b", "metadata": {"env": "p"}, "expiration": "10d"}`, `{"name": "c"}`} {
			own.createKey(body).want(200, `{}`)
		}
		mine := `{"term": {"username": {"value": "` + user.user + `"}}}`
		own.queryKeys(`{"size": 0, "query": `+mine+`, "aggs": {
			"envs": {"terms": {"field": "metadata.env"}, "aggs": {"expiring": {"value_count": {"field": "expiration"}}}},
			"names": {"cardinality": {"field": "name"}},
			"eternal": {"missing": {"field": "expiration"}},
			"ages": {"date_range": {"field": "creation", "ranges": [{"from": "now-1h", "key": "new"}]}},
			"times": {"range": {"field": "creation", "ranges": [{"from": 0, "key": "all"}]}},
			"pairs": {"composite": {"size": 2, "sources": [{"name": {"terms": {"field": "name"}}}]}},
			"one": {"filter": {"term": {"name": {"value": "a"}}}},
			"some": {"filters": {"filters": {"b": {"term": {"name": {"value": "b"}}}}}}
		}}`).want(200, `{"total": 3, "aggregations": {
			"envs": {"buckets": [{"key": "p", "doc_count": 2, "expiring": {"value": 1}}]},
			"names": {"value": 3},
			"eternal": {"doc_count": 2},
			"ages": {"buckets": [{"key": "new", "doc_count": 3}]},
			"times": {"buckets": [{"key": "all", "doc_count": 3}]},
			"pairs": {"after_key": {"name": "b"}, "buckets": [{"key": {"name": "a"}, "doc_count": 1}, {"key": {"name": "b"}, "doc_count": 1}]},
			"one": {"doc_count": 1},
			"some": {"buckets": {"b": {"doc_count": 1}}}
		}}`)
	})
}
