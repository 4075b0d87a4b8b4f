package sealing_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// world is a store with a clock that advances by a second when it is read.
type world struct {
	*testing.T

	store *store.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := time.Unix(1_800_000_000, 0)
	return &world{t, storetest.Open(t, storetest.File(t), func() time.Time {
		now = now.Add(time.Second)
		return now
	})}
}

// The keys of the tests. Their ids are recorded as names in what follows.
var (
	oldKey, newKey, otherKey = secret.NewKey(), secret.NewKey(), secret.NewKey()

	names = map[string]string{
		secret.KeyID(oldKey): "old", secret.KeyID(newKey): "new", secret.KeyID(otherKey): "other",
	}
)

func (w *world) sealer(keys ...[]byte) *secret.Sealer {
	w.Helper()
	s, err := secret.NewSealer(keys[0], keys[1:]...)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// update runs a function in a transaction, and returns its error.
func (w *world) update(f func(context.Context, *store.Tx) error) error {
	return w.store.Update(w.Context(), func(tx *store.Tx) error { return f(w.Context(), tx) })
}

func (w *world) register(s *secret.Sealer) error {
	return w.update(func(ctx context.Context, tx *store.Tx) error { return sealing.Register(ctx, tx, s) })
}

func (w *world) retire(s *secret.Sealer) error {
	return w.update(func(ctx context.Context, tx *store.Tx) error { return sealing.Retire(ctx, tx, s) })
}

func (w *world) drop(s *secret.Sealer) (d sealing.Dropped, err error) {
	err = w.update(func(_ context.Context, tx *store.Tx) error {
		d, err = sealing.Drop(tx, s)
		return err
	})
	return d, err
}

// must fails the test if there is an error.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// wantKeys fails the test unless these keys are recorded, oldest first; a retiring one ends with "!".
func (w *world) wantKeys(want ...string) {
	w.Helper()
	keys, err := store.Read(w.Context(), w.store, func(tx *store.Tx) ([]store.KeyEncryptionKey, error) {
		return tx.KeyEncryptionKeys.All()
	})
	w.must(err)
	var got []string
	for _, key := range keys {
		name := names[key.ID]
		if key.Retiring {
			name += "!"
		}
		got = append(got, name)
	}
	if !slices.Equal(got, want) {
		w.Errorf("the keys are %q; want %q", got, want)
	}
}

// wantEvents fails the test unless the audit trail has these events, oldest first, each with its key and what replaces
// it.
func (w *world) wantEvents(want ...string) {
	w.Helper()
	page, err := audit.NewTrail(w.store).Read(w.Context(), audit.Query{Limit: 100})
	w.must(err)
	var got []string
	for _, e := range slices.Backward(page.Entries) {
		text := strings.TrimPrefix(e.Event, "key_encryption_key.") + " " + names[e.Subject]
		if by, ok := e.Details["replaced_by"].(string); ok {
			text += " by " + names[by]
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		w.Errorf("the audit trail has %q; want %q", got, want)
	}
}

// wantUnknown fails the test unless an error names an unknown key, and is secret.ErrUnsealable.
func (w *world) wantUnknown(err error, name string) {
	w.Helper()
	unknown, ok := errors.AsType[*sealing.UnknownKeyError](err)
	if !ok || names[unknown.KeyID] != name || !errors.Is(err, secret.ErrUnsealable) ||
		!strings.Contains(err.Error(), unknown.KeyID) {
		w.Errorf("got %v; want the unknown key %s", err, name)
	}
}

// Ensures that the first key is recorded silently, a second one with an audit entry, and each once only.
func TestRegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.must(w.register(w.sealer(oldKey)))
		w.wantKeys("old")
	}
	w.wantEvents()
	for range 2 {
		w.must(w.register(w.sealer(newKey, oldKey)))
		w.wantKeys("old", "new")
	}
	w.wantEvents("added new")
}

// Ensures that a server which encrypts with a key that is retiring keeps it from being dropped.
func TestRegister_Retiring(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.register(w.sealer(oldKey)))
	w.must(w.retire(w.sealer(newKey, oldKey)))
	w.wantKeys("old!", "new")

	// The servers are replaced one by one, so one still has the old key, with the new one as its fallback.
	w.must(w.register(w.sealer(oldKey, newKey)))
	w.wantKeys("old", "new")
	if d, err := w.drop(w.sealer(newKey, oldKey)); err != nil || len(d.Keys) > 0 || names[d.Used] != "old" {
		t.Errorf("dropped %+v, %v", d, err)
	}
	w.wantKeys("old", "new")
}

// Ensures that nothing is recorded, marked or removed by a server that lacks a key of the store.
func TestUnknownKey(t *testing.T) {
	t.Parallel()
	for name, sealer := range map[string][][]byte{
		"another key":                  {otherKey},
		"another key as fallback":      {newKey, otherKey},
		"one of the keys":              {newKey},
		"the other one, and a new one": {otherKey, newKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(w.register(w.sealer(oldKey)))
			w.must(w.retire(w.sealer(newKey, oldKey)))
			s := w.sealer(sealer...)

			w.wantUnknown(w.update(func(_ context.Context, tx *store.Tx) error {
				_, err := sealing.Check(tx, s)
				return err
			}), "old")
			w.wantUnknown(w.register(s), "old")
			w.wantUnknown(w.retire(s), "old")
			_, err := w.drop(s)
			w.wantUnknown(err, "old")
			w.wantKeys("old!", "new")
			w.wantEvents("added new", "retired old by new")
		})
	}
}

// Ensures that a check reports whether the current key is recorded, whatever the fallbacks are.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		recorded, keys [][]byte
		want           bool
	}{
		"empty database":          {nil, [][]byte{newKey}, false},
		"the current key":         {[][]byte{oldKey}, [][]byte{oldKey}, true},
		"the fallback":            {[][]byte{oldKey}, [][]byte{newKey, oldKey}, false},
		"the current one of both": {[][]byte{oldKey, newKey}, [][]byte{newKey, oldKey}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for i := range c.recorded {
				w.must(w.register(w.sealer(append([][]byte{c.recorded[i]}, c.recorded[:i]...)...)))
			}
			err := w.update(func(_ context.Context, tx *store.Tx) error {
				got, err := sealing.Check(tx, w.sealer(c.keys...))
				if got != c.want {
					t.Errorf("registered: %t", got)
				}
				return err
			})
			w.must(err)
		})
	}
}

// Ensures that a rotation records the new key, marks all others once, and removes what it has marked.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.register(w.sealer(otherKey)))
	w.must(w.register(w.sealer(oldKey, otherKey)))
	rotating := w.sealer(newKey, oldKey, otherKey)

	if d, err := w.drop(rotating); err != nil || len(d.Keys) > 0 || names[d.Used] != "other" {
		t.Errorf("before any is marked: dropped %+v, %v", d, err)
	}
	for range 2 { // a rotation that was interrupted begins again
		w.must(w.retire(rotating))
		w.wantKeys("other!", "old!", "new")
	}
	w.wantEvents("added old", "added new", "retired other by new", "retired old by new")

	d, err := w.drop(rotating)
	if dropped := []string{secret.KeyID(otherKey), secret.KeyID(oldKey)}; err != nil || d.Used != "" ||
		!slices.Equal(d.Keys, dropped) {
		t.Errorf("dropped %+v, %v; want %q", d, err, dropped)
	}
	w.wantKeys("new")
	w.must(w.register(w.sealer(newKey))) // without a fallback
	w.wantUnknown(w.register(w.sealer(oldKey)), "new")

	if d, err := w.drop(rotating); err != nil || len(d.Keys) > 0 || d.Used != "" {
		t.Errorf("dropped again: %+v, %v", d, err)
	}
}

// Ensures that a key which was used again while another one was dropped keeps both: the rotation goes on with all.
func TestDrop_OneUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.register(w.sealer(otherKey)))
	w.must(w.register(w.sealer(oldKey, otherKey)))
	rotating := w.sealer(newKey, oldKey, otherKey)
	w.must(w.retire(rotating))
	w.must(w.register(w.sealer(oldKey, newKey, otherKey)))

	if d, err := w.drop(rotating); err != nil || len(d.Keys) > 0 || names[d.Used] != "old" {
		t.Errorf("dropped %+v, %v", d, err)
	}
	w.wantKeys("other!", "old", "new")
}

// Ensures that Replace leaves the current key only, also in a database without any, and does not mark it.
func TestReplace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	replace := func(s *secret.Sealer) {
		t.Helper()
		w.must(w.update(func(_ context.Context, tx *store.Tx) error { return sealing.Replace(tx, s) }))
	}
	replace(w.sealer(oldKey))
	w.wantKeys("old")
	w.must(w.retire(w.sealer(newKey, oldKey)))

	replace(w.sealer(oldKey)) // it was retiring
	w.wantKeys("old")
	replace(w.sealer(newKey))
	w.wantKeys("new")
}

// Ensures that the errors of a store reach the caller.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(context.Context, *store.Tx, *secret.Sealer) error{
		"check": func(_ context.Context, tx *store.Tx, s *secret.Sealer) error {
			_, err := sealing.Check(tx, s)
			return err
		},
		"register": sealing.Register,
		"retire":   sealing.Retire,
		"drop": func(_ context.Context, tx *store.Tx, s *secret.Sealer) error {
			_, err := sealing.Drop(tx, s)
			return err
		},
		"replace": func(_ context.Context, tx *store.Tx, s *secret.Sealer) error { return sealing.Replace(tx, s) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var ended *store.Tx
			w.must(w.update(func(_ context.Context, tx *store.Tx) error {
				ended = tx
				return nil
			}))
			if err := use(t.Context(), ended, w.sealer(newKey)); err == nil {
				t.Error("it succeeds in a transaction that has ended")
			}
		})
	}
}
