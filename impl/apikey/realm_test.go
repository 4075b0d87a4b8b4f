package apikey_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// realms is a service with users of three realms, each of which has a key: all have Elasticsearch's privileges, but for
// weak, which may manage its own keys.
type realms struct {
	*world
	// owners has the users by the ids of their keys.
	owners map[string]string
}

func newRealms(t *testing.T) *realms {
	t.Helper()
	superuser := []identity.Role{"superuser"}
	users := []store.User{
		alice,
		{Name: "erin", Realm: "corporate", Identity: store.ExternalIdentity{NameID: "e"}, Roles: superuser},
		{Name: "frank", Realm: "partners", Identity: store.ExternalIdentity{NameID: "f"}, Roles: superuser},
		{Name: "weak", Realm: "corporate", Identity: store.ExternalIdentity{NameID: "w"}, Roles: []identity.Role{"owner"}},
	}
	w := &realms{newWorld(t, apikey.Settings{}, users...), map[string]string{}}
	for _, u := range users {
		w.owners[w.newKey(t, u.Name, u.Name).ID] = u.Name
	}
	return w
}

// found returns the names of the keys that a filter selects, which are those of their owners.
func (w *realms) found(t *testing.T, by access.Subject, f apikey.Filter) (string, error) {
	t.Helper()
	views, err := w.Find(t.Context(), by, f, false)
	return shown(views), err
}

func TestFind_Realm(t *testing.T) {
	t.Parallel()
	w := newRealms(t)
	caller := w.caller(t, "alice")
	for name, c := range map[string]struct {
		filter apikey.Filter
		want   string
	}{
		"native":             {apikey.Filter{RealmName: "default_native"}, "alice"},
		"SAML":               {apikey.Filter{RealmName: "corporate"}, "erin weak"},
		"another SAML realm": {apikey.Filter{RealmName: "partners"}, "frank"},
		"no pattern":         {apikey.Filter{RealmName: "corpo*"}, ""},
		"user and realm":     {apikey.Filter{RealmName: "corporate", UserName: "erin"}, "erin"},
		"user of another":    {apikey.Filter{RealmName: "default_native", UserName: "erin"}, ""},
		"all":                {apikey.Filter{}, "alice erin frank weak"},
		"reserved, no keys":  {apikey.Filter{RealmName: "reserved"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := w.found(t, caller, c.filter); err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
	t.Run("shown realm", func(t *testing.T) {
		views, err := w.Find(t.Context(), caller, apikey.Filter{UserName: "erin"}, true)
		if err != nil || len(views) != 1 || views[0].Realm != (identity.Realm{Name: "corporate", Type: "saml"}) {
			t.Errorf("got %+v, %v", views, err)
		}
	})
}

// Ensures that a caller that may see only its own keys must name its own realm, and no other.
func TestFind_OwnRealm(t *testing.T) {
	t.Parallel()
	w := newRealms(t)
	caller := w.caller(t, "weak")
	for name, c := range map[string]struct {
		filter    apikey.Filter
		permitted bool
	}{
		"own user and realm":            {apikey.Filter{UserName: "weak", RealmName: "corporate"}, true},
		"own user, another realm":       {apikey.Filter{UserName: "weak", RealmName: "default_native"}, false},
		"own user without a realm":      {apikey.Filter{UserName: "weak"}, false},
		"own realm, no user":            {apikey.Filter{RealmName: "corporate"}, false},
		"another user of the own realm": {apikey.Filter{UserName: "erin", RealmName: "corporate"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := w.found(t, caller, c.filter)
			if c.permitted && (err != nil || got != "weak") || !c.permitted && !fault.Has(err, fault.PermissionDenied) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Ensures that a query sees the realm of each key's owner.
func TestQuery_Realm(t *testing.T) {
	t.Parallel()
	w := newRealms(t)
	body := map[string]any{"query": map[string]any{"term": map[string]any{"realm_name": "corporate"}}}
	found, err := w.Query(t.Context(), w.caller(t, "alice"), parsedQuery(t, body), false)
	if err != nil || found.Total != 2 || len(found.Page) != 2 {
		t.Fatalf("found are %+v, %v", found, err)
	}
	for _, hit := range found.Page {
		if hit.Realm.Name != "corporate" {
			t.Errorf("found is %+v", hit)
		}
	}
}

func TestInvalidate_Realm(t *testing.T) {
	t.Parallel()
	var none fault.Code
	otherRealm := apikey.Selection{RealmName: "default_native", UserName: "weak"}
	for name, c := range map[string]struct {
		by        string
		selection apikey.Selection
		want      string
		code      fault.Code
	}{
		"SAML":                    {"alice", apikey.Selection{RealmName: "corporate"}, "erin weak", none},
		"native":                  {"alice", apikey.Selection{RealmName: "default_native"}, "alice", none},
		"user and realm":          {"alice", apikey.Selection{RealmName: "partners", UserName: "frank"}, "frank", none},
		"user of another":         {"alice", apikey.Selection{RealmName: "corporate", UserName: "frank"}, "", none},
		"own user and realm":      {"weak", apikey.Selection{RealmName: "corporate", UserName: "weak"}, "weak", none},
		"own user, another realm": {"weak", otherRealm, "", fault.PermissionDenied},
		"own realm, no user":      {"weak", apikey.Selection{RealmName: "corporate"}, "", fault.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRealms(t)
			invalidated, err := w.Invalidate(t.Context(), w.caller(t, c.by), c.selection)
			var owners []string
			for _, id := range invalidated {
				owners = append(owners, w.owners[id])
			}
			slices.Sort(owners)
			wantCode(t, err, c.code)
			if got := strings.Join(owners, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
