package apikey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

func TestCreatePlain_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{MaxLifetime: time.Hour}, bob)
	owner := w.principal(t, "bob")
	builtin := owner
	builtin.Builtin = true

	for name, c := range map[string]struct {
		by          identity.Principal
		description string
		expiration  *string
		field       string
	}{
		"built-in user":            {builtin, "k", nil, ""},
		"blank description":        {owner, " ", nil, "description"},
		"description ends blank":   {owner, "k ", nil, "description"},
		"description too long":     {owner, strings.Repeat("ü", 257), nil, "description"},
		"description begins _":     {owner, "_k", nil, "description"},
		"control character":        {owner, "a\x00b", nil, "description"},
		"expiration malformed":     {owner, "k", new("tomorrow"), "expiration"},
		"expiration not positive":  {owner, "k", new("0s"), "expiration"},
		"expiration after maximum": {owner, "k", new("61m"), "expiration"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.CreatePlain(t.Context(), c.by, c.description, c.expiration)
			if !fault.Has(err, fault.KeyInvalidInput) {
				t.Fatalf("got %v", err)
			}
			if c.field != "" && !slices.Contains(err.(*fault.Error).Fields, c.field) { //nolint:errorlint // as Has found
				t.Errorf("the error names no %s: %v", c.field, err)
			}
		})
	}
	if keys, err := collect(w.ListAll(t.Context())); err != nil || len(keys) > 0 {
		t.Errorf("stored are %+v, %v", keys, err)
	}
}

func TestCreatePlain_OwnerDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	p, u := w.principal(t, "bob"), w.user(t, "bob")
	u.Enabled = false
	w.change(t, func(tx *store.Tx) error { return tx.Users.Update(u) })

	if _, _, err := w.CreatePlain(t.Context(), p, "k", nil); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestCreatePlain_Expiration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		maximum    time.Duration
		expiration *string
		want       time.Duration
	}{
		"none":                     {0, nil, 0},
		"none, and a maximum":      {time.Hour, nil, time.Hour},
		"the maximum":              {time.Hour, new("1h"), time.Hour},
		"less than a millisecond":  {0, new("1500micros"), time.Millisecond},
		"long, and without limits": {0, new("900d"), 900 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, apikey.Settings{MaxLifetime: c.maximum}, bob)
			key, _, err := w.CreatePlain(t.Context(), w.principal(t, "bob"), "k", c.expiration)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == 0 && !key.ExpiresAt.IsZero() || c.want > 0 && key.ExpiresAt.Sub(key.CreatedAt) != c.want {
				t.Errorf("made at %v, it expires at %v", key.CreatedAt, key.ExpiresAt)
			}
		})
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice, bob)
	valid, invalidated := w.newKey(t, "bob", "valid"), w.newKey(t, "bob", "invalidated")
	if err := w.Delete(t.Context(), apikey.Ref{User: "bob", ID: invalidated.ID}); err != nil {
		t.Fatal(err)
	}

	key, err := w.Get(t.Context(), apikey.Ref{User: "bob", ID: valid.ID})
	if err != nil || key.Description != "valid" {
		t.Errorf("got %+v, %v", key, err)
	}
	for name, ref := range map[string]apikey.Ref{
		"unknown":        {User: "bob", ID: "unknown"},
		"another user's": {User: "alice", ID: valid.ID},
		"invalidated":    {User: "bob", ID: invalidated.ID},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := w.Get(t.Context(), ref); !fault.Has(err, fault.KeyNotFound) {
				t.Errorf("got %v", err)
			}
			if err := w.Delete(t.Context(), ref); !fault.Has(err, fault.KeyNotFound) {
				t.Errorf("deleted: %v", err)
			}
		})
	}
	if _, err := w.Get(t.Context(), apikey.Ref{User: "bob", ID: valid.ID}); err != nil {
		t.Errorf("a deletion by another user: %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice, bob)
	var made []string
	for _, owner := range []string{"bob", "bob", "alice", "bob"} {
		made = append(made, w.newKey(t, owner, "k").ID)
		w.advance(time.Second)
	}
	if err := w.Delete(t.Context(), apikey.Ref{User: "bob", ID: made[1]}); err != nil {
		t.Fatal(err)
	}

	t.Run("one user", func(t *testing.T) {
		keys, err := collect(w.List(t.Context(), "bob"))
		if got := keyIDs(keys); err != nil || !slices.Equal(got, []string{made[0], made[3]}) {
			t.Errorf("got %q of %q, %v", got, made, err)
		}
	})
	t.Run("all users", func(t *testing.T) {
		keys, err := collect(w.ListAll(t.Context()))
		if got := keyIDs(keys); err != nil || !slices.Equal(got, []string{made[0], made[2], made[3]}) {
			t.Errorf("got %q of %q, %v", got, made, err)
		}
	})
	t.Run("unknown user", func(t *testing.T) {
		if _, err := collect(w.List(t.Context(), "unknown")); !fault.Has(err, fault.KeyOwnerNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDeleteEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice, bob)
	first, second, kept := w.newKey(t, "bob", "first"), w.newKey(t, "alice", "second"), w.newKey(t, "bob", "kept")

	// An unknown key and one that belongs to another user are passed over.
	err := w.DeleteEach(t.Context(), []apikey.Ref{
		{User: "bob", ID: first.ID},
		{User: "alice", ID: second.ID},
		{User: "alice", ID: kept.ID},
		{User: "bob", ID: "unknown"},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := collect(w.ListAll(t.Context()))
	if got := keyIDs(keys); err != nil || !slices.Equal(got, ids(kept)) {
		t.Errorf("left are %q, %v", got, err)
	}
}

func TestDeleteAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice, bob)
	w.newKey(t, "bob", "first")
	w.newKey(t, "bob", "second")
	kept := w.newKey(t, "alice", "kept")

	if err := w.DeleteAll(t.Context(), "unknown"); !fault.Has(err, fault.KeyOwnerNotFound) {
		t.Errorf("an unknown user: %v", err)
	}
	if err := w.DeleteAll(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	keys, err := collect(w.ListAll(t.Context()))
	if got := keyIDs(keys); err != nil || !slices.Equal(got, ids(kept)) {
		t.Errorf("left are %q, %v", got, err)
	}
}

func TestExpiring(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	p := w.principal(t, "bob")
	for _, expiration := range []*string{nil, new("1h"), new("7d"), new("8d")} {
		if _, _, err := w.CreatePlain(t.Context(), p, "k", expiration); err != nil {
			t.Fatal(err)
		}
	}

	for _, c := range []struct {
		name    string
		advance time.Duration
		want    int
	}{
		{"at first", 0, 2},
		{"after one expired", 2 * time.Hour, 1},
		{"after a day", 22 * time.Hour, 2},
		{"after all expired", 30 * 24 * time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.advance(c.advance)
			if count, err := w.Expiring(t.Context()); err != nil || count != c.want {
				t.Errorf("got %d, %v; want %d", count, err, c.want)
			}
		})
	}
}

func keyIDs(keys []apikey.Key) []string {
	var ids []string
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return ids
}
