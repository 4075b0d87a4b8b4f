package conformance

import (
	"net/http"
	"slices"
)

// eceKey makes an API key of a caller, and returns its id and the key.
func eceKey(p *probe, as credentials) (id, secret string) {
	name := p.name()
	p.undo = append(p.undo, func(q *probe) { q.removeKeys(name, as) })
	r := p.call("create-api-key", request{body: object{"description": name}, as: as}).is(http.StatusCreated).
		equal("/description", name)
	return r.text("/id"), r.secretText("/key")
}

// removeKeys deletes the caller's API keys with a description.
func (p *probe) removeKeys(description string, as credentials) {
	list, err := p.send(p.ctx, p.contract.Operation("get-api-keys"), request{as: as})
	if err != nil || list.status == http.StatusUnauthorized { // the owner is gone, and the key with it
		return
	}
	for _, entry := range (reply{list, p}).objects("/keys") {
		id, _ := entry["id"].(string)
		if entry["description"] != description {
			continue
		}
		a, err := p.send(p.ctx, p.contract.Operation("delete-api-key"), request{path: []string{id}, as: as})
		if err != nil || a.status != http.StatusOK {
			p.left = append(p.left, "the API key "+description)
		}
	}
}

// objects returns the objects in a list.
func (r reply) objects(list string) (found []object) {
	entries, _ := r.at(list).([]any)
	for _, entry := range entries {
		if members, ok := entry.(object); ok {
			found = append(found, members)
		}
	}
	return found
}

// eceUser makes a user, and returns the name and the credentials.
func eceUser(p *probe) (name string, as credentials) {
	name, password := p.name(), p.password()
	p.later("the user "+name, "delete-user", request{path: []string{name}})
	p.call("create-user", request{body: object{
		"user_name": name,
		"full_name": "A. B.",
		"security":  object{"password": password, "roles": []string{viewer}, "enabled": true},
	}}).is(http.StatusOK).equal("/user_name", name)
	return name, basic(name, password)
}

// eceWorks compares whether credentials authenticate a caller.
func eceWorks(p *probe, as credentials, want bool) {
	if want {
		p.call("get-current-user", request{as: as}).is(http.StatusOK)
		return
	}
	p.call("get-current-user", request{as: as}).fails(http.StatusUnauthorized)
}

// unknown returns a case in which there is not what a request names.
func unknown(operation, code string) Case {
	return Case{Operation: operation, Name: "not-found", Writes: writes(operation), check: func(p *probe) {
		p.call(operation, request{}).fails(http.StatusNotFound, code)
	}}
}

// writes reports whether an operation of ECE's changes something.
func writes(operation string) bool {
	return !slices.ContainsFunc([]string{"get-", "methods", "saml-init"}, func(beginning string) bool {
		return len(operation) >= len(beginning) && operation[:len(beginning)] == beginning
	})
}

// viewer is the role of the users that cases make.
const viewer = "ece_deployment_viewer"

// eceCases are the cases of ECE's operations.
var eceCases = collect(accountCases, signInCases, eceKeyCases, eceUserCases, assignmentCases)

var accountCases = []Case{
	reads("get-current-account", "reads", request{}),
	{Operation: "patch-current-account", Name: "changes-nothing", Writes: true, check: func(p *probe) {
		id := p.call("get-current-account", request{}).is(http.StatusOK).text("/id")
		p.call("patch-current-account", request{body: object{}}).is(http.StatusOK).equal("/id", id)
	}},
	{Operation: "update-current-account", Name: "changes-nothing", Writes: true, check: func(p *probe) {
		account := p.call("get-current-account", request{}).is(http.StatusOK)
		body := object{}
		if trust := account.at("/trust"); trust != nil {
			body["trust"] = trust
		}
		p.call("update-current-account", request{body: body}).is(http.StatusOK).equal("/id", account.text("/id")).
			equal("/trust", account.at("/trust"))
	}},
}

// signIn begins a session of a user that the case makes, and returns its token.
func signIn(p *probe) (token string) {
	name, password := p.name(), p.password()
	p.later("the user "+name, "delete-user", request{path: []string{name}})
	p.call("create-user", request{body: object{
		"user_name": name, "security": object{"password": password, "roles": []string{viewer}},
	}}).is(http.StatusOK)
	return p.call("login", request{body: object{"username": name, "password": password}, as: nothing}).
		is(http.StatusOK).secretText("/token")
}

var signInCases = []Case{
	reads("methods", "lists", request{as: nothing}),
	reads("get-authentication-info", "describes", request{}),
	{Operation: "login", Name: "begins-session", Writes: true, check: func(p *probe) {
		eceWorks(p, bearer(signIn(p)), true)
	}},
	{Operation: "login", Name: "refuses-unknown-user", Writes: true, check: func(p *probe) {
		p.call("login", request{body: object{"username": p.name(), "password": p.password()}, as: nothing}).
			fails(http.StatusUnauthorized, "root.unauthenticated")
	}},
	{Operation: "logout", Name: "ends-session", Writes: true, check: func(p *probe) {
		token := signIn(p)
		p.call("logout", request{as: bearer(token)}).is(http.StatusOK)
		eceWorks(p, bearer(token), false)
	}},
	{Operation: "refresh-token", Name: "returns-token", Writes: true, check: func(p *probe) {
		r := p.call("refresh-token", request{as: bearer(signIn(p))}).is(http.StatusOK)
		eceWorks(p, bearer(r.secretText("/token")), true)
	}},
	{Operation: "saml-init", Name: "redirects-or-cannot", check: func(p *probe) {
		r := p.call("saml-init", request{as: nothing})
		if r.status == http.StatusNotImplemented {
			r.fails(http.StatusNotImplemented, "authc.no_authentication_cluster")
			return
		}
		if r.is(http.StatusFound); r.header.Get("Location") == "" {
			p.differs("%s: there is no header Location", r.place())
		}
	}},
	{Operation: "saml-callback", Name: "refuses-no-response-of-a-provider", Writes: true, check: func(p *probe) {
		r := p.call("saml-callback", request{form: "SAMLResponse=bm90aGluZw%3D%3D", as: nothing})
		if r.status == http.StatusNotImplemented {
			r.fails(http.StatusNotImplemented, "authc.no_authentication_cluster")
			return
		}
		r.fails(http.StatusUnauthorized, "root.unauthenticated")
	}},
	{
		Operation: "enable-elevated-permissions", Name: "refuses-wrong-code", Writes: true,
		check: func(p *probe) {
			p.call("enable-elevated-permissions", request{as: bearer(signIn(p)), body: object{"token": "000000"}}).
				fails(http.StatusBadRequest, "authc.invalid_token")
		},
	},
	{
		Operation: "disable-elevated-permissions", Name: "returns-token", Writes: true,
		check: func(p *probe) {
			r := p.call("disable-elevated-permissions", request{as: bearer(signIn(p))}).is(http.StatusOK)
			r.secretText("/token")
		},
	},
}

var eceKeyCases = []Case{
	reads("get-api-keys", "lists", request{}),
	reads("get-users-api-keys", "lists", request{}),
	unknown("get-api-key", "api_keys.key_not_found"),
	unknown("delete-api-key", "api_keys.key_not_found"),
	unknown("get-user-api-keys", "api_keys.user_not_found"),
	unknown("delete-user-api-keys", "api_keys.user_not_found"),
	{Operation: "create-api-key", Name: "creates", Writes: true, check: func(p *probe) {
		_, secret := eceKey(p, "")
		eceWorks(p, apiKey(secret), true)
	}},
	{Operation: "create-api-key", Name: "refuses-no-description", Writes: true, check: func(p *probe) {
		p.call("create-api-key", request{body: object{"description": ""}}).
			fails(http.StatusBadRequest, "api_keys.invalid_input")
	}},
	{Operation: "get-api-key", Name: "shows-created-without-key", Writes: true, check: func(p *probe) {
		id, _ := eceKey(p, "")
		r := p.call("get-api-key", request{path: []string{id}}).is(http.StatusOK).equal("/id", id)
		if r.at("/key") != nil {
			p.differs("%s: \"/key\": the key is shown again", r.place())
		}
	}},
	{Operation: "delete-api-key", Name: "deletes", Writes: true, check: func(p *probe) {
		id, secret := eceKey(p, "")
		p.call("delete-api-key", request{path: []string{id}}).is(http.StatusOK)
		eceWorks(p, apiKey(secret), false)
	}},
	{Operation: "delete-api-keys", Name: "deletes", Writes: true, check: func(p *probe) {
		first, secret := eceKey(p, "")
		second, other := eceKey(p, "")
		p.call("delete-api-keys", request{body: object{"keys": []string{first, second}}}).is(http.StatusOK)
		eceWorks(p, apiKey(secret), false)
		eceWorks(p, apiKey(other), false)
	}},
	{Operation: "get-user-api-keys", Name: "lists", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		id, _ := eceKey(p, as)
		p.call("get-user-api-keys", request{path: []string{name}}).is(http.StatusOK).equal("/keys/0/id", id)
	}},
	{Operation: "get-user-api-key", Name: "shows", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		id, _ := eceKey(p, as)
		p.call("get-user-api-key", request{path: []string{name, id}}).is(http.StatusOK).equal("/id", id).
			equal("/user_id", name)
	}},
	{Operation: "get-user-api-key", Name: "not-found", Writes: true, check: func(p *probe) {
		name, _ := eceUser(p)
		p.call("get-user-api-key", request{path: []string{name}}).fails(http.StatusNotFound, "api_keys.key_not_found")
	}},
	{Operation: "delete-user-api-key", Name: "deletes", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		id, secret := eceKey(p, as)
		by := request{path: []string{name, id}}
		p.call("delete-user-api-key", by).is(http.StatusOK)
		eceWorks(p, apiKey(secret), false)
		p.call("delete-user-api-key", by).fails(http.StatusNotFound, "api_keys.key_not_found")
	}},
	{Operation: "delete-user-api-keys", Name: "deletes", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		_, secret := eceKey(p, as)
		p.call("delete-user-api-keys", request{path: []string{name}}).is(http.StatusOK)
		eceWorks(p, apiKey(secret), false)
	}},
	{Operation: "delete-users-api-keys", Name: "deletes", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		id, secret := eceKey(p, as)
		p.call("delete-users-api-keys",
			request{body: object{"user_api_keys": []any{object{"user_id": name, "api_key_id": id}}}}).is(http.StatusOK)
		eceWorks(p, apiKey(secret), false)
	}},
}

var eceUserCases = []Case{
	reads("get-current-user", "describes", request{}),
	reads("get-users", "lists", request{}),
	reads("get-users", "lists-disabled", request{query: "include_disabled=true"}),
	unknown("get-user", "user.not_found"),
	unknown("delete-user", "user.not_found"),
	{Operation: "get-user", Name: "shows-created", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		eceWorks(p, as, true)
		r := p.call("get-user", request{path: []string{name}}).is(http.StatusOK).equal("/user_name", name).
			equal("/full_name", "A. B.").equal("/builtin", false).equal("/security/enabled", true).
			equal("/security/roles", []any{viewer})
		if r.at("/security/password") != nil {
			p.differs("%s: \"/security/password\" is shown", r.place())
		}
	}},
	{Operation: "create-user", Name: "refuses-same-name", Writes: true, check: func(p *probe) {
		name, _ := eceUser(p)
		p.call("create-user", request{body: object{
			"user_name": name, "security": object{"password": p.password(), "roles": []string{viewer}},
		}}).fails(http.StatusConflict, "user.user_name.conflict")
	}},
	{Operation: "create-user", Name: "creates", Writes: true, check: func(p *probe) { eceUser(p) }},
	{Operation: "create-user", Name: "refuses-unknown-role", Writes: true, check: func(p *probe) {
		name := p.name()
		p.later("the user "+name, "delete-user", request{path: []string{name}})
		p.call("create-user", request{body: object{
			"user_name": name, "security": object{"password": p.password(), "roles": []string{"unknown"}},
		}}).fails(http.StatusBadRequest, "user.roles.invalid")
	}},
	{Operation: "update-user", Name: "changes", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		p.call("update-user", request{path: []string{name}, body: object{"full_name": "C. D."}}).is(http.StatusOK).
			equal("/full_name", "C. D.")
		p.call("update-user", request{path: []string{name}, body: object{"security": object{"enabled": false}}}).
			is(http.StatusOK).equal("/security/enabled", false)
		eceWorks(p, as, false)
	}},
	{Operation: "update-user", Name: "not-found", Writes: true, check: func(p *probe) {
		p.call("update-user", request{body: object{"full_name": "C. D."}}).fails(http.StatusNotFound, "user.not_found")
	}},
	{Operation: "update-current-user", Name: "changes", Writes: true, check: func(p *probe) {
		_, as := eceUser(p)
		p.call("update-current-user", request{body: object{"full_name": "C. D."}, as: as}).is(http.StatusOK).
			equal("/full_name", "C. D.")
	}},
	{Operation: "delete-user", Name: "deletes", Writes: true, check: func(p *probe) {
		name, as := eceUser(p)
		p.call("delete-user", request{path: []string{name}}).is(http.StatusOK)
		eceWorks(p, as, false)
	}},
}

// assigns returns cases of an operation on role assignments: none are assigned, because self-hosted installations have
// none.
func assigns(operation string) []Case {
	return []Case{
		{Operation: operation, Name: "accepts-none", Writes: true, check: func(p *probe) {
			name, _ := eceUser(p)
			p.call(operation, request{path: []string{name}, body: object{"platform": []any{}}}).is(http.StatusOK)
		}},
		{Operation: operation, Name: "refuses-unknown-user", Writes: true, check: func(p *probe) {
			p.call(operation, request{body: object{"platform": []any{object{"role_id": viewer}}}}).
				fails(http.StatusBadRequest, "role_assignments.invalid_target_user_id")
		}},
	}
}

var assignmentCases = collect(assigns("add-role-assignments"), assigns("remove-role-assignments"))
