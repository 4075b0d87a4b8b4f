package seed

import (
	"strings"
	"testing"
	"time"
)

// Ensures that Read returns what a file describes.
func TestRead(t *testing.T) {
	t.Parallel()
	s, err := Read([]byte(`
roles:
- {name: logs, descriptor: {cluster: [monitor], metadata: {version: 2}}}
users:
- {name: joe, password: long-enough, roles: [logs, superuser], full_name: Joe, metadata: {team: search},
   totp: JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP, disabled: true}
keys:
- {user: joe, name: pipeline, id: fixed, secret: a-secret-of-22-characters, expires_in: 90m,
   role_descriptors: {one: {cluster: [monitor]}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Roles) != 1 || s.Roles[0].Name != "logs" || len(s.Roles[0].Descriptor.Cluster) != 1 {
		t.Errorf("roles %+v", s.Roles)
	}
	u := s.Users[0]
	if u.Name != "joe" || *u.Password != "long-enough" || len(u.Roles) != 2 || *u.FullName != "Joe" || u.Email != nil ||
		u.Metadata["team"] != "search" || len(u.TOTP) != 20 || u.Enabled {
		t.Errorf("user %+v", u)
	}
	k := s.Keys[0]
	if k.User != "joe" || k.Name != "pipeline" || k.ID != "fixed" || k.Secret != "a-secret-of-22-characters" ||
		*k.Lifetime != 90*time.Minute || len(k.Assigned) != 1 {
		t.Errorf("key %+v", k)
	}
}

// Ensures that each error names the member and the line, and that all are reported.
func TestRead_Errors(t *testing.T) {
	t.Parallel()
	const joe = "users:\n- {name: joe, password: long-enough, roles: []}\n"
	keyWith := func(members string) string { return joe + "keys:\n- {user: joe, name: a, " + members + "}" }
	const secret = "secret: a-secret-of-22-characters"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":           {"", "this is empty"},
		"an unknown member": {"user: []", "user: there is no such setting (line 1)"},
		"no password":       {"users:\n- {name: joe, roles: []}", "users[0].password: this is missing (line 2)"},
		"a short password":  {strings.Replace(joe, "long-enough", "x", 1), "users[0].password: a password has at least 8"},
		"no roles":          {strings.Replace(joe, ", roles: []", "", 1), "users[0].roles: this is missing"},
		"an unknown role":   {strings.Replace(joe, "[]", "[no]", 1), `users[0].roles: there is no role "no"`},
		"a short TOTP key": {
			strings.Replace(joe, "roles", "totp: ABCD, roles", 1), "users[0].totp: this must be at least 16 bytes",
		},
		"a reserved role":                   {"roles:\n- {name: superuser, descriptor: {}}", "roles[0].descriptor: "},
		"an unknown member of a descriptor": {"roles:\n- {name: a, descriptor: {b: []}}", "roles[0].descriptor: "},
		"an unknown owner":                  {"keys:\n- {user: joe, name: a, id: b, " + secret + "}", `keys[0].user: there is no user "joe"`},
		"a short secret":                    {keyWith("id: b, secret: c"), "keys[0].secret: a secret has 22 to 128"},
		"a bad id":                          {keyWith("id: 'b:c', " + secret), "keys[0].id: an id has"},
		"a bad key name":                    {strings.Replace(keyWith("id: b, "+secret), "name: a", "name: _a", 1), "keys[0].name: "},
		"a bad lifetime":                    {keyWith("id: b, expires_in: 1y, " + secret), "keys[0].expires_in: "},
		"bad descriptors": {
			keyWith("id: b, role_descriptors: {x: {y: 1}}, " + secret), "keys[0].role_descriptors: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v; want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "long-enough") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}

	_, err := Read([]byte("users:\n- {roles: []}\n"))
	if err == nil || strings.Count(err.Error(), "this is missing") != 2 {
		t.Errorf("the error is %v; want both missing members", err)
	}
}
