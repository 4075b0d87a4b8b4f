package apikey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

func TestCreation_Problems(t *testing.T) {
	t.Parallel()
	named := func(name string) apikey.Creation { return apikey.Creation{Name: name} }
	described := func(metadata map[string]any) apikey.Creation { return apikey.Creation{Name: "k", Metadata: metadata} }
	long := strings.Repeat("a", 64<<10)
	unknown := roledescriptor.Set{"r": {Cluster: []string{"unknown"}}}
	for name, c := range map[string]struct {
		creation apikey.Creation
		want     string
	}{
		"nothing":              {named(strings.Repeat("ü", 256)), ""},
		"no name":              {named(""), "api key name is required"},
		"name too long":        {named(strings.Repeat("a", 257)), "api key name may not be more than 256 characters long"},
		"name begins blank":    {named(" k"), "api key name may not begin or end with whitespace"},
		"name begins _":        {named("_k"), "api key name may not begin with an underscore"},
		"control character":    {named("a\x01b"), "api key name may not contain control characters"},
		"metadata reserved":    {described(map[string]any{"_m": 1}), "API key metadata keys may not start with [_]"},
		"metadata too large":   {described(map[string]any{"m": long}), "API key metadata may not be larger"},
		"privilege is unknown": {apikey.Creation{Name: "k", Assigned: unknown}, "unknown cluster privilege [unknown]"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.creation.Problems(privilege.Names{})
			if len(got) > 1 || !strings.HasPrefix(strings.Join(got, "\n"), c.want) || c.want == "" && len(got) > 0 {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCreate_Refused(t *testing.T) {
	t.Parallel()
	weak := store.User{Name: "weak", Roles: []identity.Role{"monitor"}}
	w := newWorld(t, apikey.Settings{MaxLifetime: time.Hour}, alice, bob, weak)
	caller, other := w.caller(t, "alice"), w.caller(t, "weak")
	builtin := caller
	builtin.Builtin = true
	key := w.keyCaller(t, w.newKey(t, "alice", "maker"))
	monitor := descriptors(t, `{"cluster":["monitor"]}`)

	for name, c := range map[string]struct {
		by       access.Subject
		creation apikey.Creation
		want     fault.Code
	}{
		"name invalid":             {caller, apikey.Creation{Name: "_k"}, fault.RequestInvalid},
		"caller without privilege": {other, apikey.Creation{Name: "k"}, fault.PermissionDenied},
		"built-in user":            {builtin, apikey.Creation{Name: "k"}, fault.KeyInvalidInput},
		"longer than the maximum":  {caller, apikey.Creation{Name: "k", Lifetime: new(2 * time.Hour)}, fault.KeyInvalidInput},
		"restricted twice":         {caller, apikey.Creation{Name: "k", Assigned: restrictedTwice()}, fault.InvalidData},
		"by a key, unlimited":      {key, apikey.Creation{Name: "k"}, fault.InvalidData},
		"by a key, with privilege": {key, apikey.Creation{Name: "k", Assigned: monitor}, fault.InvalidData},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := w.Create(t.Context(), c.by, c.creation); !fault.Has(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if keys, err := collect(w.ListAll(t.Context())); err != nil || len(keys) != 1 {
		t.Errorf("stored are %+v, %v", keys, err)
	}
}

// restrictedTwice returns descriptors of which two are restricted to workflows, where one alone may be.
func restrictedTwice() roledescriptor.Set {
	restriction := roledescriptor.Restriction{Workflows: []string{"search_application_query"}}
	return roledescriptor.Set{"a": {Restriction: restriction}, "b": {Restriction: restriction}}
}

func TestCreate_Lifetime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	caller := w.caller(t, "bob")
	for name, c := range map[string]struct {
		lifetime *time.Duration
		want     time.Duration
		works    bool
	}{
		"none":          {nil, 0, true},
		"whole seconds": {new(2 * time.Second), 2 * time.Second, true},
		"truncated":     {new(2999 * time.Millisecond), 2 * time.Second, true},
		"expired":       {new(-time.Second), -time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			key, credential, err := w.Create(t.Context(), caller, apikey.Creation{Name: "k", Lifetime: c.lifetime})
			if err != nil {
				t.Fatal(err)
			}
			if c.lifetime != nil && key.ExpiresAt.Sub(key.CreatedAt) != c.want || c.lifetime == nil && !key.ExpiresAt.IsZero() {
				t.Errorf("made at %v, it expires at %v", key.CreatedAt, key.ExpiresAt)
			}
			if _, _, err := w.Verify(t.Context(), credential.Encoded()); (err == nil) != c.works {
				t.Errorf("used: %v", err)
			}
		})
	}
}

// A key that its owner did not make in person gains nothing by the owner's later promotion.
func TestCreate_OwnerPromoted(t *testing.T) {
	t.Parallel()
	viewer := store.User{Name: "viewer", Roles: []identity.Role{"superuser", identity.PlatformViewer}}
	w := newWorld(t, apikey.Settings{}, viewer, alice, admin)
	owner := w.caller(t, "viewer")
	grant := func(owner access.Subject) apikey.Credential {
		_, credential, err := w.Grant(t.Context(), owner, apikey.Creation{Name: "k"})
		if err != nil {
			t.Fatal(err)
		}
		return credential
	}

	own := w.create(t, owner, apikey.Creation{Name: "k"})
	granted := grant(owner)
	plain := func(maker apikey.Credential) apikey.Credential {
		_, credential, err := w.CreatePlain(t.Context(), w.keyCaller(t, maker).Principal, "k", nil)
		if err != nil {
			t.Fatal(err)
		}
		return credential
	}
	powerless := apikey.Creation{Name: "k", Assigned: descriptors(t, `{}`)}
	made := map[string]struct {
		credential apikey.Credential
		admin      bool
	}{
		"made in person":                    {own, true},
		"granted":                           {granted, false},
		"made by another as the owner":      {w.create(t, w.runAs(t, "admin", "viewer"), apikey.Creation{Name: "k"}), false},
		"made by a key of the owner's":      {plain(own), true},
		"made by a granted key":             {plain(granted), false},
		"made by a granted key, powerless":  {w.create(t, w.keyCaller(t, granted), powerless), false},
		"made by a key made in person, too": {w.create(t, w.keyCaller(t, own), powerless), true},
	}

	w.promote(t, "viewer", identity.PlatformAdmin)
	for name, c := range made {
		t.Run(name, func(t *testing.T) {
			_, owner, err := w.Verify(t.Context(), c.credential.Encoded())
			if err != nil || slices.Contains(owner.Roles, identity.PlatformAdmin) != c.admin {
				t.Errorf("the roles are %q, %v", owner.Roles, err)
			}
			if !slices.Contains(owner.Roles, "superuser") {
				t.Errorf("the roles %q lack the owner's other role", owner.Roles)
			}
		})
	}
}

func TestCreate_Quota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{MaxPerUser: 2}, alice, bob)
	create := func(owner string) error {
		_, _, err := w.CreatePlain(t.Context(), w.principal(t, owner), "k", new("1h"))
		return err
	}
	full := func(t *testing.T) {
		t.Helper()
		if err := create("bob"); !fault.Has(err, fault.KeyInvalidInput) {
			t.Errorf("one more key: %v", err)
		}
	}
	first := w.newKey(t, "bob", "first")
	if err := create("bob"); err != nil {
		t.Fatal(err)
	}
	full(t)

	invalidate := func() error { return w.Delete(t.Context(), apikey.Ref{User: "bob", ID: first.ID}) }
	for _, c := range []struct {
		name string
		free func() error
		next string
	}{
		{"another user", func() error { return nil }, "alice"},
		{"after one expired", func() error { w.advance(time.Hour); return nil }, "bob"},
		{"after one was invalidated", invalidate, "bob"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.free(); err != nil {
				t.Fatal(err)
			}
			if err := create(c.next); err != nil {
				t.Error(err)
			}
			full(t)
		})
	}
}

// Where the limit is high, a user far from it may make a few keys before the keys are counted again.
func TestCreate_HighQuota(t *testing.T) {
	t.Parallel()
	const most = 1100
	w := newWorld(t, apikey.Settings{MaxPerUser: most}, bob)
	p := w.principal(t, "bob")
	create := func() error {
		_, _, err := w.CreatePlain(t.Context(), p, "k", nil)
		return err
	}

	if err := create(); err != nil {
		t.Fatal(err)
	}
	w.fill(t, "bob", most-1, "")
	if err := create(); err != nil {
		t.Errorf("while the count is in use: %v", err)
	}
	w.advance(10 * time.Second)
	if err := create(); !fault.Has(err, fault.KeyInvalidInput) {
		t.Errorf("after the count expired: %v", err)
	}
}
