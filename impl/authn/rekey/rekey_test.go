package rekey

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// users are the test users, with special characters in their names.
var users = []string{"alice", `b"o\b`, "çä:secret"}

// server is the part of a server that uses the key-encryption key.
type server struct {
	store    *store.Store
	sealer   *secret.Sealer
	sessions *session.Service
	factors  *elevation.Service
}

func onEach(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgrestest.DSN(t)) })
}

func newSealer(t *testing.T) *secret.Sealer {
	t.Helper()
	sealer, err := secret.NewSealer(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func start(t *testing.T, dsn string, sealer *secret.Sealer) server {
	t.Helper()
	st, err := store.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	sessions, err := session.New(t.Context(), st, sealer, session.DefaultSettings)
	if err != nil {
		t.Fatal(err)
	}
	factors := elevation.NewService(st, sessions, attempts.NewCounter(attempts.DefaultPolicy, nil), sealer,
		elevation.DefaultSettings, time.Now)
	return server{st, sealer, sessions, factors}
}

// populated returns a server with two signing keys, and users that have second factors, except for the last.
func populated(t *testing.T, dsn string) server {
	t.Helper()
	s := start(t, dsn, newSealer(t))
	s.populate(t)
	return s
}

func (s server) populate(t *testing.T) {
	t.Helper()
	for i, name := range users {
		err := s.store.Update(t.Context(),
			func(tx *store.Tx) error { return tx.Users.Insert(store.User{Name: name, Enabled: true}) })
		if err == nil && i < len(users)-1 {
			_, _, err = s.factors.Provision(t.Context(), name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.sessions.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sealed returns all sealed values of the store, by place.
func (s server) sealed(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		keys, err := tx.SigningKeys.All()
		for _, k := range keys {
			all["signing_keys:"+k.ID+":seed"] = k.Sealed
		}
		devices, failed := tx.TOTPDevices.After("", 10_000)
		for _, d := range devices {
			all["totp_devices:"+d.UserName+":secret"] = d.Sealed
		}
		return errors.Join(err, failed)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// replacements returns the audit entries of replaced keys.
func (s server) replacements(t *testing.T) (found []string) {
	t.Helper()
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		for _, e := range entries {
			if e.Event == string(audit.KeyEncryptionKeyReplaced) {
				found = append(found, e.Actor+" "+e.Details)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func operator(t *testing.T) context.Context {
	return audit.WithOrigin(t.Context(), audit.Origin{Actor: audit.CommandLine})
}

// Ensures that every sealed value opens to the same content with the new key and no longer with the old one, and that
// the actor is in the audit trail.
func TestReplace(t *testing.T) { onEach(t, replace) }

func replace(t *testing.T, dsn string) {
	s, next := populated(t, dsn), newSealer(t)
	before := s.sealed(t)
	r, err := Replace(operator(t), s.store, s.sealer, next)
	if want := (Replaced{SigningKeys: 2, SecondFactors: 2}); err != nil || r != want {
		t.Fatalf("%+v, %v; want %+v", r, err, want)
	}
	after := s.sealed(t)
	if len(after) != 4 {
		t.Fatalf("%d values are sealed; want 4", len(after))
	}
	for place, sealed := range after {
		old, err := s.sealer.Open(before[place], place)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := next.Open(sealed, place); err != nil || string(plain) != string(old) {
			t.Errorf("the content of %s changed (%v)", place, err)
		}
		if _, err := s.sealer.Open(sealed, place); !errors.Is(err, secret.ErrUnsealable) {
			t.Errorf("%s with the old key: %v", place, err)
		}
	}
	if err := Check(t.Context(), s.store, next); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if err := Check(t.Context(), s.store, s.sealer); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("the old key: %v", err)
	}
	if got := s.replacements(t); len(got) != 1 || got[0] != `(command line) {"second_factors":2,"signing_keys":2}` {
		t.Errorf("the trail has %q", got)
	}
}

// Ensures that nothing is replaced or recorded if the old key does not open one of the values, in any table.
func TestReplace_Unsealable(t *testing.T) { onEach(t, replaceUnsealable) }

func replaceUnsealable(t *testing.T, dsn string) {
	s := populated(t, dsn)
	sound := s.sealed(t)
	spoil := func(table string, value func(place string) string) {
		t.Helper()
		err := s.store.Update(t.Context(), func(tx *store.Tx) error {
			keys, err := tx.SigningKeys.All()
			if table == "signing_keys" {
				return errors.Join(err,
					tx.SigningKeys.Reseal([][2]string{{keys[1].ID, value("signing_keys:" + keys[1].ID + ":seed")}}))
			}
			return errors.Join(err,
				tx.TOTPDevices.Reseal([][2]string{{users[1], value("totp_devices:" + users[1] + ":secret")}}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"signing_keys", "totp_devices"} {
		for what, value := range map[string]func(place string) string{
			"sealed with another key": func(place string) string { return newSealer(t).Seal([]byte("x"), place) },
			"moved from elsewhere":    func(string) string { return s.sealer.Seal([]byte("x"), "totp_devices:alice:secret") },
			"not sealed at all":       func(string) string { return "x" },
		} {
			spoil(table, value)
			before := s.sealed(t)
			if _, err := Replace(operator(t), s.store, s.sealer, newSealer(t)); !errors.Is(err, secret.ErrUnsealable) {
				t.Errorf("%s: one is %s: %v", table, what, err)
			}
			if after := s.sealed(t); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("%s: one is %s, and others were replaced", table, what)
			}
			spoil(table, func(place string) string { return sound[place] })
		}
	}
	if _, err := Replace(operator(t), s.store, newSealer(t), newSealer(t)); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("with a wrong old key: %v", err)
	}
	if got := s.replacements(t); len(got) != 0 {
		t.Errorf("the trail has %q", got)
	}
	if _, err := Replace(operator(t), s.store, s.sealer, newSealer(t)); err != nil {
		t.Errorf("after the values were restored: %v", err)
	}
}

// Ensures that a server that still runs with the old key seals nothing with it, and deletes nothing that it cannot
// replace.
func TestReplace_OldServer(t *testing.T) { onEach(t, oldServer) }

func oldServer(t *testing.T, dsn string) {
	s, next := populated(t, dsn), newSealer(t)
	if _, err := Replace(operator(t), s.store, s.sealer, next); err != nil {
		t.Fatal(err)
	}
	before := s.sealed(t)
	if err := s.sessions.Ready(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("it is ready: %v", err)
	}
	for _, name := range users {
		if _, _, err := s.factors.Provision(t.Context(), name); !errors.Is(err, secret.ErrUnsealable) {
			t.Errorf("a second factor for %s: %v", name, err)
		}
	}
	if _, _, err := s.sessions.RotateKey(t.Context()); err != nil && !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("another signing key: %v", err)
	}
	if _, _, err := s.sessions.RevokeKeys(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("one signing key in place of all: %v", err)
	}
	if after := s.sealed(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("sealed is %v; want %v", after, before)
	}
	if err := s.sessions.ReloadKeys(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("its signing keys: %v", err)
	}
	fresh := start(t, dsn, next)
	if err := fresh.sessions.Ready(t.Context()); err != nil {
		t.Errorf("a server with the new key is not ready: %v", err)
	}
	if _, _, err := fresh.factors.Provision(t.Context(), users[0]); err != nil {
		t.Errorf("a server with the new key: %v", err)
	}
}

// Ensures that of concurrent replacements one succeeds, and that a value sealed at the same time is re-encrypted.
func TestReplace_Concurrent(t *testing.T) { onEach(t, concurrent) }

func concurrent(t *testing.T, dsn string) {
	s := populated(t, dsn)
	results := make(chan *secret.Sealer)
	for range 4 {
		next := newSealer(t)
		go func() {
			if _, err := Replace(operator(t), s.store, s.sealer, next); err != nil {
				if !errors.Is(err, secret.ErrUnsealable) {
					t.Error(err)
				}
				next = nil
			}
			results <- next
		}()
	}
	enrolled := make(chan error)
	go func() {
		_, _, err := s.factors.Provision(t.Context(), users[2])
		enrolled <- err
	}()
	var winners []*secret.Sealer
	for range 4 {
		winners = append(winners, <-results)
	}
	if err := <-enrolled; err != nil && !errors.Is(err, secret.ErrUnsealable) {
		t.Error(err)
	}
	winners = slices.DeleteFunc(winners, func(w *secret.Sealer) bool { return w == nil })
	if len(winners) != 1 {
		t.Fatalf("%d replacements succeeded; want 1", len(winners))
	}
	for place, sealed := range s.sealed(t) {
		if _, err := winners[0].Open(sealed, place); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}
