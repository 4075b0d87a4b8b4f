package rekey

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// withFallback returns sealers with a new key alone, and with the key and a fallback.
func withFallback(t *testing.T, fallback []byte) (alone, both *secret.Sealer, key []byte) {
	t.Helper()
	key = secret.NewKey()
	alone, err := secret.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	if both, err = secret.NewSealer(key, fallback); err != nil {
		t.Fatal(err)
	}
	return alone, both, key
}

// populatedWith is populated, with a known key.
func populatedWith(t *testing.T, dsn string) (s server, key []byte) {
	t.Helper()
	key = secret.NewKey()
	sealer, err := secret.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	s = start(t, dsn, sealer)
	s.populate(t)
	return s, key
}

// keys returns the recorded key-encryption keys.
func (s server) keys(t *testing.T) (ids []string) {
	t.Helper()
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		keys, err := tx.KeyEncryptionKeys.All()
		ids = nil
		for _, key := range keys {
			ids = append(ids, key.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func (s server) wantKeys(t *testing.T, want ...string) {
	t.Helper()
	if got := s.keys(t); !slices.Equal(got, want) {
		t.Errorf("the keys are %v; want %v", got, want)
	}
}

func ignore(Replaced) {}

// Ensures that a rotation without downtime re-encrypts all values, in several transactions, that servers with both keys
// are ready before, during and after it, and that one without the old key starts only afterwards.
func TestReencrypt(t *testing.T) { onEach(t, reencrypt) }

func reencrypt(t *testing.T, dsn string) {
	s, oldKey := populatedWith(t, dsn)
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range 2*batch + 1 {
			name := fmt.Sprintf("user-%03d", i)
			sealed := s.sealer.Seal([]byte("x"), "totp_devices:"+name+":secret")
			if err := errors.Join(tx.Users.Insert(store.User{Name: name}),
				tx.TOTPDevices.Insert(store.TOTPDevice{UserName: name, Sealed: sealed})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.sealed(t)
	alone, both, newKey := withFallback(t, oldKey)
	s.wantKeys(t, secret.KeyID(oldKey))

	fresh := start(t, dsn, both)
	s.wantKeys(t, secret.KeyID(oldKey), secret.KeyID(newKey))
	// A server that keeps the old one, and has the new one to decrypt, as in the first step of the rotation.
	oldSealer, err := secret.NewSealer(oldKey, newKey)
	if err != nil {
		t.Fatal(err)
	}
	beside := start(t, dsn, oldSealer)

	var reports []int
	replaced, dropped, err := Reencrypt(operator(t), s.store, both, func(r Replaced) {
		reports = append(reports, r.SecondFactors)
		for _, each := range []server{fresh, beside} {
			if err := each.sessions.Ready(t.Context()); err != nil {
				t.Errorf("not ready meanwhile: %v", err)
			}
		}
	})
	if want := (Replaced{SigningKeys: 2, SecondFactors: 2 + 2*batch + 1}); err != nil || replaced != want ||
		!slices.Equal(dropped, []string{secret.KeyID(oldKey)}) {
		t.Fatalf("%+v, %v, %v; want %+v", replaced, dropped, err, want)
	}
	if len(reports) != 4 || !slices.IsSorted(reports) {
		t.Errorf("the progress was %v", reports)
	}
	s.wantKeys(t, secret.KeyID(newKey))
	for place, sealed := range s.sealed(t) {
		old, err := s.sealer.Open(before[place], place)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := alone.Open(sealed, place); err != nil || string(plain) != string(old) {
			t.Errorf("the content of %s changed (%v)", place, err)
		}
	}
	if got, want := s.rotations(t), []string{
		"key_encryption_key.added (system) " + secret.KeyID(newKey),
		"key_encryption_key.retired (command line) " + secret.KeyID(oldKey),
		"key_encryption_key.replaced (command line) " + secret.KeyID(newKey),
	}; !slices.Equal(got, want) {
		t.Errorf("the trail has %q; want %q", got, want)
	}

	again, dropped, err := Reencrypt(operator(t), s.store, both, ignore)
	if err != nil || again != (Replaced{}) || len(dropped) != 0 {
		t.Errorf("again: %+v, %v, %v", again, dropped, err)
	}
	if err := start(t, dsn, alone).sessions.Ready(t.Context()); err != nil {
		t.Errorf("without the old key: %v", err)
	}
	if err := s.sessions.Ready(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("a server with the old key alone is ready: %v", err)
	}
}

// rotations returns the audit entries about key-encryption keys.
func (s server) rotations(t *testing.T) (found []string) {
	t.Helper()
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		found = nil
		for _, e := range entries {
			if strings.HasPrefix(e.Event, "key_encryption_key.") {
				found = append(found, e.Event+" "+e.Actor+" "+e.Subject)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Ensures that a server neither starts nor encrypts without a key that values are encrypted with, although it opens all
// signing keys, and that its error names that key.
func TestReencrypt_OldKeyMissing(t *testing.T) { onEach(t, oldKeyMissing) }

func oldKeyMissing(t *testing.T, dsn string) {
	s, oldKey := populatedWith(t, dsn)
	alone, both, _ := withFallback(t, oldKey)
	start(t, dsn, both)
	// Only the signing keys are re-encrypted: the rotation was interrupted.
	err := s.store.Update(t.Context(), func(tx *store.Tx) error { _, err := session.Reseal(tx, both, both); return err })
	if err != nil {
		t.Fatal(err)
	}
	var unknown *sealing.UnknownKeyError
	if err := Check(t.Context(), s.store, alone); !errors.As(err, &unknown) || unknown.KeyID != secret.KeyID(oldKey) ||
		!errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("without the old key: %v", err)
	}
	if _, err := session.New(t.Context(), s.store, alone, session.DefaultSettings); !errors.As(err, &unknown) {
		t.Errorf("a server without the old key starts: %v", err)
	}
	if _, _, err := Reencrypt(operator(t), s.store, alone, ignore); !errors.As(err, &unknown) {
		t.Errorf("the rotation goes on without the old key: %v", err)
	}
	if _, _, err := Reencrypt(operator(t), s.store, both, ignore); err != nil {
		t.Error(err)
	}
	if _, err := session.New(t.Context(), s.store, alone, session.DefaultSettings); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
}

// Ensures that a key is not dropped while a server encrypts with it, and that no value is lost.
func TestReencrypt_KeyInUse(t *testing.T) { onEach(t, keyInUse) }

func keyInUse(t *testing.T, dsn string) {
	s, oldKey := populatedWith(t, dsn)
	alone, both, newKey := withFallback(t, oldKey)
	start(t, dsn, both)
	oldSealer, err := secret.NewSealer(oldKey, newKey)
	if err != nil {
		t.Fatal(err)
	}
	beside := start(t, dsn, oldSealer)
	enrol := func(Replaced) {
		if _, _, err := beside.factors.Provision(t.Context(), users[0]); err != nil {
			t.Error(err)
		}
	}

	var used *InUseError
	_, dropped, err := Reencrypt(operator(t), s.store, both, enrol)
	if !errors.As(err, &used) || used.KeyID != secret.KeyID(oldKey) || dropped != nil {
		t.Fatalf("%v, %v", dropped, err)
	}
	s.wantKeys(t, secret.KeyID(oldKey), secret.KeyID(newKey))
	if _, err := session.New(t.Context(), s.store, alone, session.DefaultSettings); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("a server without the old key starts: %v", err)
	}

	// Encrypted with the old key once more between two passes: the second pass finds it.
	calls := 0
	replaced, dropped, err := Reencrypt(operator(t), s.store, both, func(r Replaced) {
		if calls++; calls == 1 {
			enrol(r)
		}
	})
	if err != nil || len(dropped) != 1 || replaced.SecondFactors == 0 {
		t.Errorf("%+v, %v, %v", replaced, dropped, err)
	}
	for place, sealed := range s.sealed(t) {
		if _, err := alone.Open(sealed, place); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}

	// After the rotation, such a server brings the old key back.
	enrol(Replaced{})
	s.wantKeys(t, secret.KeyID(newKey), secret.KeyID(oldKey))
}

// Ensures that values sealed concurrently with a rotation are never lost.
func TestReencrypt_Concurrent(t *testing.T) { onEach(t, reencryptConcurrently) }

func reencryptConcurrently(t *testing.T, dsn string) {
	s, oldKey := populatedWith(t, dsn)
	alone, both, newKey := withFallback(t, oldKey)
	oldSealer, err := secret.NewSealer(oldKey, newKey)
	if err != nil {
		t.Fatal(err)
	}
	servers := []server{start(t, dsn, both), start(t, dsn, oldSealer)}
	stop, stopped := make(chan struct{}), make(chan error)
	for i, each := range servers {
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					stopped <- nil
					return
				default:
				}
				if _, _, err := each.factors.Provision(t.Context(), users[(i+n)%len(users)]); err != nil {
					stopped <- errors.New("server " + strconv.Itoa(i) + ": " + err.Error())
					return
				}
			}
		}()
	}
	var used *InUseError
	for range 3 {
		if _, _, err := Reencrypt(operator(t), s.store, both, ignore); err != nil && !errors.As(err, &used) {
			t.Error(err)
		}
	}
	close(stop)
	for range servers {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
	if _, dropped, err := Reencrypt(operator(t), s.store, both, ignore); err != nil || len(dropped) > 1 {
		t.Fatalf("at rest: %v, %v", dropped, err)
	}
	for place, sealed := range s.sealed(t) {
		if _, err := alone.Open(sealed, place); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}
