package conformance

import (
	"encoding/base64"
	"maps"
	"net/http"
	"reflect"
)

// finds returns a case in which a query succeeds, without a body too, and counts what it returns.
func finds(operation, list string) Case {
	return Case{
		Operation: operation,
		Name:      "counts",
		check: func(p *probe) {
			r := p.call(operation, request{}).is(http.StatusOK)
			r.equal("/count", len(r.column("/"+list, "name")))
		},
	}
}

// sorts returns a case in which a query finds two records of a name, in the order that it asks for.
func sorts(operation, list, field string, create func(p *probe, name string)) Case {
	return Case{
		Operation: operation,
		Name:      "sorts",
		Writes:    true,
		check: func(p *probe) {
			base := p.name()
			first, second := base+"-a", base+"-b"
			create(p, second)
			create(p, first)
			for order, want := range map[string][]any{"asc": {first, second}, "desc": {second, first}} {
				r := p.call(operation, request{body: object{
					"query": object{"prefix": object{field: base}},
					"sort":  []any{object{field: object{"order": order}}},
				}}).is(http.StatusOK).equal("/total", 2).equal("/count", 2)
				if got := r.column("/"+list, field); !reflect.DeepEqual(got, want) {
					p.differs("%s: sorted %s: the names are %v; %v was expected", r.place(), order, got, want)
				}
			}
		},
	}
}

// key is an API key that a case made.
type key struct{ id, name, encoded string }

// newKey makes an API key of the caller. A caller that is an API key cannot make one with privileges.
func newKey(p *probe, operation, name string, more object) key {
	if p.options.APIKey != "" {
		p.skip("the credentials are an API key, and cannot make keys with privileges")
	}
	p.later("the API key "+name, "security-invalidate-api-keys", request{body: object{"name": name, "owner": true}})
	body := object{"name": name}
	maps.Copy(body, more)
	r := p.call(operation, request{body: body}).is(http.StatusOK).equal("/name", name)
	id, encoded := r.text("/id"), r.secretText("/encoded")
	secret := r.secretText("/api_key")
	if encoded != base64.StdEncoding.EncodeToString([]byte(id+":"+secret)) {
		p.differs("%s: \"/encoded\" is not the id and the key in Base64, with a colon between", r.place())
	}
	return key{id, name, encoded}
}

// works compares whether credentials authenticate a caller.
func works(p *probe, as credentials, want bool) {
	if want {
		p.call("security-authenticate", request{as: as}).is(http.StatusOK)
		return
	}
	p.call("security-authenticate", request{as: as}).fails(http.StatusUnauthorized, "security_exception")
}

var keyCases = collect(
	twins("security-create-api-key", "security-create-api-key-put", func(operation string) Case {
		return Case{Operation: operation, Name: "creates", Writes: true, check: func(p *probe) {
			k := newKey(p, operation, p.name(), object{"expiration": "1d", "metadata": object{"n": 1}})
			works(p, apiKey(k.encoded), true)
		}}
	}),
	twins("security-create-api-key", "security-create-api-key-put", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-no-name", Writes: true, check: func(p *probe) {
			p.call(operation, request{body: object{}}).fails(http.StatusBadRequest)
		}}
	}),
	twins("security-grant-api-key", "security-grant-api-key-put", func(operation string) Case {
		return Case{Operation: operation, Name: "grants", Writes: true, check: func(p *probe) {
			user, password := newUser(p, "security-put-user", object{"roles": []string{"superuser"}})
			name := p.name()
			p.later("the API key "+name, "security-invalidate-api-keys", request{body: object{"name": name}})
			r := p.call(operation, request{body: object{"grant_type": "password", "username": user, "password": password,
				"api_key": object{"name": name}}}).is(http.StatusOK).equal("/name", name)
			r.secretText("/api_key")
			p.call("security-authenticate", request{as: apiKey(r.secretText("/encoded"))}).is(http.StatusOK).
				equal("/username", user)
		}}
	}),
	twins("security-grant-api-key", "security-grant-api-key-put", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-unknown-grant", Writes: true, check: func(p *probe) {
			p.call(operation, request{body: object{"grant_type": "unknown", "api_key": object{"name": p.name()}}}).
				fails(http.StatusBadRequest)
		}}
	}),
	[]Case{
		reads("security-get-api-keys", "lists-own", request{query: "owner=true"}),
		{Operation: "security-get-api-keys", Name: "shows-created", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), object{"metadata": object{"n": 1}})
			p.call("security-get-api-keys", request{query: "id=" + k.id}).is(http.StatusOK).
				equal("/api_keys/0/id", k.id).equal("/api_keys/0/name", k.name).equal("/api_keys/0/invalidated", false).
				equal("/api_keys/0/type", "rest").equal("/api_keys/0/metadata/n", 1)
		}},
		{Operation: "security-get-api-keys", Name: "refuses-owner-with-username", check: func(p *probe) {
			p.call("security-get-api-keys", request{query: "owner=true&username=other"}).
				fails(http.StatusBadRequest, "action_request_validation_exception")
		}},
		{Operation: "security-update-api-key", Name: "updates", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), nil)
			change := request{path: []string{k.id}, body: object{"metadata": object{"n": 2}}}
			p.call("security-update-api-key", change).is(http.StatusOK).equal("/updated", true)
			p.call("security-update-api-key", change).is(http.StatusOK).equal("/updated", false)
			p.call("security-get-api-keys", request{query: "id=" + k.id}).is(http.StatusOK).
				equal("/api_keys/0/metadata/n", 2)
		}},
		{Operation: "security-update-api-key", Name: "refuses-invalidated", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), nil)
			p.call("security-invalidate-api-keys", request{body: object{"ids": []string{k.id}}}).is(http.StatusOK)
			p.call("security-update-api-key", request{path: []string{k.id}, body: object{"metadata": object{"n": 2}}}).
				fails(http.StatusBadRequest)
		}},
		{Operation: "security-bulk-update-api-keys", Name: "updates", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), nil)
			missing := p.name()
			change := request{body: object{"ids": []string{k.id, missing}, "metadata": object{"n": 2}}}
			r := p.call("security-bulk-update-api-keys", change).is(http.StatusOK)
			r.equal("/updated", []any{k.id}).equal("/noops", []any{}).equal("/errors/count", 1).
				equal("/errors/details/"+missing+"/type", "resource_not_found_exception")
			p.call("security-bulk-update-api-keys", change).is(http.StatusOK).
				equal("/updated", []any{}).equal("/noops", []any{k.id})
		}},
		{Operation: "security-bulk-update-api-keys", Name: "refuses-no-ids", Writes: true, check: func(p *probe) {
			p.call("security-bulk-update-api-keys", request{body: object{"metadata": object{"n": 2}}}).
				fails(http.StatusBadRequest)
		}},
		{Operation: "security-invalidate-api-keys", Name: "invalidates", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), nil)
			works(p, apiKey(k.encoded), true)
			by := request{body: object{"ids": []string{k.id}}}
			p.call("security-invalidate-api-keys", by).is(http.StatusOK).equal("/invalidated_api_keys", []any{k.id}).
				equal("/previously_invalidated_api_keys", []any{}).equal("/error_count", 0)
			works(p, apiKey(k.encoded), false)
			p.call("security-invalidate-api-keys", by).is(http.StatusOK).equal("/invalidated_api_keys", []any{})
			p.call("security-get-api-keys", request{query: "id=" + k.id}).is(http.StatusOK).
				equal("/api_keys/0/invalidated", true)
		}},
		{Operation: "security-invalidate-api-keys", Name: "refuses-no-choice", Writes: true, check: func(p *probe) {
			p.call("security-invalidate-api-keys", request{body: object{}}).
				fails(http.StatusBadRequest, "action_request_validation_exception")
		}},
	},
)

// crossClusterAccess is what a cross-cluster key may be used for.
func crossClusterAccess(index string) object {
	return object{"search": []any{object{"names": []string{index}}}}
}

// newCrossClusterKey makes a cross-cluster key, and returns its id.
func newCrossClusterKey(p *probe) (id string) {
	name := p.name()
	p.later("the API key "+name, "security-invalidate-api-keys", request{body: object{"name": name, "owner": true}})
	r := p.call("security-create-cross-cluster-api-key",
		request{body: object{"name": name, "access": crossClusterAccess("logs-*")}}).is(http.StatusOK).equal("/name", name)
	r.secretText("/encoded")
	r.secretText("/api_key")
	return r.text("/id")
}

var crossClusterCases = []Case{
	{Operation: "security-create-cross-cluster-api-key", Name: "creates", Writes: true, check: func(p *probe) {
		id := newCrossClusterKey(p)
		p.call("security-get-api-keys", request{query: "id=" + id}).is(http.StatusOK).
			equal("/api_keys/0/type", "cross_cluster").equal("/api_keys/0/access/search/0/names", []any{"logs-*"})
	}},
	{Operation: "security-create-cross-cluster-api-key", Name: "refuses-no-access", Writes: true, check: func(p *probe) {
		name := p.name()
		p.later("the API key "+name, "security-invalidate-api-keys", request{body: object{"name": name, "owner": true}})
		p.call("security-create-cross-cluster-api-key", request{body: object{"name": name}}).fails(http.StatusBadRequest)
	}},
	{Operation: "security-update-cross-cluster-api-key", Name: "updates", Writes: true, check: func(p *probe) {
		id := newCrossClusterKey(p)
		change := request{path: []string{id}, body: object{"access": crossClusterAccess("metrics-*")}}
		p.call("security-update-cross-cluster-api-key", change).is(http.StatusOK).equal("/updated", true)
		p.call("security-update-cross-cluster-api-key", change).is(http.StatusOK).equal("/updated", false)
		p.call("security-get-api-keys", request{query: "id=" + id}).is(http.StatusOK).
			equal("/api_keys/0/access/search/0/names", []any{"metrics-*"})
	}},
}

// createKey makes an API key for a query.
func createKey(p *probe, name string) { newKey(p, "security-create-api-key", name, nil) }

func createRole(p *probe, name string) { newRole(p, "security-put-role", name) }

func createUser(p *probe, name string) {
	p.later("the user "+name, "security-delete-user", request{path: []string{name}})
	p.call("security-put-user", request{path: []string{name}, body: object{
		"password": p.password(), "roles": []string{},
	}}).is(http.StatusOK)
}

// refusesDeep returns a case in which a query asks for more than can be paged through.
func refusesDeep(operation string) Case {
	return Case{Operation: operation, Name: "refuses-deep-page", check: func(p *probe) {
		p.call(operation, request{body: object{"from": 9999, "size": 2}}).fails(http.StatusBadRequest)
	}}
}

var queryCases = collect(
	twins("security-query-api-keys", "security-query-api-keys-get", func(operation string) Case {
		return finds(operation, "api_keys")
	}),
	twins("security-query-api-keys", "security-query-api-keys-get", func(operation string) Case {
		return sorts(operation, "api_keys", "name", createKey)
	}),
	twins("security-query-api-keys", "security-query-api-keys-get", refusesDeep),
	twins("security-query-roles", "security-query-roles-get", func(operation string) Case {
		return finds(operation, "roles")
	}),
	twins("security-query-roles", "security-query-roles-get", func(operation string) Case {
		return sorts(operation, "roles", "name", createRole)
	}),
	twins("security-query-users", "security-query-users-get", func(operation string) Case {
		return finds(operation, "users")
	}),
	twins("security-query-users", "security-query-users-get", func(operation string) Case {
		return sorts(operation, "users", "username", createUser)
	}),
	[]Case{
		{Operation: "security-query-api-keys", Name: "aggregates", Writes: true, check: func(p *probe) {
			base := p.name()
			createKey(p, base+"-a")
			createKey(p, base+"-b")
			p.call("security-query-api-keys", request{body: object{
				"size":  0,
				"query": object{"prefix": object{"name": base}},
				"aggs":  object{"states": object{"terms": object{"field": "invalidated"}}},
			}, query: "typed_keys=false"}).is(http.StatusOK).
					equal("/total", 2).equal("/aggregations/states/buckets/0/doc_count", 2)
		}},
	},
)
