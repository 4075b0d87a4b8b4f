package apikey_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

func TestUpdate_Refused(t *testing.T) {
	t.Parallel()
	weak := store.User{Name: "weak", Roles: []identity.Role{"monitor"}}
	w := newWorld(t, apikey.Settings{MaxLifetime: 24 * time.Hour}, alice, bob, weak)
	caller := w.caller(t, "bob")
	valid, invalidated, others := w.newKey(t, "bob", "valid"), w.newKey(t, "bob", "invalidated"), w.newKey(t, "alice", "k")
	if err := w.Delete(t.Context(), apikey.Ref{User: "bob", ID: invalidated.ID}); err != nil {
		t.Fatal(err)
	}
	expired := w.create(t, caller, apikey.Creation{Name: "expired", Lifetime: new(time.Second)})
	w.advance(time.Second)
	key, reserved := w.keyCaller(t, valid), map[string]any{"_m": 1}

	for name, c := range map[string]struct {
		by     access.Subject
		id     string
		update apikey.Update
		want   fault.Code
	}{
		"lifetime not positive":    {caller, valid.ID, apikey.Update{Lifetime: new(time.Duration(0))}, fault.RequestInvalid},
		"lifetime after maximum":   {caller, valid.ID, apikey.Update{Lifetime: new(24 * time.Hour)}, fault.InvalidData},
		"metadata reserved":        {caller, valid.ID, apikey.Update{Metadata: reserved}, fault.RequestInvalid},
		"restricted twice":         {caller, valid.ID, apikey.Update{Assigned: restrictedTwice()}, fault.InvalidData},
		"caller without privilege": {w.caller(t, "weak"), valid.ID, apikey.Update{}, fault.PermissionDenied},
		"caller is the key":        {key, valid.ID, apikey.Update{}, fault.InvalidData},
		"unknown key":              {caller, "unknown", apikey.Update{}, fault.ResourceMissing},
		"another user's key":       {caller, others.ID, apikey.Update{}, fault.ResourceMissing},
		"invalidated key":          {caller, invalidated.ID, apikey.Update{}, fault.InvalidData},
		"expired key":              {caller, expired.ID, apikey.Update{}, fault.InvalidData},
	} {
		t.Run(name, func(t *testing.T) {
			if updated, err := w.Update(t.Context(), c.by, c.id, c.update); !fault.Has(err, c.want) || updated {
				t.Errorf("updated: %v, %v; want %v", updated, err, c.want)
			}
		})
	}
}

func TestUpdate_OwnerDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	key, caller, u := w.newKey(t, "bob", "k"), w.caller(t, "bob"), w.user(t, "bob")
	u.Enabled = false
	w.change(t, func(tx *store.Tx) error { return tx.Users.Update(u) })

	_, err := w.Update(t.Context(), caller, key.ID, apikey.Update{Lifetime: new(time.Hour)})
	if !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	caller := w.caller(t, "bob")
	id := w.create(t, caller, apikey.Creation{Name: "k", Metadata: map[string]any{"team": "a"}}).ID
	get := func() apikey.View {
		views, err := w.Find(t.Context(), caller, apikey.Filter{ID: id, Owned: true}, true)
		if err != nil || len(views) != 1 {
			t.Fatalf("%+v, %v", views, err)
		}
		return views[0]
	}

	for _, c := range []struct {
		name    string
		update  apikey.Update
		changed bool
		want    func(apikey.View) bool
	}{
		{
			"nothing", apikey.Update{}, false,
			func(v apikey.View) bool { return v.Metadata == `{"team":"a"}` && v.ExpiresAt.IsZero() },
		},
		{
			"metadata as they are", apikey.Update{Metadata: map[string]any{"team": "a"}}, false,
			func(v apikey.View) bool { return v.Metadata == `{"team":"a"}` },
		},
		{
			"metadata", apikey.Update{Metadata: map[string]any{"team": "b"}}, true,
			func(v apikey.View) bool { return v.Metadata == `{"team":"b"}` },
		},
		{
			"descriptors", apikey.Update{Assigned: descriptors(t, `{"cluster":["monitor"]}`)}, true,
			func(v apikey.View) bool { return len(v.Assigned) == 1 && v.Metadata == `{"team":"b"}` },
		},
		{
			"descriptors as they are", apikey.Update{Assigned: descriptors(t, `{"cluster":["monitor"]}`)}, false,
			func(v apikey.View) bool { return len(v.Assigned) == 1 },
		},
		{
			"no descriptors", apikey.Update{Assigned: roledescriptor.Set{}}, true,
			func(v apikey.View) bool { return len(v.Assigned) == 0 },
		},
		{
			"lifetime", apikey.Update{Lifetime: new(1999 * time.Millisecond)}, true,
			func(v apikey.View) bool { return v.ExpiresAt.Equal(w.clock.Load().Add(time.Second)) },
		},
		{
			"lifetime as it is", apikey.Update{Lifetime: new(time.Second)}, true,
			func(v apikey.View) bool { return v.ExpiresAt.Equal(w.clock.Load().Add(time.Second)) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed, err := w.Update(t.Context(), caller, id, c.update)
			if err != nil || changed != c.changed {
				t.Errorf("changed: %v, %v", changed, err)
			}
			if v := get(); !c.want(v) {
				t.Errorf("the key is %+v", v)
			}
		})
	}
}

func TestUpdate_OwnerPromoted(t *testing.T) {
	t.Parallel()
	viewer := store.User{Name: "viewer", Roles: []identity.Role{"superuser", identity.PlatformViewer}}
	for name, c := range map[string]struct {
		inPerson, admin bool
	}{
		"updated in person":            {true, true},
		"updated by another, as owner": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, apikey.Settings{}, admin, viewer)
			key := w.newKey(t, "viewer", "k")
			caller := w.caller(t, "viewer")
			if !c.inPerson {
				caller = w.runAs(t, "admin", "viewer")
			}
			update := apikey.Update{Metadata: map[string]any{"m": 1}}
			if updated, err := w.Update(t.Context(), caller, key.ID, update); err != nil || !updated {
				t.Fatalf("updated: %v, %v", updated, err)
			}

			w.promote(t, "viewer", identity.PlatformAdmin)
			_, owner, err := w.Verify(t.Context(), key.Encoded())
			if err != nil || slices.Contains(owner.Roles, identity.PlatformAdmin) != c.admin {
				t.Errorf("the roles are %q, %v", owner.Roles, err)
			}
		})
	}
}

func TestBulkUpdate(t *testing.T) {
	t.Parallel()
	for name, dryRun := range map[string]bool{"dry run": true, "real run": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, apikey.Settings{}, alice, bob)
			caller := w.caller(t, "bob")
			metadata := map[string]any{"team": "a"}
			changed, others := w.newKey(t, "bob", "changed"), w.newKey(t, "alice", "k")
			same := w.create(t, caller, apikey.Creation{Name: "same", Metadata: metadata})

			requested := append([]string{"unknown"}, ids(changed, same, changed, others)...)
			outcome, err := w.BulkUpdate(t.Context(), caller, requested, apikey.Update{Metadata: metadata}, dryRun)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(outcome.Updated, ids(changed)) || !slices.Equal(outcome.Noops, ids(same)) {
				t.Errorf("updated are %q, noops %q", outcome.Updated, outcome.Noops)
			}
			failed := slices.Sorted(maps.Keys(outcome.Failed))
			want := slices.Sorted(slices.Values([]string{"unknown", others.ID}))
			if !slices.Equal(failed, want) {
				t.Errorf("failed are %q, want %q", failed, want)
			}
			key, err := w.Get(t.Context(), apikey.Ref{User: "bob", ID: changed.ID})
			if err != nil || (key.Metadata == "") != dryRun {
				t.Errorf("the key is %+v, %v", key, err)
			}
		})
	}
}

// Ensures that a bulk update that changes nothing waits for no other transaction: SQLite has one that writes at a time.
func TestBulkUpdate_NothingToChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	caller := w.caller(t, "bob")
	same := w.newKey(t, "bob", "same")

	w.change(t, func(*store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		outcome, err := w.BulkUpdate(ctx, caller, []string{same.ID, "unknown"}, apikey.Update{}, false)
		if err != nil || !slices.Equal(outcome.Noops, ids(same)) || len(outcome.Failed) != 1 {
			t.Errorf("the outcome is %+v, %v", outcome, err)
		}
		return nil
	})
}

// Ensures that what another request changes between the two transactions of a bulk update counts.
func TestBulkUpdate_ChangedBetween(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// between changes the world after the keys were judged for the first time.
		between                func(*testing.T, *world, apikey.Credential)
		refused                bool
		updated, noops, failed int
	}{
		"nothing": {func(*testing.T, *world, apikey.Credential) {}, false, 1, 0, 0},
		"key invalidated": {func(t *testing.T, w *world, key apikey.Credential) {
			t.Helper()
			if err := w.Delete(t.Context(), apikey.Ref{User: "bob", ID: key.ID}); err != nil {
				t.Error(err)
			}
		}, false, 0, 0, 1},
		"key updated alike": {func(t *testing.T, w *world, key apikey.Credential) {
			t.Helper()
			if _, err := w.Update(t.Context(), w.caller(t, "bob"), key.ID, renamed); err != nil {
				t.Error(err)
			}
		}, false, 0, 1, 0},
		"owner disabled": {func(t *testing.T, w *world, _ apikey.Credential) {
			t.Helper()
			w.change(t, func(tx *store.Tx) error {
				u, err := tx.Users.Find("bob")
				u.Enabled = false
				return errors.Join(err, tx.Users.Update(u))
			})
		}, true, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, apikey.Settings{}, bob)
			caller, key := w.caller(t, "bob"), w.newKey(t, "bob", "k")
			w.Flush() // what the new key has begun in the background reads, too

			judged := false
			w.store.Observe(func(kind string, _ time.Duration) {
				if kind == "view" && !judged {
					judged = true
					c.between(t, w, key)
				}
			})
			outcome, err := w.BulkUpdate(t.Context(), caller, ids(key), renamed, false)
			if !judged || fault.Has(err, fault.CredentialsInvalid) != c.refused || err != nil && !c.refused {
				t.Fatalf("judged: %t; %v", judged, err)
			}
			got := [3]int{len(outcome.Updated), len(outcome.Noops), len(outcome.Failed)}
			if got != [3]int{c.updated, c.noops, c.failed} {
				t.Errorf("the outcome is %+v", outcome)
			}
		})
	}
}

// renamed is an update that changes keys without metadata.
var renamed = apikey.Update{Metadata: map[string]any{"team": "a"}}
