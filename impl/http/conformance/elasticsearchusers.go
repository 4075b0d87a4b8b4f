package conformance

import (
	"maps"
	"net/http"
)

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
