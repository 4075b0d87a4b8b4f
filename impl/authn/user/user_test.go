package user_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/guard"
	"github.com/sallyport/sallyport/impl/authn/lockout"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

func newService(t *testing.T) (*user.Service, *store.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return user.NewService(st, secret.NewHasher(secret.Cost{Memory: 64, Passes: 1, Threads: 1}), guard.New(lockout.DefaultPolicy, nil)), st
}

func valid() user.New {
	return user.New{Name: "alice", Roles: []string{"ece_deployment_viewer"}, Password: "a passphrase"}
}

// Ensures that names that some use of them could not carry are refused, and ordinary ones are not.
func TestAdd_Name(t *testing.T) {
	users, _ := newService(t)
	for _, name := range []string{
		"", " ", "a ", " a", "a:b", "a/b", `a\b`, "a,b", "auth", "(system)", "_all", ".", "..", "a\nb", "a\x00", "ä", "a\x7f", strings.Repeat("x", 508),
	} {
		n := valid()
		n.Name = name
		if _, err := users.Add(t.Context(), n); !fault.Has(err, fault.UserNameInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "alice@example.com", "Jo Doe", "o'neil", "x.y-z_1", "100%", "a?b#c", strings.Repeat("x", 507)} {
		n := valid()
		n.Name = name
		if _, err := users.Add(t.Context(), n); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := users.Add(t.Context(), user.New{Name: "a", Roles: valid().Roles, Password: "a passphrase"}); !fault.Has(err, fault.UserNameConflict) {
		t.Errorf("adding a user twice: %v", err)
	}
}

// Ensures that a password has 8 characters to 1,024 bytes, and that none is cut.
func TestAdd_Password(t *testing.T) {
	users, _ := newService(t)
	for password, fits := range map[string]bool{
		"": false, "1234567": false, "ÄÖÜäöüß": false, "ÄÖÜäöüßß": true, strings.Repeat("x", 1024): true, strings.Repeat("x", 1025): false,
	} {
		n := valid()
		n.Name, n.Password = secret.Text(4)+"x", password
		n.Name = "u" + strings.Trim(n.Name, "_-")
		_, err := users.Add(t.Context(), n)
		if fits && err != nil || !fits && !fault.Has(err, fault.InvalidData) {
			t.Errorf("%d bytes: %v", len(password), err)
		}
		if !fits {
			continue
		}
		if _, err := users.CheckPassword(t.Context(), n.Name, password); err != nil {
			t.Errorf("%d bytes: %v", len(password), err)
		}
		if _, err := users.CheckPassword(t.Context(), n.Name, password+"x"); !fault.Has(err, fault.LoginFailed) {
			t.Errorf("%d bytes and one: %v", len(password), err)
		}
	}
}

// Ensures that built-in users get their passwords once, keep them, take new ones from the configuration, and are not
// changed otherwise.
func TestBootstrap(t *testing.T) {
	users, _ := newService(t)
	ctx := t.Context()
	bootstrap := func(passwords map[string]string) (map[string]string, error) {
		kept := map[string]string{}
		err := users.Bootstrap(ctx, user.Bootstrap{Passwords: passwords, Keep: func(random map[string]string) error {
			kept = random
			return nil
		}})
		return kept, err
	}
	lost := errors.New("disk full")
	if err := users.Bootstrap(ctx, user.Bootstrap{Keep: func(map[string]string) error { return lost }}); !errors.Is(err, lost) {
		t.Fatalf("passwords that cannot be kept: %v", err)
	}
	if list, err := users.List(ctx, true); err != nil || len(list) != 0 {
		t.Errorf("there are users whose passwords were not kept: %v, %v", list, err)
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
	again, err := bootstrap(map[string]string{user.Readonly: "configured anew"})
	if err != nil || len(again) != 0 {
		t.Errorf("made again %v, %v", again, err)
	}
	check(user.Admin, made[user.Admin], true)
	check(user.Readonly, "configured", false)
	check(user.Readonly, "configured anew", true)
	if _, err := bootstrap(map[string]string{user.Admin: "short"}); !fault.Has(err, fault.InvalidData) || !strings.Contains(err.Error(), `"admin"`) {
		t.Errorf("a short password: %v", err)
	}
	for _, err := range []error{users.SetPassword(ctx, user.Admin, "a passphrase"), users.SetEnabled(ctx, user.Readonly, false)} {
		if !fault.Has(err, fault.UserCannotModify) {
			t.Errorf("changing a built-in user: %v", err)
		}
	}
	if err := users.SetEnabled(ctx, "nobody", true); !fault.Has(err, fault.UserNotFound) {
		t.Errorf("changing nobody: %v", err)
	}
}

// Ensures that every change is recorded with who made it, and that one that fails is not.
func TestAudit(t *testing.T) {
	users, st := newService(t)
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "bob", Address: "192.0.2.1", RequestID: "r1"})
	add := func(n user.New) error {
		_, err := users.Add(ctx, n)
		return err
	}
	err := errors.Join(
		add(valid()), users.SetEnabled(ctx, "alice", false), users.SetEnabled(ctx, "alice", true), users.SetPassword(ctx, "alice", "another passphrase"),
	)
	if err != nil {
		t.Fatal(err)
	}
	if add(valid()) == nil || users.SetPassword(ctx, "alice", "short") == nil || users.SetEnabled(ctx, "nobody", true) == nil {
		t.Fatal("what must fail does not")
	}
	var events []string
	err = st.View(ctx, func(tx *store.Tx) error {
		entries, err := tx.AuditEntriesAfter(time.Time{}, "", 10)
		for _, e := range entries {
			events = append(events, e.Event)
			if e.Actor != "bob" || e.Subject != "alice" || e.Address != "192.0.2.1" || e.RequestID != "r1" || strings.Contains(e.Details, "argon2") {
				t.Errorf("the entry is %+v", e)
			}
		}
		return err
	})
	if got := strings.Join(events, " "); err != nil || got != "user.created user.disabled user.enabled user.password_changed" {
		t.Errorf("recorded is %s (%v)", got, err)
	}
}
