package apikey

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// noted is the resolution of the last use of a key: a use within this time after the recorded one is not written.
const noted = time.Minute

// usage records when keys were used, asynchronously: no request fails or waits for the disk because of it.
type usage struct {
	store *store.Store
	log   *slog.Logger
	wake  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	pending map[string]time.Time
	closed  bool
	// writing serializes flushes, so that all uses noted before a flush are written when it returns.
	writing sync.Mutex
}

func newUsage(st *store.Store, log *slog.Logger) *usage {
	u := &usage{store: st, log: log, wake: make(chan struct{}, 1), done: make(chan struct{}),
		pending: map[string]time.Time{}}
	go u.run()
	return u
}

func (u *usage) run() {
	defer close(u.done)
	for range u.wake {
		u.flush()
	}
}

// note records a use unless one within the resolution is recorded.
func (u *usage) note(key store.APIKey, now time.Time) {
	if now.Sub(key.LastUsedAt) < noted {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, known := u.pending[key.ID]; u.closed || known && now.Sub(last) < noted {
		return
	}
	u.pending[key.ID] = now
	select {
	case u.wake <- struct{}{}:
	default: // the writer is awake already
	}
}

// flush writes the pending uses. They stay pending until they are written, so that they are not noted again.
func (u *usage) flush() {
	u.writing.Lock()
	defer u.writing.Unlock()
	u.mu.Lock()
	used := maps.Clone(u.pending)
	u.mu.Unlock()
	if len(used) == 0 {
		return
	}
	err := u.store.Update(context.Background(), func(tx *store.Tx) error { return tx.Keys.Touch(used) })
	if err != nil {
		u.log.Warn("last uses of API keys not written", "keys", len(used), "error", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, at := range used {
		if u.pending[id].Equal(at) {
			delete(u.pending, id)
		}
	}
}

func (u *usage) close() {
	u.mu.Lock()
	if !u.closed {
		u.closed = true
		close(u.wake)
	}
	u.mu.Unlock()
	<-u.done
	u.flush()
}
