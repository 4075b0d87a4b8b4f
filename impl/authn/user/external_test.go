package user_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// erin comes from an identity provider, and has roles of both kinds.
var erin = store.User{
	Name:     "erin",
	Enabled:  true,
	Roles:    []identity.Role{identity.DeploymentViewer, "watcher"},
	FullName: "Erin",
	Realm:    "corporate",
	Identity: store.ExternalIdentity{NameID: "e-1"},
}

func addExternal(t *testing.T, st *store.Store, u store.User) {
	t.Helper()
	add := func(tx *store.Tx) error { return user.AddExternal(t.Context(), tx, u) }
	if err := st.Update(t.Context(), add); err != nil {
		t.Fatal(err)
	}
}

// Ensures that no caller changes the attributes that an identity provider keeps, and that the user can be disabled.
func TestExternal_Patch(t *testing.T) {
	users, st := natives(t)
	addExternal(t, st, erin)
	self := identity.Principal{User: "erin", SAMLRealm: "corporate", Roles: erin.Roles, Method: identity.Session}
	object := func(members ...any) map[string]any {
		made := map[string]any{}
		for i := 0; i < len(members); i += 2 {
			made[members[i].(string)] = members[i+1]
		}
		return made
	}
	security := func(members ...any) map[string]any { return object("security", object(members...)) }
	viewer := []any{"ece_platform_viewer"}
	same := security("roles", []any{"ece_deployment_viewer"})
	same["full_name"], same["user_name"] = "Erin", "erin"
	for name, c := range map[string]struct {
		by    identity.Principal
		patch any
		want  fault.Code
	}{
		"full name":            {chief, object("full_name", "x"), fault.UserCannotModifyExternal},
		"no full name":         {chief, object("full_name", nil), fault.UserCannotModifyExternal},
		"email":                {chief, object("email", "x@example.com"), fault.UserCannotModifyExternal},
		"roles":                {chief, security("roles", []any{"ece_platform_admin"}), fault.UserCannotModifyExternal},
		"password":             {chief, security("password", "a new passphrase"), fault.UserCannotModifyExternal},
		"state and roles":      {chief, security("enabled", false, "roles", viewer), fault.UserCannotModifyExternal},
		"own full name":        {self, object("full_name", "x"), fault.UserCannotModifyExternal},
		"own password":         {self, security("password", "a new passphrase"), fault.UserCannotModifyExternal},
		"own roles":            {self, security("roles", []any{"ece_platform_admin"}), fault.UserRolesForbidden},
		"own state":            {self, security("enabled", false), fault.UserRestrictedField},
		"unknown member":       {chief, object("builtin", true), fault.UserRestrictedField},
		"nothing":              {chief, object(), fault.Code{}},
		"the same values":      {chief, same, fault.Code{}},
		"nothing of one's own": {self, object("user_name", ""), fault.Code{}},
	} {
		for proofName, proof := range map[string]user.Proof{"without proof": {}, "with proof": proved} {
			t.Run(name+", "+proofName, func(t *testing.T) {
				if u, err := users.Patch(t.Context(), c.by, "erin", c.patch, proof); !has(err, c.want) {
					t.Errorf("got %+v, %v", u, err)
				}
			})
		}
	}
	if err := users.SetPassword(t.Context(), "erin", "a new passphrase"); !fault.Has(err, fault.UserCannotModifyExternal) {
		t.Errorf("a password: %v", err)
	}
	u := get(t, st, "erin")
	if !slices.Equal(u.Roles, erin.Roles) || u.FullName != "Erin" || u.PasswordHash != "" || !u.Enabled {
		t.Errorf("the user is %+v", u)
	}
	for _, enabled := range []bool{false, true} {
		t.Run(fmt.Sprintf("enabled %t", enabled), func(t *testing.T) {
			u, err := users.Patch(t.Context(), chief, "erin", security("enabled", enabled), user.Proof{})
			if err != nil || u.Enabled != enabled {
				t.Errorf("got %+v, %v", u, err)
			}
		})
	}
	if err := users.Delete(t.Context(), chief, "erin"); !fault.Has(err, fault.UserCannotModifyExternal) {
		t.Errorf("deletion: %v", err)
	}
}

// Ensures that Elasticsearch's operations can disable and remove an external user, and change nothing else.
func TestExternal_Native(t *testing.T) {
	users, st := natives(t)
	addExternal(t, st, erin)
	self := identity.Principal{User: "erin", SAMLRealm: "corporate", Roles: erin.Roles, Method: identity.Session}
	n := native("watcher", "ece_deployment_viewer")
	for _, by := range []identity.Principal{chief, self} {
		t.Run("by "+by.User, func(t *testing.T) {
			if _, err := users.PutNative(t.Context(), by, "erin", n, proved); !fault.Has(err, fault.InvalidData) {
				t.Errorf("put: %v", err)
			}
			err := users.ChangePasswordNative(t.Context(), by, "erin", user.Secret{Password: n.Password}, proved)
			if !fault.Has(err, fault.InvalidData) {
				t.Errorf("password: %v", err)
			}
		})
	}
	if u := get(t, st, "erin"); u.PasswordHash != "" || u.FullName != "Erin" {
		t.Errorf("the user is %+v", u)
	}
	err := users.SetEnabledNative(t.Context(), chief, "erin", false, proved)
	if err != nil || get(t, st, "erin").Enabled {
		t.Errorf("disabling: %v", err)
	}
	if err := users.SetEnabledNative(t.Context(), clerk, "erin", true, proved); !fault.Has(err, fault.PermissionDenied) {
		t.Errorf("enabling by a caller that is no administrator: %v", err)
	}
	if found, err := users.DeleteNative(t.Context(), chief, "erin", proved); err != nil || !found {
		t.Errorf("deletion: %t, %v", found, err)
	}
}

// Ensures that no password is accepted for an external user, not even an empty one, and that the error is that for a
// wrong one.
func TestExternal_CheckPassword(t *testing.T) {
	users, st := newService(t)
	addExternal(t, st, erin)
	if _, err := users.Add(t.Context(), valid()); err != nil {
		t.Fatal(err)
	}
	_, wrong := users.CheckPassword(t.Context(), "alice", "wrong")
	for name, password := range map[string]string{"empty": "", "any": "a passphrase", "NameID": "e-1", "name": "erin"} {
		t.Run(name, func(t *testing.T) {
			u, err := users.CheckPassword(t.Context(), "erin", password)
			if !fault.Has(err, fault.LoginFailed) || err.Error() != wrong.Error() || u.Name != "" {
				t.Errorf("got %+v, %v", u, err)
			}
		})
	}
	if locked := get(t, st, "erin"); locked.LastLoginAt != (time.Time{}) {
		t.Errorf("the user signed in at %s", locked.LastLoginAt)
	}
}

// Ensures that changes of an external user are recorded, with the realm, and saves without a change are not.
func TestExternal_Audit(t *testing.T) {
	_, st := newService(t)
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "erin"})
	changed := erin
	changed.Roles, changed.Email = []identity.Role{identity.PlatformViewer}, "erin@example.com"
	save := func(before, after store.User) func(*store.Tx) error {
		return func(tx *store.Tx) error { return user.SaveExternal(ctx, tx, before, after) }
	}
	for _, step := range []func(*store.Tx) error{
		func(tx *store.Tx) error { return user.AddExternal(ctx, tx, erin) },
		save(erin, erin),
		save(erin, changed),
		save(changed, changed),
	} {
		if err := st.Update(ctx, step); err != nil {
			t.Fatal(err)
		}
	}
	if got := recorded(ctx, t, st); got != `user.created {"realm":"corporate","roles":["ece_deployment_viewer","watcher"]}
user.roles_changed {"roles":["ece_platform_viewer"]}
user.updated {"roles":["ece_platform_viewer"]}
user.promoted {"roles":["ece_platform_viewer"]}` {
		t.Errorf("recorded is\n%s", got)
	}
}

func recorded(ctx context.Context, t *testing.T, st *store.Store) string {
	t.Helper()
	var lines []string
	if err := st.View(ctx, func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 100)
		for _, e := range entries {
			lines = append(lines, e.Event+" "+e.Details)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
