package user_test

import (
	"context"
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
	Name: "erin", Enabled: true, Roles: []identity.Role{identity.DeploymentViewer, "watcher"}, FullName: "Erin", Realm: "corporate", Identity: store.ExternalIdentity{NameID: "e-1"},
}

func addExternal(t *testing.T, st *store.Store, u store.User) {
	t.Helper()
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return user.AddExternal(t.Context(), tx, u) }); err != nil {
		t.Fatal(err)
	}
}

// Ensures that what an identity provider keeps of a user is not changed here, by nobody, and that the user can be disabled.
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
		"state and roles":      {chief, security("enabled", false, "roles", []any{"ece_platform_admin"}), fault.UserCannotModifyExternal},
		"own full name":        {self, object("full_name", "x"), fault.UserCannotModifyExternal},
		"own password":         {self, security("password", "a new passphrase"), fault.UserCannotModifyExternal},
		"own roles":            {self, security("roles", []any{"ece_platform_admin"}), fault.UserRolesForbidden},
		"own state":            {self, security("enabled", false), fault.UserRestrictedField},
		"what cannot be set":   {chief, object("builtin", true), fault.UserRestrictedField},
		"nothing":              {chief, object(), fault.Code{}},
		"what is so already":   {chief, object("full_name", "Erin", "user_name", "erin", "security", object("roles", []any{"ece_deployment_viewer"})), fault.Code{}},
		"nothing of one's own": {self, object("user_name", ""), fault.Code{}},
	} {
		for _, proof := range []user.Proof{{}, proved} {
			u, err := users.Patch(t.Context(), c.by, "erin", c.patch, proof)
			if c.want.Name == "" && err != nil || c.want.Name != "" && !fault.Has(err, c.want) {
				t.Errorf("%s: %+v, %v", name, u, err)
			}
		}
	}
	if err := users.SetPassword(t.Context(), "erin", "a new passphrase"); !fault.Has(err, fault.UserCannotModifyExternal) {
		t.Errorf("a password: %v", err)
	}
	if u := get(t, users, "erin"); !slices.Equal(u.Roles, erin.Roles) || u.FullName != "Erin" || u.PasswordHash != "" || !u.Enabled {
		t.Errorf("the user is %+v", u)
	}
	for _, enabled := range []bool{false, true} {
		if u, err := users.Patch(t.Context(), chief, "erin", security("enabled", enabled), user.Proof{}); err != nil || u.Enabled != enabled {
			t.Errorf("%t: %+v, %v", enabled, u, err)
		}
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
		if _, err := users.PutNative(t.Context(), by, "erin", n, proved); !fault.Has(err, fault.InvalidData) {
			t.Errorf("put by %s: %v", by.User, err)
		}
		err := users.ChangePasswordNative(t.Context(), by, "erin", user.Secret{Password: pointer("a new passphrase")}, proved)
		if !fault.Has(err, fault.InvalidData) {
			t.Errorf("password by %s: %v", by.User, err)
		}
	}
	if u := get(t, users, "erin"); u.PasswordHash != "" || u.FullName != "Erin" {
		t.Errorf("the user is %+v", u)
	}
	if err := users.SetEnabledNative(t.Context(), chief, "erin", false, proved); err != nil || get(t, users, "erin").Enabled {
		t.Errorf("disabling: %v", err)
	}
	if err := users.SetEnabledNative(t.Context(), clerk, "erin", true, proved); !fault.Has(err, fault.PermissionDenied) {
		t.Errorf("enabling by who is no administrator: %v", err)
	}
	if found, err := users.DeleteNative(t.Context(), chief, "erin", proved); err != nil || !found {
		t.Errorf("deletion: %t, %v", found, err)
	}
}

// Ensures that no password lets an external user in, not even none, and that the answer is that for a wrong one.
func TestExternal_CheckPassword(t *testing.T) {
	users, st := newService(t)
	addExternal(t, st, erin)
	if _, err := users.Add(t.Context(), valid()); err != nil {
		t.Fatal(err)
	}
	_, wrong := users.CheckPassword(t.Context(), "alice", "wrong")
	for _, password := range []string{"", "a passphrase", "e-1", "erin"} {
		u, err := users.CheckPassword(t.Context(), "erin", password)
		if !fault.Has(err, fault.LoginFailed) || err.Error() != wrong.Error() || u.Name != "" {
			t.Errorf("%q: %+v, %v", password, u, err)
		}
	}
	if locked := get(t, users, "erin"); locked.LastLoginAt != (time.Time{}) {
		t.Errorf("the user signed in at %s", locked.LastLoginAt)
	}
}

// Ensures that what becomes of an external user is recorded, with the realm, and not what stays as it is.
func TestExternal_Audit(t *testing.T) {
	_, st := newService(t)
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "erin"})
	changed := erin
	changed.Roles, changed.Email = []identity.Role{identity.PlatformViewer}, "erin@example.com"
	save := func(before, after store.User) func(*store.Tx) error {
		return func(tx *store.Tx) error { return user.SaveExternal(ctx, tx, before, after) }
	}
	for _, step := range []func(*store.Tx) error{
		func(tx *store.Tx) error { return user.AddExternal(ctx, tx, erin) }, save(erin, erin), save(erin, changed), save(changed, changed),
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
		entries, err := tx.AuditEntriesAfter(time.Time{}, "", 100)
		for _, e := range entries {
			lines = append(lines, e.Event+" "+e.Details)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
