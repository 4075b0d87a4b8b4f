package user

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/store"
)

// sweepInterval is the interval in which each replica looks for rows that a revocation left behind. Such rows are
// invalid already; until they are swept, servers older than epochs refuse all requests about their user.
const sweepInterval = time.Second

// WatchRevocations starts to sweep in the background. Close stops it.
func (s *Service) WatchRevocations(log *slog.Logger) {
	s.sweeping = background.Start(sweepInterval, func(ctx context.Context) {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "sweep of revoked keys and sessions failed; retrying", "error", err)
		}
	})
}

// Close stops the sweep and waits until it has ended.
func (s *Service) Close() { s.sweeping.Close() }

// rest is the pause after each transaction of a sweep, for other users of the database: on SQLite, other processes poll
// for the write lock.
const rest = 20 * time.Millisecond

// Sweep updates all rows that revocations left behind: revoked keys are marked as invalidated, ended sessions and the
// keys of deleted users are deleted. It takes many small transactions, so other writers do not wait for it. It can be
// interrupted, and run by several replicas at once.
func (s *Service) Sweep(ctx context.Context) error {
	names, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]string, error) { return tx.Users.Sweeping() })
	for _, name := range names {
		for done := false; err == nil && !done; {
			if done, err = s.sweepSome(ctx, name); err == nil && !done {
				background.Pause(ctx, rest)
				err = ctx.Err()
			}
		}
	}
	return err
}

func (s *Service) sweepSome(ctx context.Context, name string) (done bool, err error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		if err := tx.Keys.Lock(); err != nil {
			return false, err
		}
		return tx.Users.Sweep(name)
	})
}
