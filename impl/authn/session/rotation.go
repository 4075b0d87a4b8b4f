package session

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	// overlap is the time that a new key only verifies before it signs. It is a multiple of the interval in which replicas
	// load keys, so that restarts and differing clocks do not matter.
	overlap = 5 * time.Minute
	// clockTolerance is the time that a key is kept after its last token expired, because replicas' clocks differ.
	clockTolerance = 2 * time.Minute
)

// MinKeyRotation is the minimum of Settings.KeyRotation, except for zero.
const MinKeyRotation = time.Hour

// KeyState is the state of a signing key.
type KeyState string

// The states of a key, in the order of its lifecycle. A key verifies tokens in all of them.
const (
	KeyWaits    KeyState = "waits"
	KeySigns    KeyState = "signs"
	KeyVerifies KeyState = "verifies"
)

// Key describes a signing key, without the key itself.
type Key struct {
	ID            string
	State         KeyState
	CreatedAt     time.Time
	SignsFrom     time.Time
	VerifiesUntil time.Time // zero if it has no successor
}

// Keys returns the signing keys of a store, the newest first.
func Keys(ctx context.Context, st *store.Store) ([]Key, error) {
	return store.Read(ctx, st, func(tx *store.Tx) (keys []Key, err error) {
		records, err := tx.SigningKeys.All()
		signer := currentKey(records, tx.Now)
		for i, record := range records {
			state := KeySigns
			if i < signer {
				state = KeyWaits
			} else if i > signer {
				state = KeyVerifies
			}
			keys = append(keys, Key{record.ID, state, record.CreatedAt, record.SignsFrom, record.VerifiesUntil})
		}
		return keys, err
	})
}

// rotationDue reports whether the newest key signs and has reached the rotation age.
func (s *Service) rotationDue(records []store.SigningKey, now time.Time) bool {
	if s.settings.KeyRotation == 0 || len(records) == 0 {
		return false
	}
	newest := records[0]
	return !newest.SignsFrom.After(now) && !newest.CreatedAt.Add(s.settings.KeyRotation).After(now)
}

// expiredKeys returns the keys that no valid token is signed with, by the clock of any replica.
func expiredKeys(records []store.SigningKey, now time.Time) []store.SigningKey {
	var expired []store.SigningKey
	for _, record := range records {
		if !record.VerifiesUntil.IsZero() && !record.VerifiesUntil.Add(clockTolerance).After(now) {
			expired = append(expired, record)
		}
	}
	return expired
}

// deleteKeys deletes keys and records that in the audit trail.
func deleteKeys(ctx context.Context, tx *store.Tx, records []store.SigningKey) error {
	for _, record := range records {
		if err := tx.SigningKeys.Delete(record.ID); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.SigningKeyDeleted, record.ID, nil); err != nil {
			return err
		}
	}
	return nil
}

// RotateKey creates a key that starts to sign after all replicas have loaded it, unless there is one already that does
// not sign yet. It returns that key and reports whether it is new.
func (s *Service) RotateKey(ctx context.Context) (Key, bool, error) {
	type waiting struct {
		store.SigningKey
		isNew bool
	}
	key, err := store.Write(ctx, s.store, func(tx *store.Tx) (waiting, error) {
		records, err := tx.SigningKeys.All()
		if err != nil {
			return waiting{}, err
		}
		if len(records) > 0 && records[0].SignsFrom.After(tx.Now) {
			return waiting{records[0], false}, nil
		}
		record, err := s.replace(ctx, tx, records)
		return waiting{record, true}, err
	})
	return Key{ID: key.ID, State: KeyWaits, CreatedAt: key.CreatedAt, SignsFrom: key.SignsFrom}, key.isNew, err
}

// replace creates the successor of the existing keys.
func (s *Service) replace(ctx context.Context, tx *store.Tx, records []store.SigningKey) (store.SigningKey, error) {
	// With the wrong key-encryption key, the new key would be unusable on other replicas.
	if _, err := s.keys.open(records); err != nil {
		return store.SigningKey{}, err
	}

	from := tx.Now.Add(overlap)
	until := from.Add(s.settings.Idle)
	if err := tx.SigningKeys.Supersede(until); err != nil {
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

// create creates a key that signs from the given time.
func (k *keyring) create(
	ctx context.Context, tx *store.Tx, from time.Time, details audit.Details,
) (store.SigningKey, error) {
	if err := sealing.Register(ctx, tx, k.sealer); err != nil {
		return store.SigningKey{}, err
	}
	random := tx.Random.Of("signing keys")
	seed, id := random.Bytes(ed25519.SeedSize), random.Text(9)
	record := store.SigningKey{ID: id, Sealed: k.sealer.Seal(seed, place(id)), CreatedAt: tx.Now, SignsFrom: from}
	if err := tx.SigningKeys.Insert(record); err != nil {
		return store.SigningKey{}, err
	}
	return record, audit.Record(ctx, tx, audit.SigningKeyCreated, id, details)
}

// RevokeKeys deletes all keys because one of them was compromised, creates one that signs immediately, and deletes all
// sessions, because their tokens are signed with the deleted keys. It returns the new key and the number of deleted
// sessions. It can be called again after an error.
//
// The keys are deleted in their own transaction before the sessions: deleting very many sessions could exceed the time
// limit of a transaction.
func (s *Service) RevokeKeys(ctx context.Context) (Key, int, error) {
	record, err := store.Write(ctx, s.store, func(tx *store.Tx) (store.SigningKey, error) {
		records, err := tx.SigningKeys.All()
		if err != nil {
			return store.SigningKey{}, err
		}
		if _, err := s.keys.open(records); err != nil {
			return store.SigningKey{}, err
		}
		if err := deleteKeys(ctx, tx, records); err != nil {
			return store.SigningKey{}, err
		}
		return s.keys.create(ctx, tx, tx.Now, nil)
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

// endAll deletes all sessions, with one transaction per user, and returns their number.
func (s *Service) endAll(ctx context.Context) (int, error) {
	users, err := store.Write(ctx, s.store, func(tx *store.Tx) ([]store.User, error) {
		// Expired sessions must not be counted.
		if err := tx.Sessions.Sweep(); err != nil {
			return nil, err
		}
		return tx.Users.All()
	})
	if err != nil {
		return 0, err
	}

	total := 0
	for _, u := range users {
		ended, err := store.Write(ctx, s.store, func(tx *store.Tx) (int, error) { return EndUser(ctx, tx, u.Name) })
		if err != nil {
			return total, err
		}
		total += ended
	}
	return total, nil
}

// EndUser ends all sessions of a user, and returns their number.
func EndUser(ctx context.Context, tx *store.Tx, userName string) (int, error) {
	ended, err := tx.Sessions.DeleteUser(userName)
	if err != nil || ended == 0 {
		return 0, err
	}
	return ended, audit.Record(ctx, tx, audit.SessionEnded, userName, audit.Details{"sessions": ended})
}
