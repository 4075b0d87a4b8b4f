package user

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// sweepTick is how often each replica looks for rows that a revocation left behind. What such rows stand for is refused
// already; until they are swept, servers from before epochs refuse everything that concerns their user.
const sweepTick = time.Second

// WatchRevocations begins to sweep, asynchronously, what revocations leave behind. Close ends it.
func (s *Service) WatchRevocations(log *slog.Logger) {
	if !s.store.Configured() {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.stop = func() { stop(); <-done }
	go func() {
		defer close(done)
		ticker := time.NewTicker(sweepTick)
		defer ticker.Stop()
		for {
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "sweep of revoked keys and sessions failed; retrying", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
}

// Close stops WatchRevocations.
func (s *Service) Close() { s.stop() }

// Sweep brings up to date all rows that revocations left behind: revoked keys are marked as invalidated, ended sessions and
// deleted users' keys are deleted. It takes many small transactions, so other writers do not wait for it. It can be
// interrupted, and run by several replicas at once.
func (s *Service) Sweep(ctx context.Context) error {
	var names []string
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		names, err = tx.SweepingUsers()
		return err
	})
	for _, name := range names {
		for done := false; err == nil && !done; {
			err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
				if err := tx.LockKeys(); err != nil {
					return err
				}
				done, err = tx.SweepUser(name)
				return err
			})
		}
	}
	return err
}
