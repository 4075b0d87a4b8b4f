package saml

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func openStore(t *testing.T) *store.Store { return openStoreAt(t, time.Now) }

func openStoreAt(t *testing.T, now func() time.Time) *store.Store {
	t.Helper()
	st := storetest.Open(t, storetest.File(t), now)
	return st
}

func update(t *testing.T, st *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// signedIn is a sign-in as erin acts herself.
func signedIn(t *testing.T, st *store.Store, realm string, p Profile) (store.User, error) {
	t.Helper()
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: p.Name})
	var u store.User
	err := st.Update(ctx, func(tx *store.Tx) (err error) {
		u, err = signIn(ctx, tx, Realm{ID: realm}, p)
		return err
	})
	return u, err
}

// events are what the trail has, and of whom.
func events(t *testing.T, st *store.Store) string {
	t.Helper()
	var found []string
	if err := st.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 100)
		for _, e := range entries {
			found = append(found, e.Event+" "+e.Subject+" by "+e.Actor+" "+e.Details)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, "\n")
}

func profile() Profile {
	return Profile{
		Identity: store.ExternalIdentity{NameID: "id-1", Format: formatPersistent}, Name: "erin", FullName: "Erin",
		Email: "erin@example.com", Roles: []identity.Role{identity.DeploymentViewer, "watcher"},
	}
}

// Ensures that the first sign-in makes the user, that another changes what the identity provider says otherwise, and
// that one that changes nothing records nothing.
func TestSignIn(t *testing.T) {
	st := openStore(t)
	made, err := signedIn(t, st, "corporate", profile())
	if err != nil || made.Name != "erin" || made.Realm != "corporate" || made.Identity != profile().Identity ||
		!made.Enabled || made.Builtin || made.PasswordHash != "" ||
		made.FullName != "Erin" || made.Email != "erin@example.com" || !slices.Equal(made.Roles, profile().Roles) ||
		made.CreatedAt.IsZero() || made.CreatedBy != "erin" {
		t.Fatalf("made is %+v, %v", made, err)
	}
	again, err := signedIn(t, st, "corporate", profile())
	if err != nil || again.UpdatedAt != made.UpdatedAt {
		t.Errorf("again is %+v, %v", again, err)
	}
	p := profile()
	p.Name, p.FullName, p.Roles = "erin.new", "", []identity.Role{identity.PlatformViewer}
	changed, err := signedIn(t, st, "corporate", p)
	if err != nil || changed.Name != "erin" || changed.FullName != "" || changed.Email != "erin@example.com" ||
		!slices.Equal(changed.Roles, p.Roles) {
		t.Errorf("changed is %+v, %v", changed, err)
	}
	if got := events(t, st); got != `user.created erin by erin {"realm":"corporate","roles":["ece_deployment_viewer","watcher"]}
user.roles_changed erin by erin.new {"roles":["ece_platform_viewer"]}
user.updated erin by erin.new {"roles":["ece_platform_viewer"]}
user.promoted erin by erin.new {"roles":["ece_platform_viewer"]}` {
		t.Errorf("recorded is\n%s", got)
	}
}

// Ensures that sessions lose their elevation, and go on, when a sign-in brings other roles, and not otherwise.
func TestSignIn_Elevation(t *testing.T) {
	st := openStore(t)
	if _, err := signedIn(t, st, "corporate", profile()); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	update(t, st, func(tx *store.Tx) error {
		if err := tx.Sessions.Insert(store.Session{ID: "s", UserName: "erin", ExpiresAt: until}); err != nil {
			return err
		}
		return tx.Sessions.InsertToken(store.SessionToken{ID: "t", SessionID: "s", ExpiresAt: until, ElevatedUntil: until})
	})
	elevated := func() bool {
		var is bool
		update(t, st, func(tx *store.Tx) error {
			token, _, _, err := tx.Sessions.FindByToken("t")
			is = !token.ElevatedUntil.IsZero()
			return err
		})
		return is
	}
	p := profile()
	p.FullName = "Erin Doe"
	if _, err := signedIn(t, st, "corporate", p); err != nil || !elevated() {
		t.Errorf("another name lowers: %v", err)
	}
	p.Roles = []identity.Role{"watcher"}
	if _, err := signedIn(t, st, "corporate", p); err != nil || elevated() {
		t.Errorf("other roles do not lower: %v", err)
	}
}

// Ensures that a disabled user is refused, and that the attempt does not change the user.
func TestSignIn_Disabled(t *testing.T) {
	st := openStore(t)
	u, err := signedIn(t, st, "corporate", profile())
	if err != nil {
		t.Fatal(err)
	}
	u.Enabled = false
	update(t, st, func(tx *store.Tx) error { return tx.Users.Update(u) })
	p := profile()
	p.Roles = []identity.Role{identity.PlatformAdmin}
	_, err = signedIn(t, st, "corporate", p)
	var refusal *RefusedError
	if !errors.As(err, &refusal) || refusal.Reason != "the user erin is disabled" {
		t.Errorf("refused with %v", err)
	}
	update(t, st, func(tx *store.Tx) error {
		now, err := tx.Users.Find("erin")
		if now.Enabled || !slices.Equal(now.Roles, u.Roles) {
			t.Errorf("the user is %+v", now)
		}
		return err
	})
}

// Ensures that a sign-in with the name of a native or built-in user, of another realm's user, or of another user of the
// same realm is refused, and that users of two realms may have the same NameID.
func TestSignIn_NameTaken(t *testing.T) {
	st := openStore(t)
	update(t, st, func(tx *store.Tx) error {
		return errors.Join(
			tx.Users.Insert(store.User{Name: "alice", Enabled: true, PasswordHash: secret.Digest("x")}),
			tx.Users.Insert(store.User{Name: "admin", Builtin: true, Enabled: true}),
			tx.Users.Insert(store.User{Name: "frank", Enabled: true, Realm: "partners", Identity: profile().Identity}),
			tx.Users.Insert(store.User{
				Name: "grace", Enabled: true, Realm: "corporate", Identity: store.ExternalIdentity{NameID: "id-9"},
			}),
		)
	})
	for name, want := range map[string]string{
		"alice": "that of a user of the realm default_native", "admin": "that of a user of the realm reserved",
		"frank": "that of a user of the realm partners",
		"grace": "that of a user whom the identity provider knew by another NameID",
	} {
		p := profile()
		p.Name = name
		u, err := signedIn(t, st, "corporate", p)
		var refusal *RefusedError
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, want) || u.Name != "" {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
	if got := events(t, st); got != "" {
		t.Errorf("recorded is %s", got)
	}
	if u, err := signedIn(t, st, "corporate", profile()); err != nil || u.Name != "erin" {
		t.Errorf("a NameID that another realm has too: %+v, %v", u, err)
	}
}
