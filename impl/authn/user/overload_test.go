package user_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// crowded returns a service without free work slots for hashing.
func crowded(t *testing.T) (*user.Service, *store.Store, *admission.Bound) {
	t.Helper()
	_, st := newService(t)
	hasher := secret.NewHasher(secret.Cost{Memory: 64, Passes: 1, Threads: 1})
	users := user.NewService(st, hasher, attempts.NewCounter(attempts.DefaultPolicy, nil))
	if _, err := users.Add(t.Context(), valid()); err != nil {
		t.Fatal(err)
	}
	for range runtime.GOMAXPROCS(0) {
		if err := hasher.Bound().Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return users, st, hasher.Bound()
}

func failures(t *testing.T, st *store.Store) (n int) {
	t.Helper()
	err := st.View(t.Context(), func(tx *store.Tx) error {
		state, err := tx.Lockouts.Get("alice")
		n = state.Failures
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waits waits until n callers are queued.
func waits(t *testing.T, b *admission.Bound, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		waiting, _ := b.Load()
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait; want %d", waiting, n)
		}
	}
}

// Ensures that a caller that disconnects before its password is compared leaves the queue, and is not charged with a
// failed attempt.
func TestCheckPassword_Disconnected(t *testing.T) {
	users, st, hashing := crowded(t)
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() {
		_, err := users.CheckPassword(ctx, "alice", "wrong")
		answered <- err
	}()
	waits(t, hashing, 1)
	leave()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	waits(t, hashing, 0)
	if n := failures(t, st); n != 0 {
		t.Errorf("%d guesses counted", n)
	}
}

// Ensures that a guess that was compared is counted also while the queue of writers is full: otherwise it would be
// free.
func TestCheckPassword_CrowdedStore(t *testing.T) {
	users, st, hashing := crowded(t)
	_, writes := st.Slots()
	begun, end := make(chan struct{}), make(chan struct{})
	var crowd sync.WaitGroup
	write := func(f func(*store.Tx) error) {
		if err := st.Update(t.Context(), f); err != nil {
			t.Error(err)
		}
	}
	crowd.Go(func() { write(func(*store.Tx) error { close(begun); <-end; return nil }) })
	<-begun
	for range admission.Many {
		crowd.Go(func() { write(func(*store.Tx) error { return nil }) })
	}
	waits(t, writes, admission.Many)
	answered := make(chan error)
	go func() {
		_, err := users.CheckPassword(t.Context(), "alice", "wrong")
		answered <- err
	}()
	waits(t, hashing, 1)
	hashing.Release()
	waits(t, writes, admission.Many+1)
	if err := st.Update(t.Context(), func(*store.Tx) error { return nil }); !fault.Has(err, fault.ServerBusy) {
		t.Errorf("one more writer: %v", err)
	}
	close(end)
	crowd.Wait()
	if err := <-answered; !fault.Has(err, fault.LoginFailed) {
		t.Errorf("the guess was answered %v", err)
	}
	if n := failures(t, st); n != 1 {
		t.Errorf("%d guesses counted", n)
	}
}
