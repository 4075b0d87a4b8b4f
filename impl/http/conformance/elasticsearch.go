package conformance

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/sallyport/sallyport/impl/http/contract"
)

// unauthenticatedPage is where Elasticsearch's documentation says how a request without credentials is refused.
const unauthenticatedPage = "https://www.elastic.co/guide/en/elasticsearch/reference/8.19/http-clients.html"

// withoutCredentials returns the case that an operation refuses callers without credentials.
func withoutCredentials(op *contract.Operation) Case {
	c := Case{
		Operation: op.ID,
		Name:      "without-credentials",
		Writes:    op.Method != http.MethodGet && op.Method != http.MethodHead,
		check: func(p *probe) {
			r := p.call(op.ID, request{as: nothing})
			switch {
			case op.Method == http.MethodHead:
				r.is(http.StatusUnauthorized)
			case p.family == ECE:
				r.fails(http.StatusUnauthorized)
			default:
				r.fails(http.StatusUnauthorized, "security_exception")
			}
			if p.family == Elasticsearch && r.header.Get("WWW-Authenticate") == "" {
				p.differs("%s: there is no header WWW-Authenticate", r.place())
			}
		},
	}
	if FamilyOf(op.Path) == Elasticsearch {
		c.Page = unauthenticatedPage
	}
	return c
}

// reads returns a case in which an operation that changes nothing succeeds.
func reads(operation, name string, r request) Case {
	return Case{
		Operation: operation,
		Name:      name,
		check:     func(p *probe) { p.call(operation, r).is(http.StatusOK) },
	}
}

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

// twins returns a case for each of two operations that are the same, except for their method.
func twins(first, second string, c func(operation string) Case) []Case {
	return []Case{c(first), c(second)}
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

// newUser makes a user of Elasticsearch's, and returns the name and the password.
func newUser(p *probe, operation string, members object) (name, password string) {
	name, password = p.name(), p.password()
	p.later("the user "+name, "security-delete-user", request{path: []string{name}})
	body := object{"password": password, "roles": []string{}, "full_name": "A. B.", "email": "a@example.org",
		"metadata": object{"n": 1}}
	maps.Copy(body, members)
	p.call(operation, request{path: []string{name}, body: body}).is(http.StatusOK).equal("/created", true)
	return name, password
}

// newRole makes a role, and returns its name.
func newRole(p *probe, operation, name string) string {
	p.later("the role "+name, "security-delete-role", request{path: []string{name}})
	p.call(operation, request{path: []string{name}, body: object{
		"cluster":  []string{"monitor"},
		"indices":  []any{object{"names": []string{"logs-*"}, "privileges": []string{"read"}}},
		"metadata": object{"n": 1},
	}}).is(http.StatusOK).equal("/role/created", true)
	return name
}

// newPrivilege makes an application privilege, and returns the names of the application and the privilege.
func newPrivilege(p *probe, operation string) (application, name string) {
	application, name = strings.ReplaceAll(p.name(), "-", ""), "read"
	p.later("the privileges of "+application, "security-delete-application-privileges",
		request{path: []string{application, name}})
	r := p.call(operation, request{body: object{application: object{name: object{"actions": []string{"data:read/*"}}}}})
	r.is(http.StatusOK).equal("/"+application+"/"+name+"/created", true)
	return application, name
}

// elasticsearchCases are the cases of Elasticsearch's operations.
var elasticsearchCases = collect(
	clusterCases, callerCases, keyCases, crossClusterCases, queryCases, userCases, roleCases, mappingCases,
	privilegeCases, tokenCases, serviceCases, cacheCases,
)

func collect(lists ...[]Case) (all []Case) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

var clusterCases = []Case{
	{Operation: "info", Name: "describes", check: func(p *probe) {
		r := p.call("info", request{}).is(http.StatusOK)
		if number := r.text("/version/number"); !strings.HasPrefix(number, p.version+".") {
			p.differs("%s: \"/version/number\" is not one of %s", r.place(), p.version)
		}
	}},
	{Operation: "ping", Name: "answers", check: func(p *probe) { p.call("ping", request{}).is(http.StatusOK) }},
	reads("cluster-health", "reports", request{}),
}

var callerCases = collect(
	[]Case{
		{Operation: "security-authenticate", Name: "describes-user", check: func(p *probe) {
			if p.options.APIKey != "" {
				p.skip("the credentials are an API key")
			}
			p.call("security-authenticate", request{}).is(http.StatusOK).equal("/username", p.options.Username).
				equal("/authentication_type", "realm").equal("/enabled", true)
		}},
		{Operation: "security-authenticate", Name: "describes-key", Writes: true, check: func(p *probe) {
			k := newKey(p, "security-create-api-key", p.name(), nil)
			p.call("security-authenticate", request{as: apiKey(k.encoded)}).is(http.StatusOK).
				equal("/authentication_type", "api_key").equal("/api_key/id", k.id).equal("/api_key/name", k.name)
		}},
		reads("security-get-user-privileges", "lists", request{}),
	},
	twins("security-has-privileges", "security-has-privileges-get", func(operation string) Case {
		return Case{Operation: operation, Name: "compares", check: func(p *probe) {
			p.call(operation, request{body: object{
				"cluster": []string{"monitor"},
				"index":   []any{object{"names": []string{"a"}, "privileges": []string{"read"}}},
				"application": []any{object{
					"application": "conformance", "privileges": []string{"data:read/*"}, "resources": []string{"r"},
				}},
			}}).is(http.StatusOK)
		}}
	}),
	twins("security-has-user-privileges", "security-has-user-privileges-get", func(operation string) Case {
		return Case{Operation: operation, Name: "compares", check: func(p *probe) {
			r := p.call("security-authenticate", request{}).is(http.StatusOK)
			name := r.text("/username")
			p.call(operation, request{path: []string{name}, body: object{"cluster": []string{"monitor"}}}).
				is(http.StatusOK).equal("/username", name)
		}}
	}),
	twins("security-has-privileges", "security-has-privileges-get", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-no-body", check: func(p *probe) {
			p.call(operation, request{}).fails(http.StatusBadRequest)
		}}
	}),
)

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

var userCases = collect(
	twins("security-put-user", "security-put-user-post", func(operation string) Case {
		return Case{Operation: operation, Name: "creates-and-changes", Writes: true, check: func(p *probe) {
			name, password := newUser(p, operation, nil)
			works(p, basic(name, password), true)
			p.call(operation, request{path: []string{name}, body: object{"roles": []string{}, "full_name": "C. D."}}).
				is(http.StatusOK).equal("/created", false)
			p.call("security-get-user", request{path: []string{name}}).is(http.StatusOK).
				equal("/"+name+"/username", name).equal("/"+name+"/full_name", "C. D.").equal("/"+name+"/enabled", true)
		}}
	}),
	twins("security-put-user", "security-put-user-post", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-no-password", Writes: true, check: func(p *probe) {
			name := p.name()
			p.later("the user "+name, "security-delete-user", request{path: []string{name}})
			p.call(operation, request{path: []string{name}, body: object{"roles": []string{}}}).
				fails(http.StatusBadRequest)
		}}
	}),
	[]Case{
		reads("security-get-users", "lists", request{}),
		{Operation: "security-get-user", Name: "shows-created", Writes: true, check: func(p *probe) {
			name, _ := newUser(p, "security-put-user", nil)
			p.call("security-get-user", request{path: []string{name}}).is(http.StatusOK).
				equal("/"+name+"/email", "a@example.org").equal("/"+name+"/metadata/n", 1).
				equal("/"+name+"/roles", []any{})
		}},
		{Operation: "security-get-user", Name: "not-found", check: func(p *probe) {
			p.call("security-get-user", request{}).is(http.StatusNotFound)
		}},
		{Operation: "security-delete-user", Name: "deletes", Writes: true, check: func(p *probe) {
			name, password := newUser(p, "security-put-user", nil)
			p.call("security-delete-user", request{path: []string{name}}).is(http.StatusOK).equal("/found", true)
			p.call("security-delete-user", request{path: []string{name}}).is(http.StatusNotFound).equal("/found", false)
			works(p, basic(name, password), false)
		}},
	},
	twins("security-disable-user", "security-disable-user-post", func(operation string) Case {
		return Case{Operation: operation, Name: "disables", Writes: true, check: func(p *probe) {
			name, password := newUser(p, "security-put-user", nil)
			p.call(operation, request{path: []string{name}}).is(http.StatusOK)
			works(p, basic(name, password), false)
			p.call("security-get-user", request{path: []string{name}}).is(http.StatusOK).equal("/"+name+"/enabled", false)
		}}
	}),
	twins("security-enable-user", "security-enable-user-post", func(operation string) Case {
		return Case{Operation: operation, Name: "enables", Writes: true, check: func(p *probe) {
			name, password := newUser(p, "security-put-user", object{"enabled": false})
			p.call(operation, request{path: []string{name}}).is(http.StatusOK)
			works(p, basic(name, password), true)
		}}
	}),
	twins("security-change-password", "security-change-password-post", func(operation string) Case {
		return Case{Operation: operation, Name: "changes", Writes: true, check: func(p *probe) {
			name, old := newUser(p, "security-put-user", nil)
			changed := p.password()
			p.call(operation, request{path: []string{name}, body: object{"password": changed}}).is(http.StatusOK)
			works(p, basic(name, old), false)
			works(p, basic(name, changed), true)
		}}
	}),
	twins("security-change-own-password", "security-change-own-password-post", func(operation string) Case {
		return Case{Operation: operation, Name: "changes", Writes: true, check: func(p *probe) {
			name, old := newUser(p, "security-put-user", nil)
			changed := p.password()
			p.call(operation, request{body: object{"password": changed}, as: basic(name, old)}).is(http.StatusOK)
			works(p, basic(name, old), false)
			works(p, basic(name, changed), true)
		}}
	}),
)

var roleCases = collect(
	twins("security-put-role", "security-put-role-post", func(operation string) Case {
		return Case{Operation: operation, Name: "creates-and-changes", Writes: true, check: func(p *probe) {
			name := newRole(p, operation, p.name())
			p.call(operation, request{path: []string{name}, body: object{"cluster": []string{"all"}}}).
				is(http.StatusOK).equal("/role/created", false)
			p.call("security-get-role", request{path: []string{name}}).is(http.StatusOK).
				equal("/"+name+"/cluster", []any{"all"}).equal("/"+name+"/indices", []any{})
		}}
	}),
	twins("security-put-role", "security-put-role-post", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-unknown-privilege", Writes: true, check: func(p *probe) {
			name := p.name()
			p.later("the role "+name, "security-delete-role", request{path: []string{name}})
			p.call(operation, request{path: []string{name}, body: object{"cluster": []string{"unknown_privilege"}}}).
				fails(http.StatusBadRequest)
		}}
	}),
	[]Case{
		reads("security-get-roles", "lists", request{}),
		{Operation: "security-get-role", Name: "shows-created", Writes: true, check: func(p *probe) {
			name := newRole(p, "security-put-role", p.name())
			p.call("security-get-role", request{path: []string{name}}).is(http.StatusOK).
				equal("/"+name+"/cluster", []any{"monitor"}).equal("/"+name+"/indices/0/names", []any{"logs-*"}).
				equal("/"+name+"/metadata/n", 1).equal("/"+name+"/run_as", []any{})
		}},
		{Operation: "security-get-role", Name: "not-found", check: func(p *probe) {
			p.call("security-get-role", request{}).is(http.StatusNotFound)
		}},
		{Operation: "security-delete-role", Name: "deletes", Writes: true, check: func(p *probe) {
			name := newRole(p, "security-put-role", p.name())
			p.call("security-delete-role", request{path: []string{name}}).is(http.StatusOK).equal("/found", true)
			p.call("security-delete-role", request{path: []string{name}}).is(http.StatusNotFound).equal("/found", false)
		}},
		{Operation: "security-bulk-put-roles", Name: "creates-and-changes", Writes: true, check: func(p *probe) {
			name := p.name()
			p.later("the role "+name, "security-delete-role", request{path: []string{name}})
			put := func(privilege string) reply {
				return p.call("security-bulk-put-roles",
					request{body: object{"roles": object{name: object{"cluster": []string{privilege}}}}}).is(http.StatusOK)
			}
			put("monitor").equal("/created", []any{name})
			put("monitor").equal("/noop", []any{name})
			put("all").equal("/updated", []any{name})
			put("unknown_privilege").equal("/errors/count", 1).
				equal("/errors/details/"+name+"/type", "action_request_validation_exception")
		}},
		{Operation: "security-bulk-delete-roles", Name: "deletes", Writes: true, check: func(p *probe) {
			name, missing := newRole(p, "security-put-role", p.name()), p.name()
			p.call("security-bulk-delete-roles", request{body: object{"names": []string{name, missing}}}).
				is(http.StatusOK).equal("/deleted", []any{name}).equal("/not_found", []any{missing})
		}},
	},
)

// newMapping makes a role mapping that is not enabled, and returns its name.
func newMapping(p *probe, operation string) (name string) {
	name = p.name()
	p.later("the role mapping "+name, "security-delete-role-mapping", request{path: []string{name}})
	p.call(operation, request{path: []string{name}, body: object{
		"enabled":  false,
		"roles":    []string{"viewer"},
		"rules":    object{"field": object{"username": name}},
		"metadata": object{"n": 1},
	}}).is(http.StatusOK).equal("/role_mapping/created", true)
	return name
}

var mappingCases = collect(
	twins("security-put-role-mapping", "security-put-role-mapping-post", func(operation string) Case {
		return Case{Operation: operation, Name: "creates-and-changes", Writes: true, check: func(p *probe) {
			name := newMapping(p, operation)
			p.call(operation, request{path: []string{name}, body: object{
				"enabled": false, "roles": []string{"viewer"}, "rules": object{"field": object{"username": "*"}},
			}}).is(http.StatusOK).equal("/role_mapping/created", false)
		}}
	}),
	twins("security-put-role-mapping", "security-put-role-mapping-post", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-no-rules", Writes: true, check: func(p *probe) {
			name := p.name()
			p.later("the role mapping "+name, "security-delete-role-mapping", request{path: []string{name}})
			p.call(operation, request{path: []string{name}, body: object{"enabled": false, "roles": []string{"viewer"}}}).
				fails(http.StatusBadRequest)
		}}
	}),
	[]Case{
		reads("security-get-role-mappings", "lists", request{}),
		{Operation: "security-get-role-mapping", Name: "shows-created", Writes: true, check: func(p *probe) {
			name := newMapping(p, "security-put-role-mapping")
			p.call("security-get-role-mapping", request{path: []string{name}}).is(http.StatusOK).
				equal("/"+name+"/enabled", false).equal("/"+name+"/roles", []any{"viewer"}).
				equal("/"+name+"/rules/field/username", name).equal("/"+name+"/metadata/n", 1)
		}},
		{Operation: "security-get-role-mapping", Name: "not-found", check: func(p *probe) {
			p.call("security-get-role-mapping", request{}).is(http.StatusNotFound)
		}},
		{Operation: "security-delete-role-mapping", Name: "deletes", Writes: true, check: func(p *probe) {
			by := request{path: []string{newMapping(p, "security-put-role-mapping")}}
			p.call("security-delete-role-mapping", by).is(http.StatusOK).equal("/found", true)
			p.call("security-delete-role-mapping", by).is(http.StatusNotFound).equal("/found", false)
		}},
	},
)

var privilegeCases = collect(
	twins("security-put-privileges", "security-put-privileges-post", func(operation string) Case {
		return Case{Operation: operation, Name: "creates-and-changes", Writes: true, check: func(p *probe) {
			application, name := newPrivilege(p, operation)
			p.call(operation, request{body: object{application: object{name: object{"actions": []string{"data:*"}}}}}).
				is(http.StatusOK).equal("/"+application+"/"+name+"/created", false)
		}}
	}),
	twins("security-put-privileges", "security-put-privileges-post", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-bad-action", Writes: true, check: func(p *probe) {
			application := strings.ReplaceAll(p.name(), "-", "")
			p.later("the privileges of "+application, "security-delete-application-privileges",
				request{path: []string{application, "read"}})
			p.call(operation, request{body: object{application: object{"read": object{"actions": []string{"nothing"}}}}}).
				fails(http.StatusBadRequest)
		}}
	}),
	[]Case{
		reads("security-get-privileges", "lists", request{}),
		{Operation: "security-get-application-privileges", Name: "lists", Writes: true, check: func(p *probe) {
			application, name := newPrivilege(p, "security-put-privileges")
			p.call("security-get-application-privileges", request{path: []string{application}}).is(http.StatusOK).
				equal("/"+application+"/"+name+"/name", name)
		}},
		{Operation: "security-get-application-privilege", Name: "shows-created", Writes: true, check: func(p *probe) {
			application, name := newPrivilege(p, "security-put-privileges")
			r := p.call("security-get-application-privilege", request{path: []string{application, name}})
			r.is(http.StatusOK).equal("/"+application+"/"+name+"/application", application)
			if actions := fmt.Sprint(r.column("/"+application, "actions")); actions == "" {
				p.differs("%s: there are no actions", r.place())
			}
		}},
		{Operation: "security-delete-application-privileges", Name: "deletes", Writes: true, check: func(p *probe) {
			application, name := newPrivilege(p, "security-put-privileges")
			found := "/" + application + "/" + name + "/found"
			by := request{path: []string{application, name}}
			p.call("security-delete-application-privileges", by).is(http.StatusOK).equal(found, true)
		}},
		reads("security-get-stats", "reports", request{}),
		{Operation: "security-get-settings", Name: "has-each-index", check: func(p *probe) {
			r := p.call("security-get-settings", request{}).is(http.StatusOK)
			for _, index := range []string{"security", "security-profile", "security-tokens"} {
				if _, found := r.at("/" + index).(map[string]any); !found {
					p.differs("%s: %q is missing", r.place(), "/"+index)
				}
			}
		}},
		{Operation: "security-get-builtin-privileges", Name: "lists", check: func(p *probe) {
			r := p.call("security-get-builtin-privileges", request{}).is(http.StatusOK)
			for list, want := range map[string]string{"cluster": "manage_security", "index": "read"} {
				names, _ := r.at("/" + list).([]any)
				if !strings.Contains(fmt.Sprint(names...), want) {
					p.differs("%s: %q lacks %s", r.place(), "/"+list, want)
				}
			}
		}},
	},
)

// newToken gets an access token by the password of a user that the case makes.
func newToken(p *probe) (user, access, refresh string) {
	user, password := newUser(p, "security-put-user", object{"roles": []string{"superuser"}})
	r := p.call("security-get-token",
		request{body: object{"grant_type": "password", "username": user, "password": password}}).is(http.StatusOK)
	p.later("the tokens of "+user, "security-invalidate-token", request{body: object{"username": user}})
	r.equal("/type", "Bearer").equal("/authentication/username", user)
	return user, r.secretText("/access_token"), r.secretText("/refresh_token")
}

var tokenCases = []Case{
	{Operation: "security-get-token", Name: "by-password", Writes: true, check: func(p *probe) {
		user, access, refresh := newToken(p)
		p.call("security-authenticate", request{as: bearer(access)}).is(http.StatusOK).equal("/username", user).
			equal("/authentication_type", "token")
		again := p.call("security-get-token",
			request{body: object{"grant_type": "refresh_token", "refresh_token": refresh}}).is(http.StatusOK)
		works(p, bearer(again.secretText("/access_token")), true)
		again.secretText("/refresh_token")
	}},
	{Operation: "security-get-token", Name: "refuses-unknown-grant", Writes: true, check: func(p *probe) {
		p.call("security-get-token", request{body: object{"grant_type": "unknown"}}).is(http.StatusBadRequest)
	}},
	{Operation: "security-invalidate-token", Name: "invalidates", Writes: true, check: func(p *probe) {
		_, access, _ := newToken(p)
		p.call("security-invalidate-token", request{body: object{"token": access}}).is(http.StatusOK).
			equal("/invalidated_tokens", 1).equal("/previously_invalidated_tokens", 0).equal("/error_count", 0)
		works(p, bearer(access), false)
	}},
	{Operation: "security-invalidate-token", Name: "refuses-no-choice", Writes: true, check: func(p *probe) {
		p.call("security-invalidate-token", request{body: object{}}).fails(http.StatusBadRequest)
	}},
}

// newServiceToken makes a token of elastic/fleet-server, and returns its name and its value.
func newServiceToken(p *probe, operation string) (name, value string) {
	name = p.name()
	p.later("the service token "+name, "security-delete-service-token",
		request{path: []string{"elastic", "fleet-server", name}})
	r := p.call(operation, request{path: []string{"elastic", "fleet-server", name}}).is(http.StatusOK).
		equal("/created", true).equal("/token/name", name)
	return name, r.secretText("/token/value")
}

var serviceCases = collect(
	[]Case{
		reads("security-get-service-accounts", "lists", request{}),
		reads("security-get-service-accounts-namespace", "lists", request{path: []string{"elastic"}}),
		reads("security-get-service-accounts-service", "shows", request{path: []string{"elastic", "fleet-server"}}),
		{Operation: "security-get-service-credentials", Name: "lists-created", Writes: true, check: func(p *probe) {
			name, _ := newServiceToken(p, "security-create-service-token")
			p.call("security-get-service-credentials", request{path: []string{"elastic", "fleet-server"}}).
				is(http.StatusOK).equal("/service_account", "elastic/fleet-server").equal("/tokens/"+name, object{})
		}},
		{Operation: "security-create-service-token-unnamed", Name: "creates", Writes: true, check: func(p *probe) {
			r := p.call("security-create-service-token-unnamed", request{path: []string{"elastic", "fleet-server"}}).
				is(http.StatusOK).equal("/created", true)
			name := r.text("/token/name")
			p.later("the service token "+name, "security-delete-service-token",
				request{path: []string{"elastic", "fleet-server", name}})
			works(p, bearer(r.secretText("/token/value")), true)
		}},
		{Operation: "security-delete-service-token", Name: "deletes", Writes: true, check: func(p *probe) {
			name, value := newServiceToken(p, "security-create-service-token")
			by := request{path: []string{"elastic", "fleet-server", name}}
			p.call("security-delete-service-token", by).is(http.StatusOK).equal("/found", true)
			p.call("security-delete-service-token", by).is(http.StatusNotFound).equal("/found", false)
			works(p, bearer(value), false)
		}},
	},
	twins("security-create-service-token", "security-create-service-token-put", func(operation string) Case {
		return Case{Operation: operation, Name: "creates", Writes: true, check: func(p *probe) {
			name, value := newServiceToken(p, operation)
			p.call("security-authenticate", request{as: bearer(value)}).is(http.StatusOK).
				equal("/username", "elastic/fleet-server").equal("/authentication_type", "token").
				equal("/token/name", name)
		}}
	}),
	twins("security-create-service-token", "security-create-service-token-put", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-unknown-account", Writes: true, check: func(p *probe) {
			p.call(operation, request{path: []string{"elastic", "unknown", p.name()}}).
				fails(http.StatusBadRequest, "illegal_argument_exception")
		}}
	}),
)

// clears returns a case in which a cache is cleared.
func clears(operation string, path ...string) Case {
	return Case{Operation: operation, Name: "clears", Writes: true, check: func(p *probe) {
		p.call(operation, request{path: path}).is(http.StatusOK).equal("/_nodes/failed", 0)
	}}
}

var cacheCases = []Case{
	clears("security-clear-api-key-cache", "*"),
	clears("security-clear-role-cache", "*"),
	clears("security-clear-privilege-cache", "*"),
	clears("security-clear-realm-cache", "*"),
	clears("security-clear-service-token-cache", "elastic", "fleet-server", "*"),
}
