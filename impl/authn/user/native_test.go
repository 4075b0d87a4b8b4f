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

// proved is what a caller has who signed in a moment ago and needs no second factor.
var proved = user.Proof{RecentPassword: true}

// chief is an administrator of ECE's; clerk has Elasticsearch's manage_security by a role, and no role of ECE.
var (
	chief = identity.Principal{User: "chief", Roles: []identity.Role{identity.PlatformAdmin}}
	clerk = identity.Principal{User: "clerk", Roles: []identity.Role{"superuser"}}
)

func pointer(text string) *string { return &text }

func native(roles ...string) user.Native {
	return user.Native{Password: pointer("a passphrase"), Roles: roles, Enabled: true}
}

// natives are users with the built-in ones, chief, clerk, viewer, who has roles of both kinds, and plain.
func natives(t *testing.T) (*user.Service, *store.Store) {
	t.Helper()
	users, st := newService(t)
	passwords := map[string]string{user.Admin: "admin's passphrase", user.Readonly: "readonly's passphrase"}
	if err := users.Bootstrap(t.Context(), user.Bootstrap{Passwords: passwords}); err != nil {
		t.Fatal(err)
	}
	for name, roles := range map[string][]string{
		"chief": {"ece_platform_admin"}, "clerk": {"superuser"}, "viewer": {"watcher", "ece_platform_viewer"}, "plain": {"watcher"},
	} {
		n := native(roles...)
		n.Roles = roles
		if created, err := users.PutNative(t.Context(), chiefElsewhere(), name, n, proved); err != nil || !created {
			t.Fatalf("%s: %t, %v", name, created, err)
		}
	}
	return users, st
}

// chiefElsewhere is an administrator of ECE's who is none of the users that tests change.
func chiefElsewhere() identity.Principal {
	p := chief
	p.User, p.Builtin = user.Admin, true
	return p
}

func get(t *testing.T, users *user.Service, name string) store.User {
	t.Helper()
	u, err := users.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Ensures that whatever is wrong with a user is told, all at once, and nothing is stored.
func TestPutNative_Refused(t *testing.T) {
	users, st := newService(t)
	const phc = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, c := range map[string]struct {
		user   string
		change func(*user.Native)
		want   []string
	}{
		"name":        {"a:b", func(*user.Native) {}, []string{"must not contain a colon"}},
		"no roles":    {"a", func(n *user.Native) { n.Roles = nil }, []string{"1: roles are missing;"}},
		"role name":   {"a", func(n *user.Native) { n.Roles = []string{"ok", " x", ""} }, []string{"1: the role name [ x] must", "2: the role name [] must"}},
		"many roles":  {"a", func(n *user.Native) { n.Roles = make([]string, 1001) }, []string{"1: a user can have at most [1000] roles;"}},
		"ECE's roles": {"a", func(n *user.Native) { n.Roles = []string{"ece_platform_admin", "x", "ece_platform_viewer"} }, []string{"stands alone"}},
		"metadata":    {"a", func(n *user.Native) { n.Metadata = map[string]any{"_x": 1} }, []string{"1: metadata keys may not start with [_];"}},
		"full name":   {"a", func(n *user.Native) { n.FullName = pointer("a\nb") }, []string{"control characters"}},
		"password":    {"a", func(n *user.Native) { n.Password = pointer("12345") }, []string{"1: a password has at least 8"}},
		"our policy":  {"a", func(n *user.Native) { n.Password = pointer("password1") }, []string{"1: this password is one that many people use"}},
		"its name":    {"abcdefgh", func(n *user.Native) { n.Password = pointer("ABCDEFGH") }, []string{"the user name is not a password"}},
		"both":        {"a", func(n *user.Native) { n.PasswordHash = pointer(phc) }, []string{"only one of [password, password_hash]"}},
		"neither":     {"a", func(n *user.Native) { n.Password = nil }, []string{"needs a password"}},
		"two": {
			"a,", func(n *user.Native) { n.Roles, n.Email = nil, pointer("\x00") },
			[]string{"1: the user name must not", "2: roles are missing;", "3: email"},
		},
	} {
		n := native("x")
		c.change(&n)
		_, err := users.PutNative(t.Context(), chief, c.user, n, proved)
		if !fault.Has(err, fault.RequestInvalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
	n := native("x")
	n.Password, n.PasswordHash = nil, pointer("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")
	if _, err := users.PutNative(t.Context(), chief, "a", n, proved); !fault.Has(err, fault.InvalidData) || strings.Contains(err.Error(), "N9qo") {
		t.Errorf("a hash by bcrypt: %v", err)
	}
	if err := st.View(t.Context(), func(tx *store.Tx) error {
		list, err := tx.Users()
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
	users, _ := natives(t)
	ctx := t.Context()
	n := native("b", "a", "b")
	n.FullName, n.Email, n.Metadata = pointer("Ann"), pointer("a@example.com"), map[string]any{"n": json.Number("1.50"), "a": nil}
	if created, err := users.PutNative(ctx, clerk, "ann", n, proved); err != nil || !created {
		t.Fatalf("%t, %v", created, err)
	}
	u := get(t, users, "ann")
	if fmt.Sprint(u.Roles) != "[b a]" || u.FullName != "Ann" || u.Email != "a@example.com" || u.Metadata != `{"a":null,"n":1.50}` || !u.Enabled {
		t.Errorf("the user is %+v", u)
	}
	if created, err := users.PutNative(ctx, clerk, "ann", user.Native{Roles: []string{}}, proved); err != nil || created {
		t.Fatalf("%t, %v", created, err)
	}
	u = get(t, users, "ann")
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
	if _, err := users.PutNative(ctx, clerk, "ann", user.Native{PasswordHash: &hash, Roles: []string{}, Enabled: true}, proved); err != nil {
		t.Fatal(err)
	}
	if _, err := users.CheckPassword(ctx, "ann", "another passphrase"); err != nil {
		t.Errorf("the password by its hash: %v", err)
	}
}

// Ensures that users are found by name, and those who do not exist are passed over.
func TestNatives(t *testing.T) {
	users, _ := natives(t)
	for names, want := range map[string]string{
		"":                                 "admin chief clerk plain readonly viewer",
		"viewer,plain,nobody,viewer,\x00x": "plain viewer",
		"nobody":                           "",
	} {
		var asked []string
		if names != "" {
			asked = strings.Split(names, ",")
		}
		list, err := users.Natives(t.Context(), asked)
		var found []string
		for _, u := range list {
			found = append(found, u.Name)
		}
		if got := strings.Join(found, " "); err != nil || got != want {
			t.Errorf("%q: %s, %v", names, got, err)
		}
	}
}

// attempts are all that one can do to a user on Elasticsearch's terms.
func attempts(ctx context.Context, users *user.Service, by identity.Principal, name string, proof user.Proof) map[string]error {
	put := func(n user.Native) error { _, err := users.PutNative(ctx, by, name, n, proof); return err }
	_, deleted := users.DeleteNative(ctx, by, name, proof)
	return map[string]error{
		"replace":  put(user.Native{Roles: []string{"x"}, Enabled: true}),
		"password": put(native("x")),
		"promote":  put(user.Native{Roles: []string{"ece_platform_admin"}, Enabled: true}),
		"keep":     put(user.Native{Roles: []string{"watcher", "ece_platform_viewer"}, Enabled: true}),
		"disable":  users.SetEnabledNative(ctx, by, name, false, proof),
		"change":   users.ChangePasswordNative(ctx, by, name, user.Secret{Password: pointer("new passphrase")}, proof),
		"delete":   deleted,
	}
}

// Ensures that Elasticsearch's privileges never lead to those of ECE: not by giving its roles, nor over those who have one,
// nor with a key that was given descriptors, nor by acting as an administrator, nor without elevation.
func TestNative_Escalation(t *testing.T) {
	users, _ := natives(t)
	ctx := t.Context()
	narrowed, actor, viewer := chief, chief, identity.Principal{User: "other", Roles: []identity.Role{"superuser", identity.PlatformViewer}}
	narrowed.Method, narrowed.Key = identity.APIKey, identity.Key{ID: "k", Assigned: "d"}
	actor.Method = identity.RunAs
	for name, by := range map[string]identity.Principal{"clerk": clerk, "viewer": viewer, "key": narrowed, "run as": actor} {
		before := get(t, users, "viewer")
		for what, err := range attempts(ctx, users, by, "viewer", proved) {
			if !fault.Has(err, fault.PermissionDenied) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		if after := get(t, users, "viewer"); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s: the user is %+v", name, after)
		}
		for _, who := range []string{"plain", "new", by.User} {
			if who == "chief" {
				continue // an administrator: covered by viewer
			}
			if _, err := users.PutNative(ctx, by, who, native("ece_deployment_viewer"), proved); !fault.Has(err, fault.PermissionDenied) {
				t.Errorf("%s gives %s a role of ECE: %v", name, who, err)
			}
		}
	}
	refusal := fault.New(fault.ElevationNeeded, "elevate")
	for what, err := range attempts(ctx, users, chief, "viewer", user.Proof{RecentPassword: true, Elevation: refusal}) {
		if !errors.Is(err, refusal) {
			t.Errorf("without elevation: %s: %v", what, err)
		}
	}
	if err := users.SetEnabledNative(ctx, chief, "plain", false, user.Proof{Elevation: refusal}); err != nil {
		t.Errorf("a user without a role of ECE needs no elevation: %v", err)
	}
}

// Ensures that administrators of ECE may give and take its roles, also with a key of theirs.
func TestNative_Administrator(t *testing.T) {
	users, st := natives(t)
	ctx := t.Context()
	if err := st.Update(ctx, func(tx *store.Tx) error { return tx.InsertAPIKey(store.APIKey{ID: "k", UserName: "chief"}) }); err != nil {
		t.Fatal(err)
	}
	key := chief
	key.Method, key.Key = identity.APIKey, identity.Key{ID: "k"}
	if _, err := users.PutNative(ctx, key, "plain", native("x", "ece_platform_admin"), proved); err != nil {
		t.Error(err)
	}
	if u := get(t, users, "plain"); fmt.Sprint(u.Roles) != "[x ece_platform_admin]" {
		t.Errorf("the roles are %v", u.Roles)
	}
	if _, err := users.PutNative(ctx, chief, "plain", user.Native{Roles: []string{"x"}, Enabled: true}, proved); err != nil {
		t.Error(err)
	}
	if found, err := users.DeleteNative(ctx, chief, "viewer", proved); err != nil || !found {
		t.Errorf("%t, %v", found, err)
	}
	if found, err := users.DeleteNative(ctx, chief, "viewer", proved); err != nil || found {
		t.Errorf("again: %t, %v", found, err)
	}
}

// Ensures that nobody changes a built-in user.
func TestNative_Builtin(t *testing.T) {
	users, _ := natives(t)
	admin := identity.Principal{User: user.Admin, Builtin: true, Roles: []identity.Role{identity.PlatformAdmin}}
	for name, by := range map[string]identity.Principal{"chief": chief, "clerk": clerk, "admin": admin} {
		for what, err := range attempts(t.Context(), users, by, user.Admin, proved) {
			if !fault.Has(err, fault.InvalidData) || !strings.Contains(err.Error(), "user [admin] is reserved") {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

// Ensures that nobody changes one's own roles or state or removes oneself, and that one's own password takes proof.
func TestNative_Self(t *testing.T) {
	users, _ := natives(t)
	ctx := t.Context()
	weak := fault.New(fault.SecondFactorNeeded, "elevate")
	put := func(by identity.Principal, n user.Native, proof user.Proof) error {
		_, err := users.PutNative(ctx, by, by.User, n, proof)
		return err
	}
	_, deleted := users.DeleteNative(ctx, clerk, "clerk", proved)
	for name, c := range map[string]struct {
		err  error
		code fault.Code
	}{
		"roles":                 {put(clerk, user.Native{Roles: []string{"superuser", "x"}, Enabled: true}, proved), fault.UserRolesForbidden},
		"no roles":              {put(clerk, user.Native{Roles: []string{}, Enabled: true}, proved), fault.UserRolesForbidden},
		"roles of ECE":          {put(chief, user.Native{Roles: []string{"ece_platform_viewer"}, Enabled: true}, proved), fault.UserRolesForbidden},
		"disabled":              {put(clerk, user.Native{Roles: []string{"superuser"}}, proved), fault.UserRestrictedField},
		"_disable":              {users.SetEnabledNative(ctx, clerk, "clerk", false, proved), fault.UserRestrictedField},
		"delete":                {deleted, fault.UserRestrictedDeletion},
		"password, not recent":  {put(clerk, native("superuser"), user.Proof{}), fault.RecentPasswordNeeded},
		"password, one factor":  {put(clerk, native("superuser"), user.Proof{RecentPassword: true, SecondFactor: weak}), fault.SecondFactorNeeded},
		"_password, not recent": {users.ChangePasswordNative(ctx, clerk, "clerk", user.Secret{Password: pointer("new passphrase")}, user.Proof{}), fault.RecentPasswordNeeded},
	} {
		if !fault.Has(c.err, c.code) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if err := put(clerk, user.Native{Roles: []string{"superuser"}, FullName: pointer("Clerk"), Enabled: true}, user.Proof{}); err != nil {
		t.Errorf("one's own full name: %v", err)
	}
	viewer := identity.Principal{User: "viewer", Roles: []identity.Role{"watcher", identity.PlatformViewer}}
	for _, by := range []identity.Principal{clerk, viewer} {
		if err := users.ChangePasswordNative(ctx, by, by.User, user.Secret{Password: pointer("own passphrase")}, proved); err != nil {
			t.Errorf("%s changes one's own password: %v", by.User, err)
		}
		if _, err := users.CheckPassword(ctx, by.User, "own passphrase"); err != nil {
			t.Errorf("%s: %v", by.User, err)
		}
	}
}

// Ensures that those who do not exist are neither disabled nor given a password.
func TestNative_Nobody(t *testing.T) {
	users, _ := natives(t)
	for _, name := range []string{"nobody", "\x00"} {
		if err := users.SetEnabledNative(t.Context(), chief, name, true, proved); !fault.Has(err, fault.RequestInvalid) {
			t.Errorf("%q: %v", name, err)
		}
		if err := users.ChangePasswordNative(t.Context(), chief, name, user.Secret{Password: pointer("new passphrase")}, proved); !fault.Has(err, fault.RequestInvalid) {
			t.Errorf("%q: %v", name, err)
		}
		if found, err := users.DeleteNative(t.Context(), chief, name, proved); err != nil || found {
			t.Errorf("%q: %t, %v", name, found, err)
		}
	}
	if err := users.ChangePasswordNative(t.Context(), chief, "plain", user.Secret{}, proved); !fault.Has(err, fault.RequestInvalid) {
		t.Errorf("no password: %v", err)
	}
}

// Ensures that sessions end with the password and with disabling, that other roles lower them, and what is recorded.
func TestNative_Sessions(t *testing.T) {
	users, st := natives(t)
	ctx := t.Context()
	for name, c := range map[string]struct {
		n             user.Native
		lives, lifted bool
		event         string
	}{
		"password": {native("watcher"), false, false, "user.password_changed"},
		"disabled": {user.Native{Roles: []string{"watcher"}}, false, false, "user.disabled"},
		"roles":    {user.Native{Roles: []string{"x"}, Enabled: true}, true, false, "user.roles_changed"},
		"metadata": {user.Native{Roles: []string{"watcher"}, Metadata: map[string]any{"a": 1}, Enabled: true}, true, true, "user.updated"},
		"nothing":  {user.Native{Roles: []string{"watcher"}, Enabled: true}, true, true, "user.created"},
	} {
		who := "u-" + name
		if _, err := users.PutNative(ctx, clerk, who, native("watcher"), proved); err != nil {
			t.Fatal(err)
		}
		if err := st.Update(ctx, func(tx *store.Tx) error {
			end := tx.Now.Add(time.Hour)
			return errors.Join(
				tx.InsertSession(store.Session{ID: who, UserName: who, ExpiresAt: end}),
				tx.InsertSessionToken(store.SessionToken{ID: who, SessionID: who, ExpiresAt: end, ElevatedUntil: end}),
			)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := users.PutNative(ctx, clerk, who, c.n, proved); err != nil {
			t.Fatal(err)
		}
		if err := st.View(ctx, func(tx *store.Tx) error {
			token, _, _, err := tx.LiveSession(who)
			if lives := err == nil; lives != c.lives || lives && !token.ElevatedUntil.IsZero() != c.lifted {
				t.Errorf("%s: %+v, %v", name, token, err)
			}
			entries, err := tx.AuditEntriesAfter(time.Time{}, "", 1000)
			last := ""
			for _, e := range entries {
				if e.Subject == who {
					last = e.Event
				}
			}
			if last != c.event {
				t.Errorf("%s: recorded is %s", name, last)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
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
			t.Errorf("%s %s: %s, want %s", c.name, c.patch, got, c.want)
		}
	}
}
