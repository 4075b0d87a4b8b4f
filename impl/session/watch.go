package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// keysTick is how often a replica looks what keys there are, and what there is to do about them. A key that was deleted
// verifies nowhere after it.
const keysTick = 10 * time.Second

// Watch begins to keep the keys in order in the background: those that others change are learnt of, one that has signed for
// long enough is replaced, and one whose tokens have all ended is deleted. Close ends it.
func (s *Service) Watch(log *slog.Logger) {
	if s.keys == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.stop = func() { stop(); <-done }
	go func() {
		defer close(done)
		ticker := time.NewTicker(keysTick)
		defer ticker.Stop()
		for {
			if err := s.tend(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "the signing keys could not be looked after; those that are known stay", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
}

// Close ends what goes on in the background.
func (s *Service) Close() { s.stop() }

// ReloadKeys takes the signing keys that the store has now.
func (s *Service) ReloadKeys(ctx context.Context) error {
	if err := s.store.Require(); err != nil {
		return err
	}
	_, _, err := s.keys.load(ctx)
	return err
}

// tend is ReloadKeys, and does what is due. However many replicas find that a key has signed for long enough, one
// replaces it.
func (s *Service) tend(ctx context.Context) error {
	records, now, err := s.keys.load(ctx)
	if err != nil || !s.stale(records, now) && len(ended(records, now)) == 0 {
		return err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		if s.stale(records, tx.Now) {
			if _, err := s.replace(ctx, tx, records); err != nil {
				return err
			}
		}
		return remove(ctx, tx, ended(records, tx.Now))
	})
	if err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}
