package secret

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// counting makes bytes from the purpose and the number of draws.
type counting map[string]int64

// Fill implements Generator.
func (c counting) Fill(purpose string, p []byte) int64 {
	c[purpose]++
	for i := range p {
		p[i] = byte(len(purpose)) ^ byte(c[purpose])
	}
	return c[purpose]
}

// Ensures that the zero source makes other bytes each time, and is not predictable.
func TestSource(t *testing.T) {
	t.Parallel()
	var s Source
	if s.Predictable() || s.Of("keys").Predictable() {
		t.Error("crypto/rand is predictable")
	}
	if a, b := s.Bytes(16), s.Bytes(16); len(a) != 16 || bytes.Equal(a, b) {
		t.Errorf("the bytes are %x and %x", a, b)
	}
	if a := s.Text(18); len(a) != 24 {
		t.Errorf("18 bytes are the text %q", a)
	}
}

// Ensures that bytes for one purpose do not depend on those for another.
func TestSource_Of(t *testing.T) {
	t.Parallel()
	plain, busy := NewSource(counting{}), NewSource(counting{})
	busy.Of("nonces").Bytes(12)
	if a, b := plain.Of("keys").Text(8), busy.Of("keys").Text(8); !plain.Predictable() || a != b {
		t.Errorf("the texts are %q and %q", a, b)
	}
	if a := plain.Of("keys").Text(8); a == busy.Text(8) {
		t.Error("another purpose has the same text")
	}
}

// Ensures that ordered ids are UUIDs of version 7 with the given time, and that many at the same time are in order.
func TestSource_OrderedID(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	for name, s := range map[string]Source{"random": {}, "predictable": NewSource(counting{})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := make([]string, 1000)
			for i := range ids {
				id, err := s.OrderedID(now)
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = id
				parsed, err := uuid.Parse(id)
				if err != nil || parsed.Version() != 7 || parsed.Variant() != uuid.RFC4122 {
					t.Fatalf("%s is not a UUID of version 7: %v", id, err)
				}
				seconds, nanos := parsed.Time().UnixTime()
				if at := time.Unix(seconds, nanos); s.Predictable() && at.UnixMilli() != now.UnixMilli() {
					t.Errorf("%s has the time %s", id, at)
				}
			}
			if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 1000 {
				t.Error("the ids are not in order")
			}
		})
	}
}

// Ensures that the same source makes the same sealed values and hashes, which open and verify like others.
func TestNewFrom_Predictable(t *testing.T) {
	t.Parallel()
	key := make([]byte, KeySize)
	seal := func() string {
		s, err := NewSealerFrom(NewSource(counting{}), key)
		if err != nil {
			t.Fatal(err)
		}
		return s.Seal([]byte("seed"), "users:alice")
	}
	ordinary, err := NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal()
	if opened, err := ordinary.Open(sealed, "users:alice"); err != nil || string(opened) != "seed" || sealed != seal() {
		t.Errorf("%s opens as %q, %v", sealed, opened, err)
	}

	cheap := Cost{Memory: 8, Passes: 1, Threads: 1}
	hash := func() string {
		h, err := NewHasherFrom(NewSource(counting{}), cheap).Hash(t.Context(), "a passphrase")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	hashed := hash()
	if same, err := NewHasher(cheap).Verify(t.Context(), hashed, "a passphrase"); err != nil || !same || hashed != hash() {
		t.Errorf("%s verifies: %t, %v", hashed, same, err)
	}
}
