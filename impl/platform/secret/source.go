package secret

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/google/uuid"
)

// Source is where random bytes come from: identifiers, keys, tokens, nonces and salts. The zero Source is crypto/rand.
// It is safe for concurrent use.
type Source struct {
	generator Generator
	purpose   string
}

// Generator makes predictable bytes, for tests that compare whole answers. It is safe for concurrent use.
type Generator interface {
	// Fill fills p with bytes that depend on the purpose and on how often it was called for it, and returns that number,
	// this time included.
	Fill(purpose string, p []byte) (draw int64)
}

// NewSource returns a source of predictable bytes. Only a server for tests may have one; see TestRandomness in impl.
func NewSource(g Generator) Source { return Source{generator: g} }

// Of returns the source for a purpose. Predictable bytes for one purpose do not depend on those drawn for another, such
// as by maintenance in the background.
func (s Source) Of(purpose string) Source {
	s.purpose = purpose
	return s
}

// Predictable reports whether the source is not crypto/rand.
func (s Source) Predictable() bool { return s.generator != nil }

// Read implements io.Reader. It fills p, and never fails.
func (s Source) Read(p []byte) (int, error) {
	if s.generator == nil {
		return rand.Read(p) // never fails: crypto/rand aborts the program instead
	}
	s.generator.Fill(s.purpose, p)
	return len(p), nil
}

// Bytes returns n random bytes.
func (s Source) Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = s.Read(b) // never fails
	return b
}

// Text returns n random bytes in URL-safe base64 without padding.
func (s Source) Text(n int) string { return base64.RawURLEncoding.EncodeToString(s.Bytes(n)) }

// OrderedID returns a UUID (version 7, RFC 9562) that is larger than all before of this process. Its time is now for
// predictable sources only, and else the machine's, to the fraction of a millisecond.
func (s Source) OrderedID(now time.Time) (string, error) {
	if s.generator == nil {
		id, err := uuid.NewV7()
		return id.String(), err
	}

	var id uuid.UUID
	draw, millis := s.generator.Fill(s.purpose, id[:]), now.UnixMilli()
	for i := range 6 {
		id[i] = byte(millis >> (8 * (5 - i)) & 0xff)
	}
	id[6] = 0x70 | byte(draw>>22&0x0f)
	id[7] = byte(draw >> 14 & 0xff)
	id[8] = 0x80 | byte(draw>>8&0x3f)
	id[9] = byte(draw & 0xff)
	return id.String(), nil
}
