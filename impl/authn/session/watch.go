package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/store"
)

// keysInterval is the interval in which a replica loads the keys and maintains them. A deleted key verifies no token on
// any replica after that time.
const keysInterval = 10 * time.Second

// Watch starts the maintenance of the signing keys in the background: it loads changes by other replicas, rotates the
// signing key, and deletes keys that no valid token is signed with. Close stops it.
func (s *Service) Watch(log *slog.Logger) {
	if s.keys == nil {
		return
	}
	s.maintenance = background.Start(keysInterval, func(ctx context.Context) {
		if err := s.maintainKeys(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "signing key maintenance failed; keeping the current keys", "error", err)
		}
	})
}

// Close stops the background maintenance and waits until it has ended.
func (s *Service) Close() { s.maintenance.Close() }

// ReloadKeys loads the signing keys from the store.
func (s *Service) ReloadKeys(ctx context.Context) error {
	_, err := s.keys.load(ctx)
	return err
}

// maintainKeys loads the keys, and rotates and deletes those that are due. If several replicas find that rotation is
// due, only one of them rotates the key.
func (s *Service) maintainKeys(ctx context.Context) error {
	records, err := s.keys.load(ctx)
	now := s.store.Now()
	if err != nil || !s.rotationDue(records, now) && len(expiredKeys(records, now)) == 0 {
		return err
	}

	err = s.store.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys.All()
		if err != nil {
			return err
		}
		if s.rotationDue(records, tx.Now) {
			if _, err := s.replace(ctx, tx, records); err != nil {
				return err
			}
		}
		return deleteKeys(ctx, tx, expiredKeys(records, tx.Now))
	})
	if err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}
