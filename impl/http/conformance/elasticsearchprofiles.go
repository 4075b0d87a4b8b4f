package conformance

import "net/http"

// newProfile makes a user with a profile, and returns the user's name and the profile's id.
func newProfile(p *probe) (user, uid string) {
	user, password := newUser(p, "security-put-user", nil)
	r := p.call("security-activate-user-profile", request{body: object{
		"grant_type": "password", "username": user, "password": password,
	}}).is(http.StatusOK).equal("/enabled", true).equal("/user/username", user).equal("/user/full_name", "A. B.").
		equal("/user/email", "a@example.org").equal("/labels", object{}).equal("/data", object{})
	return user, r.text("/uid")
}

var profileCases = collect(
	[]Case{
		{Operation: "security-activate-user-profile", Name: "activates-again", Writes: true, check: func(p *probe) {
			user, password := newUser(p, "security-put-user", nil)
			by := request{body: object{"grant_type": "password", "username": user, "password": password}}
			uid := p.call("security-activate-user-profile", by).is(http.StatusOK).text("/uid")
			p.call("security-activate-user-profile", by).is(http.StatusOK).equal("/uid", uid)
		}},
		{Operation: "security-activate-user-profile", Name: "refuses-no-password", Writes: true, check: func(p *probe) {
			p.call("security-activate-user-profile", request{body: object{"grant_type": "password", "username": "x"}}).
				fails(http.StatusBadRequest, "action_request_validation_exception")
		}},
		{Operation: "security-get-user-profile", Name: "shows-activated", Writes: true, check: func(p *probe) {
			user, uid := newProfile(p)
			p.call("security-get-user-profile", request{path: []string{uid}}).is(http.StatusOK).
				equal("/profiles/0/uid", uid).equal("/profiles/0/user/username", user).
				equal("/profiles/0/enabled", true).equal("/profiles/0/data", object{})
		}},
		{Operation: "security-get-user-profile", Name: "names-missing", Writes: true, check: func(p *probe) {
			_, uid := newProfile(p)
			p.call("security-get-user-profile", request{path: []string{uid + ",u_missing_0"}}).is(http.StatusOK).
				equal("/profiles/0/uid", uid).equal("/errors/count", 1).
				equal("/errors/details/u_missing_0/type", "resource_not_found_exception")
		}},
	},
	twins("security-update-user-profile-data", "security-update-user-profile-data-post", func(operation string) Case {
		return Case{Operation: operation, Name: "merges", Writes: true, check: func(p *probe) {
			_, uid := newProfile(p)
			for _, part := range []object{{"a": 1}, {"b": 2}} {
				p.call(operation, request{path: []string{uid}, body: object{
					"labels": object{"direction": "north"}, "data": object{"app": part},
				}}).is(http.StatusOK).equal("/acknowledged", true)
			}
			p.call("security-get-user-profile", request{path: []string{uid}, query: "data=app"}).is(http.StatusOK).
				equal("/profiles/0/labels", object{"direction": "north"}).
				equal("/profiles/0/data", object{"app": object{"a": 1, "b": 2}})
		}}
	}),
	twins("security-update-user-profile-data", "security-update-user-profile-data-post", func(operation string) Case {
		return Case{Operation: operation, Name: "refuses-bad-name", Writes: true, check: func(p *probe) {
			p.call(operation, request{path: []string{"u_missing_0"}, body: object{"data": object{"a.b": 1}}}).
				fails(http.StatusBadRequest, "action_request_validation_exception")
		}}
	}),
	twins("security-disable-user-profile", "security-disable-user-profile-post", func(operation string) Case {
		return Case{Operation: operation, Name: "disables", Writes: true, check: func(p *probe) {
			_, uid := newProfile(p)
			p.call(operation, request{path: []string{uid}}).is(http.StatusOK).equal("/acknowledged", true)
			p.call("security-get-user-profile", request{path: []string{uid}}).is(http.StatusOK).
				equal("/profiles/0/enabled", false)
		}}
	}),
	twins("security-enable-user-profile", "security-enable-user-profile-post", func(operation string) Case {
		return Case{Operation: operation, Name: "enables", Writes: true, check: func(p *probe) {
			_, uid := newProfile(p)
			p.call("security-disable-user-profile", request{path: []string{uid}}).is(http.StatusOK)
			p.call(operation, request{path: []string{uid}}).is(http.StatusOK).equal("/acknowledged", true)
			p.call("security-get-user-profile", request{path: []string{uid}}).is(http.StatusOK).
				equal("/profiles/0/enabled", true)
		}}
	}),
	twins("security-suggest-user-profiles", "security-suggest-user-profiles-get", func(operation string) Case {
		return Case{Operation: operation, Name: "finds-activated", Writes: true, check: func(p *probe) {
			user, uid := newProfile(p)
			p.call(operation, request{body: object{"name": user, "size": 1, "hint": object{"uids": []string{uid}}}}).
				is(http.StatusOK).equal("/profiles/0/uid", uid).equal("/profiles/0/user/username", user)
		}}
	}),
	twins("security-has-privileges-user-profile", "security-has-privileges-user-profile-get",
		func(operation string) Case {
			return Case{Operation: operation, Name: "compares", Writes: true, check: func(p *probe) {
				_, uid := newProfile(p)
				p.call(operation, request{body: object{
					"uids": []string{uid}, "privileges": object{"cluster": []string{"manage_security"}},
				}}).is(http.StatusOK).equal("/has_privilege_uids", []any{})
			}}
		}),
)
