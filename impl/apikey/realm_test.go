package apikey_test

import (
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// realms is a service with users of three realms, superuser all of them but weak, each with a key called as the user.
type realms struct {
	*testing.T
	*apikey.Service
	store *store.Store
	ids   map[string]string
}

func newRealms(t *testing.T) *realms {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	keys := apikey.NewService(st, apikey.Settings{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		keys.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &realms{t, keys, st, map[string]string{}}
	for _, u := range []store.User{
		{Name: "alice"}, {Name: "erin", Realm: "corporate", Identity: store.ExternalIdentity{NameID: "e"}}, {Name: "frank", Realm: "partners", Identity: store.ExternalIdentity{NameID: "f"}},
		{Name: "weak", Realm: "corporate", Identity: store.ExternalIdentity{NameID: "w"}},
	} {
		u.Enabled, u.Roles = true, []identity.Role{"superuser"}
		if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(u) }); err != nil {
			t.Fatal(err)
		}
		key, _, err := keys.CreatePlain(t.Context(), identity.Principal{User: u.Name, SAMLRealm: u.Realm, Roles: u.Roles}, u.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.ids[key.ID] = u.Name
	}
	if err := st.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.PutRole(store.Role{Name: "keeper", Descriptor: `{"keeper":{"cluster":["manage_own_api_key"]}}`})
		if err != nil {
			return err
		}
		u, err := tx.User("weak")
		if err != nil {
			return err
		}
		u.Roles = []identity.Role{"keeper"}
		return tx.UpdateUser(u)
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *realms) subject(name string) access.Subject {
	w.Helper()
	rights, err := access.NewService(w.store)
	if err != nil {
		w.Fatal(err)
	}
	var u store.User
	session := store.Session{ID: rand.Text(), UserName: name, ExpiresAt: time.Now().Add(time.Hour)}
	if err := w.store.Update(w.Context(), func(tx *store.Tx) (err error) {
		if u, err = tx.User(name); err != nil {
			return err
		}
		return tx.InsertSession(session)
	}); err != nil {
		w.Fatal(err)
	}
	subject, err := rights.Subject(w.Context(), identity.Principal{User: u.Name, SAMLRealm: u.Realm, Roles: u.Roles, Method: identity.Session, SessionID: session.ID})
	if err != nil {
		w.Fatal(err)
	}
	return subject
}

// found returns the owners of the keys that a filter selects.
func (w *realms) found(by string, f apikey.Filter) (string, error) {
	w.Helper()
	views, err := w.Find(w.Context(), w.subject(by), f, false)
	var owners []string
	for _, v := range views {
		owners = append(owners, v.UserName)
	}
	slices.Sort(owners)
	return strings.Join(owners, " "), err
}

// Ensures that keys are found by the realm of their owners, and that this realm is what is shown of them.
func TestFind_Realm(t *testing.T) {
	w := newRealms(t)
	for name, c := range map[string]struct {
		filter apikey.Filter
		want   string
	}{
		"native":            {apikey.Filter{RealmName: "default_native"}, "alice"},
		"SAML":              {apikey.Filter{RealmName: "corporate"}, "erin weak"},
		"another":           {apikey.Filter{RealmName: "partners"}, "frank"},
		"none":              {apikey.Filter{RealmName: "corpo*"}, ""},
		"user and realm":    {apikey.Filter{RealmName: "corporate", UserName: "erin"}, "erin"},
		"user of another":   {apikey.Filter{RealmName: "default_native", UserName: "erin"}, ""},
		"all":               {apikey.Filter{}, "alice erin frank weak"},
		"reserved, no keys": {apikey.Filter{RealmName: "reserved"}, ""},
	} {
		if got, err := w.found("alice", c.filter); err != nil || got != c.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	views, err := w.Find(t.Context(), w.subject("alice"), apikey.Filter{UserName: "erin"}, true)
	if err != nil || len(views) != 1 || views[0].Realm != (identity.Realm{Name: "corporate", Type: "saml"}) {
		t.Errorf("shown is %+v, %v", views, err)
	}
}

// Ensures that who may see one's own keys only may ask for them by one's own name and realm, and by no other realm.
func TestFind_OwnRealm(t *testing.T) {
	w := newRealms(t)
	if got, err := w.found("weak", apikey.Filter{UserName: "weak", RealmName: "corporate"}); err != nil || got != "weak" {
		t.Errorf("%s, %v", got, err)
	}
	for _, f := range []apikey.Filter{{UserName: "weak", RealmName: "default_native"}, {UserName: "weak"}, {RealmName: "corporate"}, {UserName: "erin", RealmName: "corporate"}} {
		if got, err := w.found("weak", f); !fault.Has(err, fault.PermissionDenied) || got != "" {
			t.Errorf("%+v: %s, %v", f, got, err)
		}
	}
}

// Ensures that a query sees the realm of each key's owner.
func TestQuery_Realm(t *testing.T) {
	w := newRealms(t)
	body := map[string]any{"query": map[string]any{"term": map[string]any{"realm_name": "corporate"}}}
	found, err := w.Query(t.Context(), w.subject("alice"), body, false)
	if err != nil || found.Total != 2 {
		t.Errorf("found are %d, %v", found.Total, err)
	}
	for _, hit := range found.Page {
		if hit.Realm.Name != "corporate" {
			t.Errorf("found is %+v", hit)
		}
	}
}

// Ensures that the keys of a realm's users are ended, and no others.
func TestInvalidate_Realm(t *testing.T) {
	for name, c := range map[string]struct {
		by        string
		selection apikey.Selection
		want      string
		refused   bool
	}{
		"SAML":            {"alice", apikey.Selection{RealmName: "corporate"}, "erin weak", false},
		"native":          {"alice", apikey.Selection{RealmName: "default_native"}, "alice", false},
		"user and realm":  {"alice", apikey.Selection{RealmName: "partners", UserName: "frank"}, "frank", false},
		"user of another": {"alice", apikey.Selection{RealmName: "corporate", UserName: "frank"}, "", false},
		"one's own":       {"weak", apikey.Selection{RealmName: "corporate", UserName: "weak"}, "weak", false},
		"not one's own":   {"weak", apikey.Selection{RealmName: "default_native", UserName: "weak"}, "", true},
		"another's":       {"weak", apikey.Selection{RealmName: "corporate"}, "", true},
	} {
		w := newRealms(t)
		ended, err := w.Invalidate(t.Context(), w.subject(c.by), c.selection)
		var owners []string
		for _, id := range ended {
			owners = append(owners, w.ids[id])
		}
		slices.Sort(owners)
		if got := strings.Join(owners, " "); got != c.want || c.refused != fault.Has(err, fault.PermissionDenied) || !c.refused && err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
