package user_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// proved is the proof of a caller that signed in recently and needs no second factor.
var proved = user.Proof{RecentPassword: true}

// chief is an administrator of ECE; clerk has Elasticsearch's manage_security by a role, and no role of ECE.
var (
	chief = identity.Principal{User: "chief", Roles: []identity.Role{identity.PlatformAdmin}}
	clerk = identity.Principal{User: "clerk", Roles: []identity.Role{"superuser"}}
)

func native(roles ...string) user.Native {
	return user.Native{Password: new("a passphrase"), Roles: roles, Enabled: true}
}

// natives returns users with the built-in ones, chief, clerk, plain, and viewer, which has roles of both kinds.
func natives(t *testing.T) (*user.Service, *store.Store) {
	t.Helper()
	users, st := newService(t)
	passwords := map[string]string{user.Admin: "admin's passphrase", user.Readonly: "readonly's passphrase"}
	if err := users.Bootstrap(t.Context(), user.Bootstrap{Passwords: passwords}); err != nil {
		t.Fatal(err)
	}
	for name, roles := range map[string][]string{
		"chief":  {"ece_platform_admin"},
		"clerk":  {"superuser"},
		"viewer": {"watcher", "ece_platform_viewer"},
		"plain":  {"watcher"},
	} {
		created, err := users.PutNative(t.Context(), chiefElsewhere(), name, native(roles...), proved)
		if err != nil || !created {
			t.Fatalf("%s: %t, %v", name, created, err)
		}
	}
	return users, st
}

// chiefElsewhere is an administrator of ECE that no test changes.
func chiefElsewhere() identity.Principal {
	p := chief
	p.User, p.Builtin = user.Admin, true
	return p
}

func get(t *testing.T, st *store.Store, name string) store.User {
	t.Helper()
	u, err := store.Read(t.Context(), st, func(tx *store.Tx) (store.User, error) { return tx.Users.Find(name) })
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Ensures that all errors of a user are returned at once, and nothing is stored.
func TestPutNative_Refused(t *testing.T) {
	users, st := newService(t)
	const phc = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, c := range map[string]struct {
		user   string
		change func(*user.Native)
		want   []string
	}{
		"name":     {"a:b", func(*user.Native) {}, []string{"must not contain a colon"}},
		"no roles": {"a", func(n *user.Native) { n.Roles = nil }, []string{"1: roles are missing;"}},
		"role name": {
			"a", func(n *user.Native) { n.Roles = []string{"ok", " x", ""} },
			[]string{"1: the role name [ x] must", "2: the role name [] must"},
		},
		"many roles": {
			"a", func(n *user.Native) { n.Roles = make([]string, 1001) },
			[]string{"1: a user can have at most [1000] roles;"},
		},
		"ECE's roles": {
			"a", func(n *user.Native) { n.Roles = []string{"ece_platform_admin", "x", "ece_platform_viewer"} },
			[]string{"stands alone"},
		},
		"metadata": {
			"a", func(n *user.Native) { n.Metadata = map[string]any{"_x": 1} },
			[]string{"1: metadata keys may not start with [_];"},
		},
		"full name": {"a", func(n *user.Native) { n.FullName = new("a\nb") }, []string{"control characters"}},
		"password":  {"a", func(n *user.Native) { n.Password = new("12345") }, []string{"1: a password has at least 8"}},
		"common password": {
			"a", func(n *user.Native) { n.Password = new("password1") },
			[]string{"1: this password is one that many people use"},
		},
		"the user's name as password": {
			"abcdefgh", func(n *user.Native) { n.Password = new("ABCDEFGH") },
			[]string{"the user name is not a password"},
		},
		"both": {
			"a", func(n *user.Native) { n.PasswordHash = new(phc) },
			[]string{"only one of [password, password_hash]"},
		},
		"two": {
			"a,", func(n *user.Native) { n.Roles, n.Email = nil, new("\x00") },
			[]string{"1: the user name must not", "2: roles are missing;", "3: email"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := native("x")
			c.change(&n)
			_, err := users.PutNative(t.Context(), chief, c.user, n, proved)
			if !fault.Has(err, fault.RequestInvalid) {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
	t.Run("hash by bcrypt", func(t *testing.T) {
		n := native("x")
		n.Password, n.PasswordHash = nil, new("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")
		_, err := users.PutNative(t.Context(), chief, "a", n, proved)
		if !fault.Has(err, fault.InvalidData) || strings.Contains(err.Error(), "N9qo") {
			t.Error(err)
		}
	})
	if err := st.View(t.Context(), func(tx *store.Tx) error {
		list, err := tx.Users.All()
		if len(list) != 0 {
			t.Errorf("stored is %v", list)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Ensures that a user is added with all that was given, replaced in full, and keeps only the password.
func TestPutNative_Replaces(t *testing.T) {
	users, st := natives(t)
	ctx := t.Context()
	n := native("b", "a", "b")
	n.FullName, n.Email = new("Ann"), new("a@example.com")
	n.Metadata = map[string]any{"n": json.Number("1.50"), "a": nil}
	if created, err := users.PutNative(ctx, clerk, "ann", n, proved); err != nil || !created {
		t.Fatalf("%t, %v", created, err)
	}
	u := get(t, st, "ann")
	got := fmt.Sprintf("%v %s %s %s %t", u.Roles, u.FullName, u.Email, u.Metadata, u.Enabled)
	if got != `[b a] Ann a@example.com {"a":null,"n":1.50} true` {
		t.Errorf("the user is %+v", u)
	}
	if created, err := users.PutNative(ctx, clerk, "ann", user.Native{Roles: []string{}}, proved); err != nil || created {
		t.Fatalf("%t, %v", created, err)
	}
	u = get(t, st, "ann")
	if len(u.Roles) != 0 || u.FullName != "" || u.Email != "" || u.Metadata != "" || u.Enabled {
		t.Errorf("the user is %+v", u)
	}
	if err := users.SetEnabledNative(ctx, clerk, "ann", true, proved); err != nil {
		t.Fatal(err)
	}
	if _, err := users.CheckPassword(ctx, "ann", "a passphrase"); err != nil {
		t.Errorf("the password: %v", err)
	}
	hash, err := secret.NewHasher(secret.Cost{Memory: 128, Passes: 1, Threads: 1}).Hash(ctx, "another passphrase")
	if err != nil {
		t.Fatal(err)
	}
	hashed := user.Native{PasswordHash: &hash, Roles: []string{}, Enabled: true}
	if _, err := users.PutNative(ctx, clerk, "ann", hashed, proved); err != nil {
		t.Fatal(err)
	}
	if _, err := users.CheckPassword(ctx, "ann", "another passphrase"); err != nil {
		t.Errorf("the password by its hash: %v", err)
	}
}

// Ensures that users are found by name, and unknown ones are passed over.
func TestNatives(t *testing.T) {
	users, _ := natives(t)
	for name, c := range map[string]struct {
		names []string
		want  string
	}{
		"all":                     {nil, "admin chief clerk plain readonly viewer"},
		"two, and invalid ones":   {[]string{"viewer", "plain", "unknown", "viewer", "\x00x"}, "plain viewer"},
		"one that does not exist": {[]string{"unknown"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := users.Natives(t.Context(), c.names)
			var found []string
			for _, u := range list {
				found = append(found, u.Name)
			}
			if got := strings.Join(found, " "); err != nil || got != c.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

// changeAll makes each change that Elasticsearch knows of a user, and returns the errors by name.
func changeAll(
	ctx context.Context, users *user.Service, by identity.Principal, name string, proof user.Proof,
) map[string]error {
	put := func(n user.Native) error { _, err := users.PutNative(ctx, by, name, n, proof); return err }
	_, deleted := users.DeleteNative(ctx, by, name, proof)
	return map[string]error{
		"replace":  put(user.Native{Roles: []string{"x"}, Enabled: true}),
		"password": put(native("x")),
		"promote":  put(user.Native{Roles: []string{"ece_platform_admin"}, Enabled: true}),
		"keep":     put(user.Native{Roles: []string{"watcher", "ece_platform_viewer"}, Enabled: true}),
		"disable":  users.SetEnabledNative(ctx, by, name, false, proof),
		"change":   users.ChangePasswordNative(ctx, by, name, user.Secret{Password: new("new passphrase")}, proof),
		"delete":   deleted,
	}
}

// Ensures that Elasticsearch's privileges never lead to those of ECE: not by granting its roles, nor by changing users
// with one, nor with a key that has descriptors, nor by acting as an administrator, nor without elevation.
func TestNative_Escalation(t *testing.T) {
	users, st := natives(t)
	ctx := t.Context()
	narrowed, actor := chief, chief
	viewer := identity.Principal{User: "other", Roles: []identity.Role{"superuser", identity.PlatformViewer}}
	narrowed.Method, narrowed.Key = identity.APIKey, identity.Key{ID: "k", Assigned: "d"}
	actor.Method = identity.RunAs
	callers := map[string]identity.Principal{"clerk": clerk, "viewer": viewer, "key": narrowed, "run as": actor}
	for name, by := range callers {
		before := get(t, st, "viewer")
		for operation, err := range changeAll(ctx, users, by, "viewer", proved) {
			t.Run(name+", "+operation, func(t *testing.T) {
				if !fault.Has(err, fault.PermissionDenied) {
					t.Error(err)
				}
			})
		}
		if after := get(t, st, "viewer"); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s: the user is %+v", name, after)
		}
		for _, subject := range []string{"plain", "new", by.User} {
			if subject == "chief" {
				continue // an administrator: covered by viewer
			}
			t.Run(name+", role of ECE for "+subject, func(t *testing.T) {
				_, err := users.PutNative(ctx, by, subject, native("ece_deployment_viewer"), proved)
				if !fault.Has(err, fault.PermissionDenied) {
					t.Error(err)
				}
			})
		}
	}
	refusal := fault.New(fault.ElevationNeeded, "elevate")
	unelevated := changeAll(ctx, users, chief, "viewer", user.Proof{RecentPassword: true, Elevation: refusal})
	for operation, err := range unelevated {
		t.Run("without elevation, "+operation, func(t *testing.T) {
			if !errors.Is(err, refusal) {
				t.Error(err)
			}
		})
	}
	if err := users.SetEnabledNative(ctx, chief, "plain", false, user.Proof{Elevation: refusal}); err != nil {
		t.Errorf("a user without a role of ECE needs no elevation: %v", err)
	}
}

// Ensures that administrators of ECE may grant and revoke its roles, also with an API key.
func TestNative_Administrator(t *testing.T) {
	users, st := natives(t)
	ctx := t.Context()
	add := func(tx *store.Tx) error { return tx.Keys.Insert(store.APIKey{ID: "k", UserName: "chief"}) }
	if err := st.Update(ctx, add); err != nil {
		t.Fatal(err)
	}
	key := chief
	key.Method, key.Key = identity.APIKey, identity.Key{ID: "k"}
	if _, err := users.PutNative(ctx, key, "plain", native("x", "ece_platform_admin"), proved); err != nil {
		t.Error(err)
	}
	if u := get(t, st, "plain"); fmt.Sprint(u.Roles) != "[x ece_platform_admin]" {
		t.Errorf("the roles are %v", u.Roles)
	}
	withoutRole := user.Native{Roles: []string{"x"}, Enabled: true}
	if _, err := users.PutNative(ctx, chief, "plain", withoutRole, proved); err != nil {
		t.Error(err)
	}
	if found, err := users.DeleteNative(ctx, chief, "viewer", proved); err != nil || !found {
		t.Errorf("%t, %v", found, err)
	}
	if found, err := users.DeleteNative(ctx, chief, "viewer", proved); err != nil || found {
		t.Errorf("again: %t, %v", found, err)
	}
}

// Ensures that no caller changes a built-in user, not even the user itself.
func TestNative_Builtin(t *testing.T) {
	users, _ := natives(t)
	admin := identity.Principal{User: user.Admin, Builtin: true, Roles: []identity.Role{identity.PlatformAdmin}}
	for name, by := range map[string]identity.Principal{"chief": chief, "clerk": clerk, "admin": admin} {
		for operation, err := range changeAll(t.Context(), users, by, user.Admin, proved) {
			t.Run(name+", "+operation, func(t *testing.T) {
				if !fault.Has(err, fault.InvalidData) || !strings.Contains(err.Error(), "user [admin] is reserved") {
					t.Error(err)
				}
			})
		}
	}
}

// Ensures that users change neither their own roles nor state, do not delete themselves, and change their own passwords
// only with proof.
func TestNative_Self(t *testing.T) {
	users, _ := natives(t)
	ctx := t.Context()
	oneFactor := user.Proof{RecentPassword: true, SecondFactor: fault.New(fault.SecondFactorNeeded, "elevate")}
	enabled := func(roles ...string) user.Native {
		return user.Native{Roles: append([]string{}, roles...), Enabled: true}
	}
	put := func(by identity.Principal, n user.Native, proof user.Proof) error {
		_, err := users.PutNative(ctx, by, by.User, n, proof)
		return err
	}
	secret := user.Secret{Password: new("own passphrase")}
	_, deleted := users.DeleteNative(ctx, clerk, "clerk", proved)
	unproved := users.ChangePasswordNative(ctx, clerk, "clerk", secret, user.Proof{})
	for name, c := range map[string]struct {
		err  error
		code fault.Code
	}{
		"roles":                 {put(clerk, enabled("superuser", "x"), proved), fault.UserRolesForbidden},
		"no roles":              {put(clerk, enabled(), proved), fault.UserRolesForbidden},
		"roles of ECE":          {put(chief, enabled("ece_platform_viewer"), proved), fault.UserRolesForbidden},
		"disabled":              {put(clerk, user.Native{Roles: []string{"superuser"}}, proved), fault.RequestInvalid},
		"_disable":              {users.SetEnabledNative(ctx, clerk, "clerk", false, proved), fault.InvalidData},
		"delete":                {deleted, fault.UserRestrictedDeletion},
		"password, not recent":  {put(clerk, native("superuser"), user.Proof{}), fault.RecentPasswordNeeded},
		"password, one factor":  {put(clerk, native("superuser"), oneFactor), fault.SecondFactorNeeded},
		"_password, not recent": {unproved, fault.RecentPasswordNeeded},
	} {
		t.Run(name, func(t *testing.T) {
			if !fault.Has(c.err, c.code) {
				t.Error(c.err)
			}
		})
	}
	named := user.Native{Roles: []string{"superuser"}, FullName: new("Clerk"), Enabled: true}
	if err := put(clerk, named, user.Proof{}); err != nil {
		t.Errorf("the caller's own full name: %v", err)
	}
	viewer := identity.Principal{User: "viewer", Roles: []identity.Role{"watcher", identity.PlatformViewer}}
	for _, by := range []identity.Principal{clerk, viewer} {
		if err := users.ChangePasswordNative(ctx, by, by.User, secret, proved); err != nil {
			t.Errorf("%s changes its own password: %v", by.User, err)
		}
		if _, err := users.CheckPassword(ctx, by.User, "own passphrase"); err != nil {
			t.Errorf("%s: %v", by.User, err)
		}
	}
}

func TestPutNative_NewWithoutPassword(t *testing.T) {
	users, _ := natives(t)
	n := native("x")
	n.Password = nil
	_, err := users.PutNative(t.Context(), chief, "a", n, proved)
	const want = "password must be specified unless you are updating an existing user"
	if !fault.Has(err, fault.ValidationFailed) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v; want %s", err, want)
	}
}

func TestNative_Unknown(t *testing.T) {
	users, _ := natives(t)
	secret := user.Secret{Password: new("new passphrase")}
	for name, unknown := range map[string]string{"unknown user": "unknown", "invalid name": "\x00"} {
		t.Run(name, func(t *testing.T) {
			err := users.SetEnabledNative(t.Context(), chief, unknown, true, proved)
			if !fault.Has(err, fault.ValidationFailed) {
				t.Errorf("enabling: %v", err)
			}
			err = users.ChangePasswordNative(t.Context(), chief, unknown, secret, proved)
			if !fault.Has(err, fault.ValidationFailed) {
				t.Errorf("a password: %v", err)
			}
			if found, err := users.DeleteNative(t.Context(), chief, unknown, proved); err != nil || found {
				t.Errorf("deletion: %t, %v", found, err)
			}
		})
	}
	err := users.ChangePasswordNative(t.Context(), chief, "plain", user.Secret{}, proved)
	if !fault.Has(err, fault.RequestInvalid) {
		t.Errorf("no password: %v", err)
	}
}

// Ensures that a new password and disabling end sessions, that other roles end elevation, and which event is recorded.
func TestNative_Sessions(t *testing.T) {
	users, st := natives(t)
	ctx := t.Context()
	watcher, metadata := []string{"watcher"}, map[string]any{"a": 1}
	for name, c := range map[string]struct {
		n               user.Native
		lives, elevated bool
		event           string
	}{
		"password": {native("watcher"), false, false, "user.password_changed"},
		"disabled": {user.Native{Roles: watcher}, false, false, "user.disabled"},
		"roles":    {user.Native{Roles: []string{"x"}, Enabled: true}, true, false, "user.roles_changed"},
		"metadata": {user.Native{Roles: watcher, Metadata: metadata, Enabled: true}, true, true, "user.updated"},
		"nothing":  {user.Native{Roles: watcher, Enabled: true}, true, true, "user.created"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := "u-" + name
			if _, err := users.PutNative(ctx, clerk, changed, native("watcher"), proved); err != nil {
				t.Fatal(err)
			}
			if err := st.Update(ctx, func(tx *store.Tx) error {
				end := tx.Now.Add(time.Hour)
				return errors.Join(
					tx.Sessions.Insert(store.Session{ID: changed, UserName: changed, ExpiresAt: end}),
					tx.Sessions.InsertToken(store.SessionToken{ID: changed, SessionID: changed, ExpiresAt: end, ElevatedUntil: end}),
				)
			}); err != nil {
				t.Fatal(err)
			}

			if _, err := users.PutNative(ctx, clerk, changed, c.n, proved); err != nil {
				t.Fatal(err)
			}
			if err := st.View(ctx, func(tx *store.Tx) error {
				token, _, _, err := tx.Sessions.FindByToken(changed)
				if lives := err == nil; lives != c.lives || lives && !token.ElevatedUntil.IsZero() != c.elevated {
					t.Errorf("the token is %+v, %v", token, err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if event := lastEvent(t, st, changed); event != c.event {
				t.Errorf("recorded is %s, want %s", event, c.event)
			}
		})
	}
}

// lastEvent returns the last event of the audit trail that is about a user.
func lastEvent(t *testing.T, st *store.Store, name string) (event string) {
	t.Helper()
	err := st.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		for _, e := range entries {
			if e.Subject == name {
				event = e.Event
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// Ensures that ECE's operations see and set ECE's roles only, and leave Elasticsearch's as they are.
func TestPatch_OtherRoles(t *testing.T) {
	for _, c := range []struct{ name, patch, want string }{
		{"viewer", `{"full_name":"V"}`, "[watcher ece_platform_viewer]"},
		{"viewer", `{"security":{"roles":["ece_platform_viewer"]}}`, "[watcher ece_platform_viewer]"},
		{"viewer", `{"security":{"roles":["ece_platform_admin"]}}`, "[ece_platform_admin watcher]"},
		{"viewer", `{"security":{"roles":[]}}`, "user roles invalid"},
		{"viewer", `{"security":{"roles":null}}`, "user roles invalid"},
		{"viewer", `{"security":{"roles":["watcher","ece_platform_viewer"]}}`, "user roles invalid"},
		{"plain", `{"full_name":"P"}`, "[watcher]"},
		{"plain", `{"security":{"enabled":false}}`, "[watcher]"},
		{"plain", `{"security":{"roles":[]}}`, "[watcher]"},
		{"plain", `{"security":{"roles":null}}`, "user roles invalid"},
		{"plain", `{"security":{"roles":["watcher"]}}`, "user roles invalid"},
		{"plain", `{"security":{"roles":["ece_deployment_viewer"]}}`, "[ece_deployment_viewer watcher]"},
	} {
		t.Run(c.name+", "+c.patch, func(t *testing.T) {
			users, _ := natives(t)
			var patch any
			if err := json.Unmarshal([]byte(c.patch), &patch); err != nil {
				t.Fatal(err)
			}
			u, err := users.Patch(t.Context(), chief, c.name, patch, proved)
			got := fmt.Sprint(u.Roles)
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
