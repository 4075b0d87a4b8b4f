package user_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) (*user.Service, *store.Store) {
	t.Helper()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	st := storetest.Open(t, storetest.File(t), func() time.Time { return now })
	hasher := secret.NewHasher(secret.Cost{Memory: 64, Passes: 1, Threads: 1})
	return user.NewService(st, hasher, attempts.NewCounter(attempts.DefaultPolicy, nil)), st
}

func valid() user.New {
	return user.New{Name: "alice", Roles: []string{"ece_deployment_viewer"}, Password: "a passphrase"}
}

// Ensures that names that a path, a list, a header or a log cannot hold are refused, and ordinary ones are not.
func TestAdd_Name(t *testing.T) {
	users, _ := newService(t)
	for name, c := range map[string]struct {
		user string
		want fault.Code
	}{
		"empty":             {"", fault.UserNameInvalid},
		"blank":             {" ", fault.UserNameInvalid},
		"ends blank":        {"a ", fault.UserNameInvalid},
		"begins blank":      {" a", fault.UserNameInvalid},
		"colon":             {"a:b", fault.UserNameInvalid},
		"slash":             {"a/b", fault.UserNameInvalid},
		"backslash":         {`a\b`, fault.UserNameInvalid},
		"comma":             {"a,b", fault.UserNameInvalid},
		"a path":            {"auth", fault.UserNameInvalid},
		"the audit trail's": {"(system)", fault.UserNameInvalid},
		"underscore":        {"_all", fault.UserNameInvalid},
		"dot":               {".", fault.UserNameInvalid},
		"two dots":          {"..", fault.UserNameInvalid},
		"line feed":         {"a\nb", fault.UserNameInvalid},
		"NUL":               {"a\x00", fault.UserNameInvalid},
		"DEL":               {"a\x7f", fault.UserNameInvalid},
		"no ASCII":          {"ä", fault.UserNameInvalid},
		"508 characters":    {strings.Repeat("x", 508), fault.UserNameInvalid},
		"reads as built in": {"Admin", fault.UserNameInvalid},
		"built in":          {"admin", fault.UserNameConflict},
		"reserved":          {"kibana", fault.UserNameInvalid},
		"one character":     {"a", fault.Code{}},
		"e-mail address":    {"alice@example.com", fault.Code{}},
		"space within":      {"Jo Doe", fault.Code{}},
		"apostrophe":        {"o'neil", fault.Code{}},
		"punctuation":       {"x.y-z_1", fault.Code{}},
		"percent sign":      {"100%", fault.Code{}},
		"URL's delimiters":  {"a?b#c", fault.Code{}},
		"507 characters":    {strings.Repeat("x", 507), fault.Code{}},
	} {
		t.Run(name, func(t *testing.T) {
			n := valid()
			n.Name = c.user
			if _, err := users.Add(t.Context(), n); !has(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestAdd_Refused(t *testing.T) {
	users, _ := newService(t)
	if _, err := users.Add(t.Context(), valid()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*user.New)
		want   fault.Code
	}{
		"name is taken":                {func(n *user.New) { n.Name = "alice" }, fault.UserNameConflict},
		"no roles":                     {func(n *user.New) { n.Roles = nil }, fault.UserRolesInvalid},
		"control character in a name":  {func(n *user.New) { n.FullName = "a\nb" }, fault.InvalidData},
		"control character in address": {func(n *user.New) { n.Email = "a\nb" }, fault.InvalidData},
	} {
		t.Run(name, func(t *testing.T) {
			n := valid()
			n.Name = "bob"
			c.change(&n)
			if _, err := users.Add(t.Context(), n); !fault.Has(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// has reports whether an error has a code; the zero code stands for no error.
func has(err error, want fault.Code) bool {
	if want == (fault.Code{}) {
		return err == nil
	}
	return fault.Has(err, want)
}

// Ensures that a password has 8 characters to 1,024 bytes, and that none is truncated.
func TestAdd_Password(t *testing.T) {
	users, _ := newService(t)
	for name, c := range map[string]struct {
		password string
		fits     bool
	}{
		"empty":                  {"", false},
		"7 characters":           {"1234567", false},
		"7 characters, 14 bytes": {"ÄÖÜäöüß", false},
		"8 characters, 16 bytes": {"ÄÖÜäöüßß", true},
		"1024 bytes":             {strings.Repeat("x", 1024), true},
		"1025 bytes":             {strings.Repeat("x", 1025), false},
	} {
		t.Run(name, func(t *testing.T) {
			n := valid()
			n.Name, n.Password = strings.NewReplacer(" ", "-", ",", "").Replace(name), c.password
			_, err := users.Add(t.Context(), n)
			if !c.fits {
				if !fault.Has(err, fault.InvalidData) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := users.CheckPassword(t.Context(), n.Name, c.password); err != nil {
				t.Errorf("the password: %v", err)
			}
			if _, err := users.CheckPassword(t.Context(), n.Name, c.password+"x"); !fault.Has(err, fault.LoginFailed) {
				t.Errorf("the password and a character: %v", err)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	users, _ := natives(t)
	for _, c := range []struct {
		name, user string
		by         identity.Principal
		want       fault.Code
	}{
		{"unknown user", "unknown", chief, fault.UserNotFound},
		{"built-in user", user.Admin, chief, fault.UserCannotModify},
		{"the caller's own", "chief", chief, fault.UserRestrictedDeletion},
		{"another user", "plain", chief, fault.Code{}},
		{"deleted user", "plain", chief, fault.UserNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := users.Delete(t.Context(), c.by, c.user); !has(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := users.Get(t.Context(), "plain"); !fault.Has(err, fault.UserNotFound) {
		t.Errorf("the deleted user: %v", err)
	}
}

// Ensures that a locked user signs in again after it was unlocked, which no user does for itself.
func TestUnlock(t *testing.T) {
	users, _ := natives(t)
	signIn := func(password string) error {
		_, err := users.CheckPassword(t.Context(), "plain", password)
		return err
	}
	for range attempts.DefaultPolicy.Threshold {
		if err := signIn("wrong"); !fault.Has(err, fault.LoginFailed) {
			t.Fatal(err)
		}
	}
	if err := signIn("a passphrase"); !fault.Has(err, fault.LoginFailed) {
		t.Fatalf("while the user is locked: %v", err)
	}

	for _, c := range []struct {
		name, user, by string
		want           fault.Code
	}{
		{"unknown user", "unknown", "chief", fault.UserNotFound},
		{"the caller itself", "plain", "plain", fault.PermissionDenied},
		{"another user", "plain", "chief", fault.Code{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := users.Unlock(t.Context(), identity.Principal{User: c.by}, c.user)
			if !has(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err := signIn("a passphrase"); (err == nil) != (c.want == fault.Code{}) {
				t.Errorf("after it, a sign-in: %v", err)
			}
		})
	}
}

// Ensures that a right password is cached until it is changed.
func TestCheckPassword_Cached(t *testing.T) {
	users, _ := newService(t)
	if _, err := users.Add(t.Context(), valid()); err != nil {
		t.Fatal(err)
	}
	check := func(password string, right bool, wantHits, wantMisses uint64) {
		t.Helper()
		_, err := users.CheckPassword(t.Context(), "alice", password)
		if hits, misses := users.CacheCounts(); (err == nil) != right || hits != wantHits || misses != wantMisses {
			t.Errorf("got %v, with %d hits and %d misses; want %d and %d", err, hits, misses, wantHits, wantMisses)
		}
	}

	check("a passphrase", true, 0, 1)
	check("a passphrase", true, 1, 1)
	check("wrong", false, 1, 2)
	if err := users.SetPassword(t.Context(), "alice", "another passphrase"); err != nil {
		t.Fatal(err)
	}
	check("a passphrase", false, 1, 3)
	check("another passphrase", true, 1, 4)
}

// Ensures that built-in users get their passwords once, keep them, take new ones from the configuration, and are not
// changed otherwise.
func TestBootstrap(t *testing.T) {
	users, _ := newService(t)
	ctx := t.Context()
	bootstrap := func(passwords map[string]string) (map[string]string, error) {
		kept := map[string]string{}
		keep := func(random map[string]string) error {
			kept = random
			return nil
		}
		err := users.Bootstrap(ctx, user.Bootstrap{Passwords: passwords, Keep: keep})
		return kept, err
	}
	lost := errors.New("disk full")
	err := users.Bootstrap(ctx, user.Bootstrap{Keep: func(map[string]string) error { return lost }})
	if !errors.Is(err, lost) {
		t.Fatalf("passwords that cannot be kept: %v", err)
	}
	if list, err := users.List(ctx, true); err != nil || len(list) != 0 {
		t.Errorf("there are users without stored passwords: %v, %v", list, err)
	}
	made, err := bootstrap(map[string]string{user.Readonly: "configured"})
	if err != nil || len(made) != 1 || len(made[user.Admin]) < 20 {
		t.Fatalf("made %v, %v", made, err)
	}
	check := func(name, password string, right bool) {
		t.Helper()
		if _, err := users.CheckPassword(ctx, name, password); (err == nil) != right {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(user.Admin, made[user.Admin], true)
	check(user.Readonly, "configured", true)
	again, err := bootstrap(map[string]string{user.Readonly: "replaced password"})
	if err != nil || len(again) != 0 {
		t.Errorf("made again %v, %v", again, err)
	}
	check(user.Admin, made[user.Admin], true)
	check(user.Readonly, "configured", false)
	check(user.Readonly, "replaced password", true)
	_, err = bootstrap(map[string]string{user.Admin: "short"})
	if !fault.Has(err, fault.InvalidData) || !strings.Contains(err.Error(), `"admin"`) {
		t.Errorf("a short password: %v", err)
	}
	if err := users.SetPassword(ctx, user.Admin, "a passphrase"); !fault.Has(err, fault.UserCannotModify) {
		t.Errorf("a built-in user's password: %v", err)
	}
	if err := users.SetEnabled(ctx, user.Readonly, false); !fault.Has(err, fault.UserCannotModify) {
		t.Errorf("disabling a built-in user: %v", err)
	}
	if err := users.SetEnabled(ctx, "unknown", true); !fault.Has(err, fault.UserNotFound) {
		t.Errorf("changing an unknown user: %v", err)
	}
}

// Ensures that each change is recorded with its actor, and that one that fails is not.
func TestAudit(t *testing.T) {
	users, st := newService(t)
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "bob", Address: "192.0.2.1", RequestID: "r1"})
	add := func(n user.New) error {
		_, err := users.Add(ctx, n)
		return err
	}
	err := errors.Join(
		add(valid()),
		users.SetEnabled(ctx, "alice", false),
		users.SetEnabled(ctx, "alice", true),
		users.SetPassword(ctx, "alice", "another passphrase"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"user exists":    add(valid()),
		"short password": users.SetPassword(ctx, "alice", "short"),
		"unknown user":   users.SetEnabled(ctx, "bob", true),
	} {
		if err == nil {
			t.Fatalf("%s: the change succeeds", name)
		}
	}
	var events []string
	err = st.View(ctx, func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 10)
		for _, e := range entries {
			events = append(events, e.Event)
			origin := audit.Origin{Actor: e.Actor, Address: e.Address, RequestID: e.RequestID}
			if origin != audit.OriginOf(ctx) || e.Subject != "alice" || strings.Contains(e.Details, "argon2") {
				t.Errorf("the entry is %+v", e)
			}
		}
		return err
	})
	want := []string{"user.created", "user.disabled", "user.enabled", "user.password_changed"}
	if err != nil || !slices.Equal(events, want) {
		t.Errorf("recorded are %q (%v)", events, err)
	}
}

// Ensures that concurrent changes of a user's roles do not undo each other.
func TestChangeRoles_Concurrent(t *testing.T) {
	users, _ := newService(t)
	n := valid()
	n.Roles = []string{"ece_deployment_viewer", "ece_platform_viewer"}
	if _, err := users.Add(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	both := []user.RoleChange{
		{Remove: []string{"ece_platform_viewer"}},
		{Add: []string{"ece_deployment_manager"}, Remove: []string{"ece_deployment_viewer"}},
	}
	undo := user.RoleChange{
		Add: []string{"ece_platform_viewer", "ece_deployment_viewer"}, Remove: []string{"ece_deployment_manager"},
	}
	for range 10 {
		errs := make(chan error)
		for _, change := range both {
			go func() {
				_, err := users.ChangeRoles(t.Context(), "alice", change, "")
				errs <- err
			}()
		}
		if err := errors.Join(<-errs, <-errs); err != nil {
			t.Fatal(err)
		}
		u, err := users.Get(t.Context(), "alice")
		if err != nil || !slices.Equal(identity.Names(u.Roles), []string{"ece_deployment_manager"}) {
			t.Fatalf("the roles are %v, %v", u.Roles, err)
		}
		if _, err := users.ChangeRoles(t.Context(), "alice", undo, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensures that a change of roles follows the rules of roles, keeps Elasticsearch roles, and names mistakes.
func TestChangeRoles(t *testing.T) {
	for name, c := range map[string]struct {
		change user.RoleChange
		want   string
		fails  fault.Code
	}{
		"add":          {user.RoleChange{Add: []string{"ece_platform_viewer"}}, "ece_deployment_viewer ece_platform_viewer logs", fault.Code{}},
		"held":         {user.RoleChange{Add: []string{"ece_deployment_viewer"}}, "ece_deployment_viewer logs", fault.Code{}},
		"not held":     {user.RoleChange{Remove: []string{"ece_platform_viewer"}}, "ece_deployment_viewer logs", fault.Code{}},
		"the last":     {user.RoleChange{Remove: []string{"ece_deployment_viewer"}}, "", fault.UserRolesInvalid},
		"excluding":    {user.RoleChange{Add: []string{"ece_deployment_manager"}}, "", fault.UserRolesInvalid},
		"unknown":      {user.RoleChange{Add: []string{"king"}}, "", fault.UserRolesInvalid},
		"unknown held": {user.RoleChange{Remove: []string{"ece_platform_viewr"}}, "", fault.UserRolesInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			users, _ := newService(t)
			native := user.Native{
				Password: new("a passphrase"), Roles: []string{"ece_deployment_viewer", "logs"}, Enabled: true,
			}
			admin := identity.Principal{Roles: []identity.Role{identity.PlatformAdmin}}
			if _, err := users.PutNative(t.Context(), admin, "alice", native, user.Proof{}); err != nil {
				t.Fatal(err)
			}
			u, err := users.ChangeRoles(t.Context(), "alice", c.change, "another passphrase")
			if !has(err, c.fails) || err == nil && strings.Join(identity.Names(u.Roles), " ") != c.want {
				t.Errorf("got %v and %v; want %q or %v", u.Roles, err, c.want, c.fails)
			}
		})
	}
}
