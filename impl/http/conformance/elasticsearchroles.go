package conformance

import (
	"fmt"
	"net/http"
	"strings"
)

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
