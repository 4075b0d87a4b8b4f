// Package apikey manages API keys. There is one kind of key, which the operations of ECE and of Elasticsearch show in
// different views.
package apikey

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

const (
	idBytes     = 15 // 20 characters, as Elasticsearch's
	secretBytes = 16 // 128 bits: nothing to guess, so a plain digest is enough
	// version is the version of the documents that keys refer to. A key of another version differs from a new one, even
	// if all else is equal.
	version = 1
	// retention is the time for which a key is shown after it was invalidated or expired (Elasticsearch's default).
	retention = 7 * 24 * time.Hour
)

// Settings holds the operator's limits of API keys.
type Settings struct {
	// MaxLifetime is the maximum lifetime of a key; zero is no limit. A key without an expiration gets this one.
	MaxLifetime time.Duration
	// MaxPerUser is the maximum number of a user's keys that are neither invalidated nor expired; zero is no limit. A
	// user with more keeps them, but creates no others.
	MaxPerUser int
	// Builtin are the built-in roles of the owners of keys.
	Builtin role.Builtin
}

// DefaultMaxPerUser exceeds the needs of a user, and is small enough for a list of all keys.
const DefaultMaxPerUser = 100_000

// Service manages API keys.
type Service struct {
	store    *store.Store
	settings Settings
	quota    quota
	usage    *usage
	log      *slog.Logger
	// ceilings caches what follows from two documents, which never change, by their ids.
	ceilings *lru.Cache[[2]string, ceiling]
	// swept is the time of the last sweep of documents, and checked that of the last one that read the keys, in
	// milliseconds since 1970. sweeps are those that run, until ctx ends.
	swept, checked atomic.Int64
	sweeps         sync.WaitGroup
	ctx            context.Context //nolint:containedctx // it ends with the service
	stop           context.CancelFunc
	// known caches keys with their owners, by the keys' ids.
	known *store.Cache[string, *ownedKey]
}

// NewService returns a service on a store. It must be closed, or the last uses of keys are lost.
func NewService(st *store.Store, settings Settings, log *slog.Logger) *Service {
	ceilings, _ := lru.New[[2]string, ceiling](maxCeilings) // these fail for a size that is not positive only
	known, _ := store.NewCache[string, *ownedKey](st, maxKnown)
	ctx, stop := context.WithCancel(context.Background())
	return &Service{
		ctx:      ctx,
		stop:     stop,
		store:    st,
		settings: settings,
		quota:    newQuota(st, settings.MaxPerUser),
		usage:    newUsage(st, log),
		log:      log,
		ceilings: ceilings,
		known:    known,
	}
}

// Close writes the last uses of keys, and stops the service.
func (s *Service) Close() {
	s.stop()
	s.sweeps.Wait()
	s.usage.close()
}

// Flush writes the last uses of keys that are pending, and waits until unreferenced documents are removed.
func (s *Service) Flush() {
	s.usage.flush()
	s.sweeps.Wait()
}

// Ref identifies a key of a user.
type Ref struct{ User, ID string }

// Get returns a user's key that is not invalidated, or fault.KeyNotFound.
func (s *Service) Get(ctx context.Context, ref Ref) (Key, error) {
	key, err := store.Read(ctx, s.store,
		func(tx *store.Tx) (store.APIKey, error) { return tx.Keys.FindOwned(ref.User, ref.ID) })
	if errors.Is(err, store.ErrNotFound) || err == nil && invalidated(key) {
		return Key{}, notFound(ref)
	}
	return keyOf(key), err
}

// List yields the keys of a user that are not invalidated, oldest first, or fault.KeyOwnerNotFound. Their metadata and
// last uses are left out.
func (s *Service) List(ctx context.Context, userName string) iter.Seq2[Key, error] {
	return s.list(ctx, ownedBy(userName), func(tx *store.Tx) error { return checkOwner(tx, userName) })
}

// ListAll yields the keys of all users that are not invalidated, oldest first. Their metadata and last uses are left
// out.
func (s *Service) ListAll(ctx context.Context) iter.Seq2[Key, error] {
	return s.list(ctx, condition.Condition{}, func(*store.Tx) error { return nil })
}

// list yields keys as the database reads them, in one transaction, unless check returns an error. After the last key it
// may yield an error: then the list is not complete.
func (s *Service) list(
	ctx context.Context, where condition.Condition, check func(*store.Tx) error,
) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		l := &listing{where: condition.And(where, notInvalidated), yield: yield}
		err := s.store.View(ctx, func(tx *store.Tx) error {
			if err := check(tx); err != nil {
				return err
			}
			return l.read(tx)
		})
		if err != nil && !l.stopped {
			yield(Key{}, err)
		}
	}
}

// listing is a list that is being read.
type listing struct {
	where condition.Condition
	yield func(Key, error) bool
	// begun is set at the first key, and stopped if the caller wants no more.
	begun, stopped bool
}

// read yields the keys. A transaction that is retried after the first key fails, because it would yield keys twice.
func (l *listing) read(tx *store.Tx) error {
	if l.begun {
		return fault.New(fault.StoreUnavailable, "the list was interrupted; try again in a moment")
	}
	columns := []condition.Column{condition.ID, condition.Name, condition.UserName, condition.Creation,
		condition.Expiration}
	for row, err := range tx.Keys.Scan(l.where, columns, store.Oldest) {
		if err != nil {
			return err
		}
		l.begun = true
		if l.stopped = !l.yield(listed(row), nil); l.stopped {
			return nil
		}
	}
	return nil
}

// listed returns a key as lists show it.
func listed(row *store.KeyRow) Key {
	return Key{
		ID:          row.ID,
		UserName:    row.UserName,
		Description: row.Name,
		CreatedAt:   row.Creation,
		ExpiresAt:   row.Expiration,
	}
}

// Delete invalidates a user's key, or returns fault.KeyNotFound.
func (s *Service) Delete(ctx context.Context, ref Ref) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		deleted, err := remove(ctx, tx, ref)
		if err == nil && !deleted {
			return notFound(ref)
		}
		return err
	})
}

// DeleteEach invalidates the keys that exist among those named, in one transaction.
func (s *Service) DeleteEach(ctx context.Context, refs []Ref) error {
	ids := make([]string, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := lockMany(tx, len(ids)); err != nil {
			return err
		}
		found, err := tx.Keys.ByIDs(ids)
		if err != nil {
			return err
		}
		var keys []store.APIKey
		for _, ref := range refs {
			if key := found[ref.ID]; key.UserName == ref.User {
				keys = append(keys, key)
			}
		}
		_, err = invalidate(ctx, tx, keys)
		return err
	})
}

// DeleteAll invalidates all keys of a user, or returns fault.KeyOwnerNotFound.
func (s *Service) DeleteAll(ctx context.Context, userName string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Keys.Lock(); err != nil {
			return err
		}
		if err := checkOwner(tx, userName); err != nil {
			return err
		}
		_, err := revoke(ctx, tx, userName)
		return err
	})
}

// expired reports whether a key has expired.
func expired(key store.APIKey, now time.Time) bool {
	return !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt)
}

// invalidated reports whether a key was invalidated.
func invalidated(key store.APIKey) bool { return !key.InvalidatedAt.IsZero() }

func remove(ctx context.Context, tx *store.Tx, ref Ref) (bool, error) {
	key, err := tx.Keys.FindOwned(ref.User, ref.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ended, err := invalidate(ctx, tx, []store.APIKey{key})
	return len(ended) > 0, err
}

// invalidate invalidates the keys that are not invalidated yet, and returns their ids.
func invalidate(ctx context.Context, tx *store.Tx, keys []store.APIKey) ([]string, error) {
	owners := map[string]string{}
	var ids []string
	for _, key := range keys {
		owners[key.ID] = key.UserName
		ids = append(ids, key.ID)
	}
	ended, err := tx.Keys.Invalidate(ids)
	if err != nil {
		return nil, err
	}
	byOwner := map[string][]string{}
	for _, id := range ended {
		byOwner[owners[id]] = append(byOwner[owners[id]], id)
	}
	for owner, ids := range byOwner {
		if err := audit.RecordEach(ctx, tx, audit.KeyInvalidated, ids, audit.Details{"user": owner}); err != nil {
			return nil, err
		}
	}
	return ended, nil
}

// revoke invalidates all keys of a user, and returns the ids of those that were valid, in order. The audit trail gets a
// single entry for all of them.
func revoke(ctx context.Context, tx *store.Tx, userName string) ([]string, error) {
	revoked, err := tx.Keys.RevokeUser(userName)
	if err != nil || len(revoked.IDs) == 0 {
		return nil, err
	}
	return revoked.IDs, audit.Record(ctx, tx, audit.KeysRevoked, userName,
		audit.Details{"keys": len(revoked.IDs), "epoch": revoked.Epoch})
}

func checkOwner(tx *store.Tx, userName string) error {
	_, err := tx.Users.Find(userName)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.KeyOwnerNotFound, "there is no user \""+userName+"\"", "user_id")
	}
	return err
}

func notFound(ref Ref) error {
	return fault.New(fault.KeyNotFound, "there is no API key \""+ref.ID+"\"", "api_key_id")
}
