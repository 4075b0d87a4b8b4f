package session

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	// overlap is how long a new key only verifies, before it signs. Each replica has learnt of it by then, many times over,
	// also one that was restarted, and whose clock is wrong.
	overlap = 5 * time.Minute
	// clocks is how much longer than its tokens a key is kept, because replicas' clocks differ.
	clocks = 2 * time.Minute
)

// MinKeyRotation is the shortest time that Settings.KeyRotation may be, beside zero.
const MinKeyRotation = time.Hour

// KeyState is what a key does.
type KeyState string

// The states of a key, in the order in which it has them.
const (
	KeyWaits    KeyState = "waits" // and verifies already
	KeySigns    KeyState = "signs"
	KeyVerifies KeyState = "verifies"
)

// Key is a signing key, without what makes it one.
type Key struct {
	ID            string
	State         KeyState
	CreatedAt     time.Time
	SignsFrom     time.Time
	VerifiesUntil time.Time // zero if no other has been made to take over
}

// Keys returns the signing keys of a store, the one that takes over last first.
func Keys(ctx context.Context, st *store.Store) ([]Key, error) {
	var keys []Key
	err := st.View(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys()
		keys = nil
		signer := turn(records, tx.Now)
		for i, record := range records {
			state := KeySigns
			if i < signer {
				state = KeyWaits
			} else if i > signer {
				state = KeyVerifies
			}
			keys = append(keys, Key{record.ID, state, record.CreatedAt, record.SignsFrom, record.VerifiesUntil})
		}
		return err
	})
	return keys, err
}

// stale tells whether a key has signed for long enough, and no other waits to take over.
func (s *Service) stale(records []store.SigningKey, now time.Time) bool {
	if s.settings.KeyRotation == 0 || len(records) == 0 {
		return false
	}
	newest := records[0]
	return !newest.SignsFrom.After(now) && !newest.CreatedAt.Add(s.settings.KeyRotation).After(now)
}

// ended returns the keys whose tokens have all ended by everybody's clock.
func ended(records []store.SigningKey, now time.Time) []store.SigningKey {
	var ended []store.SigningKey
	for _, record := range records {
		if !record.VerifiesUntil.IsZero() && !record.VerifiesUntil.Add(clocks).After(now) {
			ended = append(ended, record)
		}
	}
	return ended
}

func remove(ctx context.Context, tx *store.Tx, records []store.SigningKey) error {
	for _, record := range records {
		if err := tx.DeleteSigningKey(record.ID); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.SigningKeyDeleted, record.ID, nil); err != nil {
			return err
		}
	}
	return nil
}

// RotateKey makes a key that will take over once all replicas know it, unless there is one that waits to. It returns the
// key and whether it is new.
func (s *Service) RotateKey(ctx context.Context) (Key, bool, error) {
	var record store.SigningKey
	var isNew bool
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		if len(records) > 0 && records[0].SignsFrom.After(tx.Now) {
			record, isNew = records[0], false
			return nil
		}
		isNew = true
		record, err = s.replace(ctx, tx, records)
		return err
	})
	return Key{ID: record.ID, State: KeyWaits, CreatedAt: record.CreatedAt, SignsFrom: record.SignsFrom}, isNew, err
}

// replace makes a key that takes over from those that are there.
func (s *Service) replace(ctx context.Context, tx *store.Tx, records []store.SigningKey) (store.SigningKey, error) {
	if _, err := s.keys.open(records); err != nil {
		return store.SigningKey{}, err // what is sealed by the wrong key-encryption key, no replica could use
	}
	from := tx.Now.Add(overlap)
	until := from.Add(s.settings.Idle)
	if err := tx.SupersedeSigningKeys(until); err != nil {
		return store.SigningKey{}, err
	}
	for _, record := range records {
		if !record.VerifiesUntil.IsZero() {
			continue
		}
		details := audit.Details{"signs_until": from, "verifies_until": until}
		if err := audit.Record(ctx, tx, audit.SigningKeyRetired, record.ID, details); err != nil {
			return store.SigningKey{}, err
		}
	}
	return s.keys.create(ctx, tx, from, audit.Details{"signs_from": from})
}

// create makes a key that signs from a time.
func (k *keyring) create(ctx context.Context, tx *store.Tx, from time.Time, details audit.Details) (store.SigningKey, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return store.SigningKey{}, err
	}
	id := secret.Text(9)
	record := store.SigningKey{ID: id, Sealed: k.sealer.Seal(private.Seed(), place(id)), CreatedAt: tx.Now, SignsFrom: from}
	if err := tx.InsertSigningKey(record); err != nil {
		return store.SigningKey{}, err
	}
	return record, audit.Record(ctx, tx, audit.SigningKeyCreated, id, details)
}

// RevokeKeys deletes all keys, for one that others have got hold of, makes another that signs at once, and ends all
// sessions, because their tokens are those of the keys. It returns the new key and how many sessions it ended. If it fails, it
// can be called again.
//
// The keys are gone first, whatever becomes of the sessions: to end everybody's takes longer than a transaction may, where
// there are very many.
func (s *Service) RevokeKeys(ctx context.Context) (Key, int, error) {
	var record store.SigningKey
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		if _, err := s.keys.open(records); err != nil {
			return err
		}
		if err := remove(ctx, tx, records); err != nil {
			return err
		}
		record, err = s.keys.create(ctx, tx, tx.Now, nil)
		return err
	})
	if err != nil {
		return Key{}, 0, err
	}
	if err := s.ReloadKeys(ctx); err != nil {
		return Key{}, 0, err
	}
	sessions, err := s.endAll(ctx)
	return Key{ID: record.ID, State: KeySigns, CreatedAt: record.CreatedAt, SignsFrom: record.SignsFrom}, sessions, err
}

// endAll ends everybody's sessions, one user after the other, and returns how many there were.
func (s *Service) endAll(ctx context.Context) (int, error) {
	var users []store.User
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := tx.SweepSessions(); err != nil { // else those that have expired are counted
			return err
		}
		users, err = tx.Users()
		return err
	})
	total := 0
	for _, u := range users {
		if err != nil {
			break
		}
		ended := 0
		err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
			if ended, err = tx.DeleteUserSessions(u.Name); err != nil || ended == 0 {
				return err
			}
			return audit.Record(ctx, tx, audit.SessionEnded, u.Name, audit.Details{"sessions": ended})
		})
		if err == nil {
			total += ended
		}
	}
	return total, err
}
