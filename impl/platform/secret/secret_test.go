package secret

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

var cheap = Cost{Memory: 64, Passes: 1, Threads: 1}

// Ensures that texts have the requested length, are safe in URLs, and are unique.
func TestText(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		text := Text(15)
		if len(text) != 20 || strings.ContainsAny(text, "+/=") || seen[text] {
			t.Fatalf("%q", text)
		}
		seen[text] = true
	}
}

// Ensures that a sealed value opens only with its key and in its place, and that sealing is randomized.
func TestSealer(t *testing.T) {
	first, err := NewSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewSealer(NewKey())
	if err != nil {
		t.Fatal(err)
	}
	sealed := first.Seal([]byte("seed"), "users:alice")
	if sealed == first.Seal([]byte("seed"), "users:alice") {
		t.Error("sealing twice gives the same text")
	}
	if plain, err := first.Open(sealed, "users:alice"); err != nil || string(plain) != "seed" {
		t.Errorf("Open = %q, %v", plain, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another key":   func() ([]byte, error) { return second.Open(sealed, "users:alice") },
		"another place": func() ([]byte, error) { return first.Open(sealed, "users:bob") },
		"cut":           func() ([]byte, error) { return first.Open(sealed[:20], "users:alice") },
		"empty":         func() ([]byte, error) { return first.Open("", "users:alice") },
		"not base64":    func() ([]byte, error) { return first.Open("%", "users:alice") },
		"changed":       func() ([]byte, error) { return first.Open("AAAA"+sealed[4:], "users:alice") },
	} {
		if plain, err := open(); !errors.Is(err, ErrUnsealable) || plain != nil {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	for _, size := range []int{0, 16, 31, 33} {
		if _, err := NewSealer(make([]byte, size)); err == nil {
			t.Errorf("a key of %d bytes is accepted", size)
		}
	}
}

// Ensures that a fallback decrypts and does not encrypt, and that only what a fallback opens is re-encrypted.
func TestSealer_Fallback(t *testing.T) {
	t.Parallel()
	oldKey, newKey := NewKey(), NewKey()
	sealers := make([]*Sealer, 4)
	for i, keys := range [][][]byte{{oldKey}, {newKey}, {newKey, oldKey}, {NewKey()}} {
		s, err := NewSealer(keys[0], keys[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		sealers[i] = s
	}
	before, after, both, other := sealers[0], sealers[1], sealers[2], sealers[3]
	const place = "users:alice"

	sealed := before.Seal([]byte("seed"), place)
	if plain, err := both.Open(sealed, place); err != nil || string(plain) != "seed" {
		t.Errorf("the fallback opens %q, %v", plain, err)
	}
	if _, err := both.Open(sealed, "users:bob"); !errors.Is(err, ErrUnsealable) {
		t.Errorf("the fallback in another place: %v", err)
	}
	if plain, err := after.Open(both.Seal([]byte("seed"), place), place); err != nil || string(plain) != "seed" {
		t.Errorf("what the current key encrypts opens as %q, %v", plain, err)
	}
	if _, _, err := both.Reseal(other, sealed, place); !errors.Is(err, ErrUnsealable) {
		t.Errorf("re-encrypted with another key: %v", err)
	}

	resealed, changed, err := both.Reseal(both, sealed, place)
	if plain, openErr := after.Open(resealed, place); err != nil || openErr != nil || !changed || string(plain) != "seed" {
		t.Errorf("re-encrypted: %q, %t, %v, %v", plain, changed, err, openErr)
	}
	if again, changed, err := both.Reseal(both, resealed, place); again != resealed || changed || err != nil {
		t.Errorf("re-encrypted twice: %t, %v", changed, err)
	}

	if both.KeyID() != KeyID(newKey) || KeyID(newKey) == KeyID(oldKey) || len(KeyID(oldKey)) != 16 {
		t.Errorf("the ids are %s and %s; it uses %s", KeyID(oldKey), KeyID(newKey), both.KeyID())
	}
	if !both.Knows(KeyID(oldKey)) || !both.Knows(KeyID(newKey)) || after.Knows(KeyID(oldKey)) {
		t.Error("a sealer knows other keys than it has")
	}
	if _, err := NewSealer(newKey, oldKey[:31]); err == nil {
		t.Error("a fallback of 31 bytes is accepted")
	}
}

// Ensures that a password matches its hash at any cost, and that no password matches the empty hash.
func TestHasher(t *testing.T) {
	h := NewHasher(cheap)
	hash, err := h.Hash(t.Context(), "passphrase")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("Hash = %q, %v", hash, err)
	}
	other := NewHasher(Cost{Memory: 128, Passes: 2, Threads: 1})
	for name, c := range map[string]struct {
		hash, password string
		right          bool
	}{
		"right": {hash, "passphrase", true}, "wrong": {hash, "Passphrase", false}, "empty": {hash, "", false},
		"longer":  {hash, "passphrase ", false},
		"no hash": {"", "passphrase", false}, "no hash, no password": {"", "", false},
	} {
		if right, err := other.Verify(t.Context(), c.hash, c.password); err != nil || right != c.right {
			t.Errorf("%s: %t, %v", name, right, err)
		}
	}
	again, err := h.Hash(t.Context(), "passphrase")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are the same (%v)", err)
	}
}

// Ensures that a new hasher has hashed nothing yet, and that an unknown user costs as much as a known one.
func TestHasher_New(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h := NewHasher(DefaultCost)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("a new hasher allocates %d bytes, as much as a hash", allocated)
	}

	dummy, err := parsePHC(h.dummy)
	if err != nil || dummy.cost != DefaultCost || len(dummy.salt) != saltSize {
		t.Errorf("%+v, %v", dummy, err)
	}
}

// Ensures that a malformed hash is an error, and not a wrong password.
func TestHasher_Malformed(t *testing.T) {
	h := NewHasher(cheap)
	hash, err := h.Hash(t.Context(), "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"x", "$", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "v=19", "v=18", 1),
		strings.Replace(hash, "t=1", "t=0", 1),
		strings.Replace(hash, "p=1", "p=0", 1), strings.Replace(hash, "m=64", "m=x", 1), hash + "$x", hash[:len(hash)-4],
		hash + "!",
	} {
		if right, err := h.Verify(t.Context(), text, "passphrase"); err == nil || right {
			t.Errorf("%q: %t, %v", text, right, err)
		}
	}
}

// Ensures that hashing without a free work slot is refused, and that work slots are released.
func TestHasher_Busy(t *testing.T) {
	h := NewHasher(cheap)
	for range runtime.GOMAXPROCS(0) {
		if err := h.Bound().Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := h.Hash(ctx, "passphrase"); !fault.Has(err, fault.ServerBusy) {
		t.Errorf("Hash without a work slot: %v", err)
	}
	if _, err := h.Verify(ctx, "", "passphrase"); !fault.Has(err, fault.ServerBusy) {
		t.Errorf("Verify without a work slot: %v", err)
	}
	for range runtime.GOMAXPROCS(0) {
		h.Bound().Release()
	}
	hash, err := h.Hash(t.Context(), "passphrase")
	if err != nil {
		t.Errorf("with work slots again: %v", err)
	}
	if right, err := h.Verify(t.Context(), hash, "passphrase"); !right || err != nil {
		t.Errorf("with work slots again: %t, %v", right, err)
	}
	if waiting, running := h.Bound().Load(); waiting != 0 || running != 0 {
		t.Errorf("%d wait and %d run afterwards", waiting, running)
	}
}

// Ensures that an imported hash is accepted if it is within the limits, and refused if it is malformed, expensive or
// unsafe.
func TestCheckHash(t *testing.T) {
	const salt, sum = "c29tZXNhbHRzb21lc2FsdA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	ours, err := NewHasher(cheap).Hash(t.Context(), "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	for hash, fits := range map[string]bool{
		ours: true,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + sum:                    true,
		"$argon2id$v=19$m=65536,t=10,p=4$" + salt + "$" + sum:                   true,
		"$argon2id$v=19$m=65537,t=1,p=1$" + salt + "$" + sum:                    false,
		"$argon2id$v=19$m=64,t=11,p=1$" + salt + "$" + sum:                      false,
		"$argon2id$v=19$m=64,t=1,p=9$" + salt + "$" + sum:                       false,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + sum:                       false,
		"$argon2id$v=19$m=064,t=1,p=1$" + salt + "$" + sum:                      false,
		"$argon2id$v=19$m=64,t=1,p=1,x=1$" + salt + "$" + sum:                   false,
		"$argon2id$v=19$m=64,t=1,p=1$AAAA$" + sum:                               false,
		"$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("AAAA", 22) + "$" + sum: false,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$AAAA":                         false,
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy":          false,
		"":           false,
		"passphrase": false,
	} {
		if err := CheckHash(hash); (err == nil) != fits {
			t.Errorf("%q: %v", hash, err)
		}
	}
}

// Ensures that a credential has two forms, with and without padding, and no more.
func TestDecodeCredential(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"padded":                   {"YTpiYw==", "a:bc"},
		"without padding":          {"YTpiYw", "a:bc"},
		"nothing to pad":           {"YTpi", "a:b"},
		"half of the padding":      {"YTpiYw=", ""},
		"too much padding":         {"YTpi====", ""},
		"bits that are not used":   {"YTpiYx==", ""},
		"the same without padding": {"YTpiYx", ""},
		"line break":               {"YTpi\nYw==", ""},
		"carriage return":          {"YTpiYw==\r", ""},
		"blank":                    {"YTpi Yw==", ""},
		"alphabet of URLs":         {"_-8=", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeCredential(c.text)
			if (err != nil) != (c.want == "") || err == nil && string(got) != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}
