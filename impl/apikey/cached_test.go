package apikey_test

import (
	"encoding/base64"
	"log/slog"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// cached is a service that caches keys.
type cached struct {
	*storetest.Caching
	*apikey.Service
}

func newCached(t *testing.T) *cached {
	t.Helper()
	st := storetest.OpenCaching(t)
	keys := apikey.NewService(st.Store, apikey.Settings{}, slog.New(slog.DiscardHandler))
	t.Cleanup(keys.Close)
	return &cached{st, keys}
}

// newKey makes a key, and returns its id and the credential.
func (c *cached) newKey(expiration *string) (id, credential string) {
	c.Helper()
	key, made, err := c.CreatePlain(c.Context(), identity.Principal{User: "alice"}, "key", expiration)
	if err != nil {
		c.Fatal(err)
	}
	return key.ID, made.Encoded()
}

// want fails the test unless a credential is accepted or not, and its key is cached or not, as wanted.
func (c *cached) want(credential string, good, hit bool) store.User {
	c.Helper()
	before, _ := c.CacheCounts()
	_, owner, err := c.Verify(c.Context(), credential)
	after, _ := c.CacheCounts()
	if good && err != nil || !good && !fault.Has(err, fault.CredentialsInvalid) || (after > before) != hit {
		c.Errorf("accepted %v, cached %v; want %v, %v (%v)", err == nil, after > before, good, hit, err)
	}
	return owner
}

// Ensures that the secret is compared also where the key is cached.
func TestVerify_CachedSecret(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	id, credential := c.newKey(nil)
	wrong := base64.StdEncoding.EncodeToString([]byte(id + ":wrong"))
	c.want(wrong, false, false)
	c.want(credential, true, true)
	c.want(wrong, false, true)
	c.want(credential, true, true)
}

// Ensures that a cached key expires.
func TestVerify_CachedExpiry(t *testing.T) {
	t.Parallel()
	c, expiration := newCached(t), "2s"
	_, credential := c.newKey(&expiration)
	c.want(credential, true, false)
	c.Advance(2*time.Second - time.Millisecond)
	c.want(credential, true, true)
	c.Advance(time.Millisecond)
	c.want(credential, false, true)
}

// Ensures that a change of a key or its owner evicts the key.
func TestVerify_Changed(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	id, credential := c.newKey(nil)
	c.want(credential, true, false)
	c.want(credential, true, true)
	if err := c.Delete(t.Context(), apikey.Ref{User: "alice", ID: id}); err != nil {
		t.Fatal(err)
	}
	c.want(credential, false, false)

	_, credential = c.newKey(nil)
	c.want(credential, true, false)
	c.want(credential, true, true)
	c.Change(func(tx *store.Tx) error {
		return tx.Users.Update(store.User{Name: "alice", Roles: []identity.Role{"r"}})
	})
	if owner := c.want(credential, true, false); owner.Enabled || len(owner.Roles) != 1 {
		t.Errorf("the owner is %+v", owner)
	}
}

// Ensures that uses of a cached key are written about once a minute, and not each time.
func TestVerify_CachedUse(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	id, credential := c.newKey(nil)
	used := func() time.Time {
		c.Flush()
		key, err := c.Get(t.Context(), apikey.Ref{User: "alice", ID: id})
		if err != nil {
			t.Fatal(err)
		}
		return key.LastUsedAt
	}
	first := c.Time()
	for range 3 {
		c.want(credential, true, c.Time().After(first))
		if got := used(); !got.Equal(first) {
			t.Errorf("after %v the key was used last at %v; want %v", c.Time().Sub(first), got, first)
		}
		c.Advance(time.Second)
	}
	c.Advance(time.Minute - 4*time.Second) // until just before a use counts again
	c.want(credential, true, false)
	c.Advance(time.Second)
	c.want(credential, true, true)
	if got := used(); !got.Equal(first.Add(time.Minute)) {
		t.Errorf("the key was used last at %v; want %v", got, first.Add(time.Minute))
	}
}
