package access

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	createKey  = "cluster:admin/xpack/security/api_key/create"
	putRole    = "cluster:admin/xpack/security/role/put"
	getKeys    = "cluster:admin/xpack/security/api_key/get"
	authUser   = "cluster:admin/xpack/security/user/authenticate"
	roleOwning = `{"cluster":["manage_own_api_key"]}`
)

// checkRefused reports an error unless err is fault.PermissionDenied with the message.
func checkRefused(t *testing.T, err error, message string) {
	t.Helper()

	var e *fault.Error
	if !errors.As(err, &e) || e.Code != fault.PermissionDenied || e.Message != message {
		t.Errorf("got  %v\nwant %s", err, message)
	}
}

func TestSubject_Require(t *testing.T) {
	f := newFixture(t)
	owning, super, none := f.user(roleOwning), f.user(roleAll), f.user(`{}`)
	plainKey, powerlessKey := f.key("", roleAll), f.key(`{}`, roleAll)

	for _, c := range []struct {
		name       string
		subject    Subject
		all, owned bool // permitted on all API keys, and on the subject's own
	}{
		{"all privileges", super, true, true},
		{"privileges on own keys", owning, false, true},
		{"no privileges", none, false, false},
		{"a key with its owner's privileges", plainKey, true, true},
		{"a key with descriptors that grant nothing", powerlessKey, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.subject.Require(getKeys); (err == nil) != c.all {
				t.Errorf("on all keys: %v", err)
			}
			if err := c.subject.RequireOwning(getKeys); (err == nil) != c.owned {
				t.Errorf("on own keys: %v", err)
			}
		})
	}

	t.Run("a refusal names the privileges for all keys", func(t *testing.T) {
		checkRefused(t, owning.Require(getKeys),
			"action ["+getKeys+"] is unauthorized for user [u] with effective roles [r], "+
				"this action is granted by the cluster privileges [read_security,manage_api_key,manage_security,all]")
	})

	t.Run("a refusal names the privileges for own keys", func(t *testing.T) {
		checkRefused(t, none.RequireOwning(createKey),
			"action ["+createKey+"] is unauthorized for user [u] with effective roles [r], "+
				"this action is granted by the cluster privileges [manage_own_api_key,manage_api_key,manage_security,all]")
	})

	t.Run("a refusal names an API key and its owner", func(t *testing.T) {
		powerlessKey.Key.ID = "k"
		checkRefused(t, powerlessKey.Deny(authUser, []string{"x", "y"}), "action ["+authUser+
			"] is unauthorized for API key id [k] of user [u], this action is granted by the cluster privileges [x,y]")
	})

	t.Run("a refusal names assigned roles that are undefined", func(t *testing.T) {
		subject, err := f.Subject(t.Context(), identity.Principal{User: "u", Roles: []identity.Role{"r", "y", "x"}})
		if err != nil {
			t.Fatal(err)
		}
		checkRefused(t, subject.Deny(authUser, []string{"all"}),
			"action ["+authUser+"] is unauthorized for user [u] with effective roles [r]"+
				" (assigned roles [x,y] were not found), this action is granted by the cluster privileges [all]")
	})
}

func TestSubject_RequireEndpoint(t *testing.T) {
	f := newFixture(t)
	restricted := f.key(`{"restriction":{"workflows":["search_application_query"]}}`, roleAll)
	restricted.Key.ID = "k"
	for _, c := range []struct {
		name, method, path string
		subject            Subject
		allowed            bool
	}{
		{"a user", "GET", "/_security/_authenticate", f.user(roleAll), true},
		{"a key without restriction", "GET", "/_security/_authenticate", f.key("", roleAll), true},
		{"a restricted key outside of its workflow", "GET", "/_security/_authenticate", restricted, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.subject.RequireEndpoint(c.method, c.path)
			if c.allowed {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkRefused(t, err, "access restricted by workflow: API key id [k] of user [u] is for other requests only")
		})
	}
}

// addUser adds an enabled user with roles.
func (f fixture) addUser(name string, enabled bool, roles ...identity.Role) {
	f.Helper()

	err := f.store.Update(f.Context(), func(tx *store.Tx) error {
		return tx.Users.Insert(store.User{Name: name, Enabled: enabled, Roles: roles})
	})
	if err != nil {
		f.Fatal(err)
	}
}

func TestService_RunAs(t *testing.T) {
	f := newFixture(t)
	f.addUser("alice", true, "r")
	f.addUser("disabled", false, "r")
	f.addUser("viewer", true, identity.PlatformViewer)

	const runAs = `{"cluster":["manage_own_api_key"],"run_as":["alice","disabled","viewer","unknown"]}`
	caller := f.user(runAs)
	admin := caller
	admin.By.Roles = []identity.Role{identity.PlatformAdmin}
	powerlessKey := f.key(`{}`, runAs)
	powerlessKey.Key.ID = "k"

	for _, c := range []struct {
		name, as string
		caller   Subject
		refusal  string // "" if the caller may act as the user
	}{
		{"a permitted user", "alice", caller, ""},
		{"a user with an ECE role, by a platform administrator", "viewer", admin, ""},
		{"a user with an ECE role", "viewer", caller, "user [u] is unauthorized to run as [viewer]"},
		{"a disabled user", "disabled", caller, "user [u] is unauthorized to run as [disabled]"},
		{"an unknown user", "unknown", caller, "user [u] is unauthorized to run as [unknown]"},
		{"a user that the role does not name", "bob", caller, "user [u] is unauthorized to run as [bob]"},
		{"by a key without the privilege", "alice", powerlessKey,
			"API key id [k] of user [u] is unauthorized to run as [alice]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.RunAs(t.Context(), c.caller, c.as, authUser)
			if c.refusal != "" {
				if !fault.Has(err, fault.PermissionDenied) || !strings.HasSuffix(err.Error(), ", because "+c.refusal) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || got.User != c.as || got.Method != identity.RunAs || got.By.User != "u" {
				t.Errorf("got %+v, %v", got.Principal, err)
			}
		})
	}

	t.Run("the privileges are those of the other user", func(t *testing.T) {
		got, err := f.RunAs(t.Context(), admin, "viewer", authUser)
		if err != nil || got.Privileges.AllowsRunAs("alice") || !got.Privileges.AllowsCluster("cluster:monitor/main") {
			t.Errorf("got %+v, %v", got, err)
		}
		checkRefused(t, got.Require(putRole),
			"action ["+putRole+"] is unauthorized for user [viewer] run by [u] with effective roles "+
				"[ece_platform_viewer], this action is granted by the cluster privileges [manage_security,all]")
	})
}

// Ensures that an API key of an owner that has lost an ECE role loses that role's privileges.
func TestService_Subject_OwnerDemoted(t *testing.T) {
	f := newFixture(t)
	p := identity.Principal{User: "u", Method: identity.APIKey}
	err := f.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		p.Key.LimitedBy, err = tx.Documents.Put([]byte(`{"ece_platform_admin":` + roleAll + `}`))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		name   string
		now    []identity.Role
		mayPut bool
	}{
		{"the owner still has the role", []identity.Role{identity.PlatformAdmin}, true},
		{"the owner has a lesser role", []identity.Role{identity.PlatformViewer}, false},
		{"the owner has no ECE role", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.Roles = slices.Clone(c.now)
			subject, err := f.Subject(t.Context(), p)
			if err != nil || subject.Privileges.AllowsCluster(putRole) != c.mayPut {
				t.Errorf("may put roles: %t, %v", !c.mayPut, err)
			}
		})
	}
}

// Ensures that an API key is refused if its descriptors are missing or cannot be decoded.
func TestService_Subject_DescriptorsUnreadable(t *testing.T) {
	f := newFixture(t)
	var undecodable string
	err := f.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		undecodable, err = tx.Documents.Put([]byte(`{`))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		name string
		key  identity.Key
	}{
		{"assigned descriptors are missing", identity.Key{Assigned: "x"}},
		{"assigned descriptors are no JSON", identity.Key{Assigned: undecodable}},
		{"the owner's descriptors are missing", identity.Key{LimitedBy: "x"}},
		{"the owner's descriptors are no JSON", identity.Key{LimitedBy: undecodable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := f.Subject(t.Context(), identity.Principal{Method: identity.APIKey, Key: c.key}); err == nil {
				t.Error("the key has privileges")
			}
		})
	}
}
