package store

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newFileReplicas returns two stores on one SQLite file, as two processes have them.
func newFileReplicas(t *testing.T) (a, b *replica) {
	t.Helper()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	a, b = newReplica(t, dsn), newReplica(t, dsn)
	fill(t, a.Store)
	if !a.Following() || !b.Following() {
		t.Fatal("nothing is cached")
	}
	return a, b
}

// change is Update that must succeed.
func (r *replica) change(f func(*Tx) error) {
	r.Helper()
	if err := r.Update(r.Context(), f); err != nil {
		r.Fatal(err)
	}
}

// signIn adds the token t again, with its session.
func (r *replica) signIn() {
	r.Helper()
	r.change(func(tx *Tx) error {
		end := tx.Now.Add(time.Hour)
		if err := tx.Sessions.Insert(Session{ID: "s", UserName: "u", ExpiresAt: end}); err != nil {
			return err
		}
		return tx.Sessions.InsertToken(SessionToken{ID: "t", SessionID: "s", ExpiresAt: end})
	})
}

// Ensures that a session that another process ends is not found by the next read, each of many times.
func TestCommits_OtherProcess(t *testing.T) {
	t.Parallel()
	a, b := newFileReplicas(t)
	const rounds = 1000
	for round := range rounds {
		for range 2 {
			if a.session() != "s" {
				t.Fatal("the session is not found")
			}
		}
		b.logout()
		if a.session() != "" {
			t.Fatalf("the session is found after it was ended, in round %d", round)
		}
		b.signIn()
	}
	a.wantCounts(rounds, 2*rounds)
}

// Ensures that on PostgreSQL a session that another process ends is found for no longer than documented.
func TestCommits_OtherReplica(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	var longest time.Duration
	for range 1000 {
		a.eventually(MaxLifetime, "the session is found", func() bool { return a.session() == "s" })
		b.logout()
		ended := time.Now()
		a.eventually(MaxLifetime, "the session is not found", func() bool { return a.session() == "" })
		longest = max(longest, time.Since(ended))
		b.signIn()
	}
	t.Logf("an ended session was found for at most %v", longest)
}

// Ensures that the store's own commits invalidate what they change, and nothing else.
func TestCommits_Own(t *testing.T) {
	t.Parallel()
	a, _ := newFileReplicas(t)
	a.session()
	a.change(func(tx *Tx) error { return tx.Users.Insert(User{Name: "another"}) })
	a.change(func(*Tx) error { return nil })
	a.session()
	a.wantCounts(1, 1)

	a.logout()
	if a.session() != "" {
		t.Error("the session is found where it was ended")
	}
}

// Ensures that a statement without tags invalidates everything, as a commit of another process does.
func TestCommits_Unannounced(t *testing.T) {
	t.Parallel()
	a, _ := newFileReplicas(t)
	a.session()
	a.unannounced("DELETE FROM sessions")
	if a.session() != "" {
		t.Error("the session is cached")
	}
}

// Ensures that a commit of another process right after an own one, before the own one is recorded, is not taken for
// part of it, and that nothing cached is used between the two.
func TestCommits_RightAfterOwn(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"another process commits": true, "no other process commits": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newFileReplicas(t)
			a.session()

			tx, own, err := a.begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(t.Context(), "UPDATE users SET email = 'x'"); err != nil {
				t.Fatal(err)
			}
			own.begin()
			if !a.current() {
				t.Error("before the commit, cached values are not used")
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if a.current() {
				t.Error("cached values are used before the commit is recorded")
			}

			if ended {
				b.logout()
			}
			own.end(t.Context())
			own.close()

			found := a.session()
			if hits, _ := a.alive.Counts(); (found == "") != ended || (hits == 1) == ended {
				t.Errorf("the session %q is found, with %d hits", found, hits)
			}
		})
	}
}

// Ensures that a value that was read before a commit of another process is not cached after it.
func TestCommits_ReadBefore(t *testing.T) {
	t.Parallel()
	a, b := newFileReplicas(t)
	if found := a.sessionWhile(b.logout); found != "s" {
		t.Fatalf("%q is found; want what was read before the commit", found)
	}
	if a.session() != "" {
		t.Error("the value from before the commit is cached")
	}
}

// Ensures that nothing cached is used once the detection has ended, or the database's file is another.
func TestCommits_FileGone(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(*testing.T, *Store){
		"closed": func(_ *testing.T, st *Store) { st.commits.close() },
		"deleted": func(t *testing.T, st *Store) {
			if err := os.Remove(st.files.known[0].path); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, st *Store) {
			other := filepath.Join(t.TempDir(), "other.db")
			if err := os.WriteFile(other, []byte("another file"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, st.files.known[0].path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := newFileReplicas(t)
			a.session()
			if !a.current() {
				t.Fatal("cached values are not used before, so this shows nothing")
			}
			gone(t, a.Store)
			a.files.intact.Store(0) // the files were found in place long ago
			if a.current() {
				t.Error("cached values are used")
			}
		})
	}
}

// Ensures that under concurrent commits of two processes no read returns a value older than the last commit that
// returned before the read began.
func TestCommits_Linearizable(t *testing.T) {
	t.Parallel()
	a, b := newFileReplicas(t)
	var committed atomic.Int64 // the highest number that was committed

	var writers, readers sync.WaitGroup
	for _, writer := range []*replica{a, b} {
		writers.Go(func() {
			for range 300 {
				raise(writer, &committed)
			}
		})
	}
	writers.Go(func() {
		for range 300 {
			a.change(func(tx *Tx) error { return tx.Users.TouchLogin("u") })
		}
	})

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	numbers, err := NewCache[string, int64](a.Store, 8)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				least := committed.Load()
				found, err := numbers.Read(t.Context(), "t", number)
				if err != nil || found < least {
					t.Errorf("read %d after %d was committed (%v)", found, least, err)
					return
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
	hits, misses := numbers.Counts()
	t.Logf("%d hits, %d misses", hits, misses)
	if hits == 0 {
		t.Error("nothing was cached, so this shows nothing")
	}
}

// number returns the number that is in a user's name.
func number(tx *Tx) (int64, error) {
	_, _, u, err := tx.Sessions.FindByToken("t")
	if err != nil || u.FullName == "" {
		return 0, err
	}
	return strconv.ParseInt(u.FullName, 10, 64)
}

// raise increments the number in a user's name.
func raise(r *replica, committed *atomic.Int64) {
	var now int64
	r.change(func(tx *Tx) error {
		u, err := tx.Users.Find("u")
		if err != nil {
			return err
		}
		old, err := number(tx)
		if err != nil {
			return err
		}
		now = old + 1
		u.FullName = strconv.FormatInt(now, 10)
		return tx.Users.Update(u)
	})
	for known := committed.Load(); now > known && !committed.CompareAndSwap(known, now); known = committed.Load() {
		continue
	}
}

// BenchmarkCommits measures the detection of other processes' commits.
func BenchmarkCommits(b *testing.B) {
	s, err := Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "test.db"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it is in a temporary folder
	s.Follow(MaxLifetime, nil)

	b.ReportAllocs()
	for b.Loop() {
		if !s.current() {
			b.Fatal("nothing is cached")
		}
	}
}
