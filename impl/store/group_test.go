package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
)

// groupTest is a store in a bubble. Its time stands still while transactions run, so that only a test's own Sleep ends
// a group by its time.
type groupTest struct {
	*testing.T
	*Store
}

// testGroup runs a test with an empty SQLite database in a bubble.
func testGroup(t *testing.T, test func(g groupTest)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		st, err := Open(t.Context(), "sqlite:"+path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		st.Follow(MaxLifetime, nil)
		test(groupTest{t, st})
	})
}

// member is one of several concurrent Updates.
type member struct {
	ctx context.Context //nolint:containedctx // it is an argument
	f   func(*Tx) error
	// group is the group in which f ran last, runs how often it ran, and err and took the outcome.
	group    *group
	runs     int
	err      error
	panicked any
	took     time.Duration
}

// together runs Updates that all wait for the same slot, in this order.
func (g groupTest) together(members ...*member) {
	g.Helper()
	if err := g.writer.slots.Acquire(g.Context()); err != nil {
		g.Fatal(err)
	}
	for _, m := range members {
		go func() {
			began := time.Now()
			defer func() { m.panicked, m.took = recover(), time.Since(began) }()
			m.err = g.Update(m.ctx, func(tx *Tx) error {
				m.group = g.group
				m.runs++
				return m.f(tx)
			})
		}()
		synctest.Wait()
	}
	g.writer.slots.Release()
	time.Sleep(time.Second) // of the bubble: all have ended then
	synctest.Wait()
	if waiting, running := g.writer.slots.Load(); waiting+running > 0 || g.group != nil {
		g.Errorf("%d wait and %d run afterwards", waiting, running)
	}
}

// add returns a member that adds a user.
func (g groupTest) add(name string) *member {
	return &member{ctx: g.Context(), f: func(tx *Tx) error { return tx.Users.Insert(User{Name: name}) }}
}

// then returns a member that adds a user and goes on with f.
func (g groupTest) then(name string, f func(*Tx) error) *member {
	m := g.add(name)
	insert := m.f
	m.f = func(tx *Tx) error { return errors.Join(insert(tx), f(tx)) }
	return m
}

// wantUsers reports whether exactly these users exist.
func (g groupTest) wantUsers(want ...string) {
	g.Helper()
	names, err := Read(g.Context(), g.Store, func(tx *Tx) ([]string, error) {
		return all(tx, single[string], adHoc("SELECT name FROM users ORDER BY name"))
	})
	if err != nil || fmt.Sprint(names) != fmt.Sprint(want) {
		g.Errorf("the users are %v (%v); want %v", names, err, want)
	}
}

// wantOneGroup reports an error unless all members ran once, in one group.
func (g groupTest) wantOneGroup(members ...*member) {
	g.Helper()
	for i, m := range members {
		if m.group != members[0].group || m.runs != 1 {
			g.Errorf("member %d ran %d times, not in the group of the first", i, m.runs)
		}
	}
}

// Ensures that a group commits what its members did, each of which has its own outcome: an error, a failure of the
// database that the function ignores, a panic and an ended context undo that member's work only.
func TestGroup_MemberFails(t *testing.T) {
	refused := errors.New("refused")
	for name, fails := range map[string]struct {
		f    func(*Tx) error
		want func(m *member) bool
	}{
		"error": {
			func(*Tx) error { return refused },
			func(m *member) bool { return errors.Is(m.err, refused) },
		},
		"failed statement": {
			func(tx *Tx) error { _ = tx.do(adHoc("DELETE FROM nothing")); return nil },
			func(m *member) bool { return fault.Has(m.err, fault.StoreUnavailable) },
		},
		"panic": {
			func(*Tx) error { panic("p") },
			func(m *member) bool { return m.panicked == "p" },
		},
	} {
		for at := range 3 {
			t.Run(fmt.Sprintf("%s, member %d", name, at), func(t *testing.T) {
				testGroup(t, func(g groupTest) {
					members := []*member{g.add("a"), g.add("b"), g.add("c")}
					members[at] = g.then("x", fails.f)
					g.together(members...)

					want := []string{"a", "b", "c"}
					for i, m := range members {
						if i == at && !fails.want(m) || i != at && m.err != nil {
							g.Errorf("member %d got %v, %v", i, m.err, m.panicked)
						}
					}
					g.wantUsers(append(want[:at:at], want[at+1:]...)...)
					if at > 0 {
						g.wantOneGroup(members...)
					}
				})
			})
		}
	}
}

// Ensures that a member gets the error of its context, and its work is undone, if the context ends while the function
// runs; other members lose nothing.
func TestGroup_ContextEnds(t *testing.T) {
	for name, write := range map[string]bool{"before a write": true, "at the end": false} {
		for at := range 3 {
			t.Run(fmt.Sprintf("%s, member %d", name, at), func(t *testing.T) {
				testGroup(t, func(g groupTest) {
					ctx, cancel := context.WithCancel(g.Context())
					members := []*member{g.add("a"), g.add("b"), g.add("c")}
					members[at] = g.then("x", func(tx *Tx) error {
						cancel()
						if write {
							return tx.Users.Insert(User{Name: "y"})
						}
						return nil
					})
					members[at].ctx = ctx
					g.together(members...)

					want := []string{"a", "b", "c"}
					for i, m := range members {
						if i == at && !errors.Is(m.err, context.Canceled) || i != at && m.err != nil {
							g.Errorf("member %d got %v", i, m.err)
						}
					}
					g.wantUsers(append(want[:at:at], want[at+1:]...)...)
				})
			})
		}
	}
}

// Ensures that a member's read after its context has ended fails that member only, and not those that run the same
// statement afterwards.
func TestGroup_ReadAfterContextEnds(t *testing.T) {
	testGroup(t, func(g groupTest) {
		ctx, cancel := context.WithCancel(g.Context())
		read := func(tx *Tx) error { _, err := tx.SigningKeys.All(); return err }
		ended := g.then("x", func(tx *Tx) error { cancel(); return read(tx) })
		ended.ctx = ctx
		members := []*member{g.add("a"), ended, g.then("c", read)}
		g.together(members...)

		for i, m := range members {
			if m == ended && !errors.Is(m.err, context.Canceled) || m != ended && m.err != nil {
				g.Errorf("member %d got %v", i, m.err)
			}
		}
		g.wantOneGroup(members...)
		g.wantUsers("a", "c")
	})
}

// Ensures that a caller that disconnects while it waits is not run, and that one that disconnects after its function
// has returned gets the outcome of the commit.
func TestGroup_CallerDisconnects(t *testing.T) {
	testGroup(t, func(g groupTest) {
		waiting, leave := context.WithCancel(g.Context())
		answered, disconnect := context.WithCancel(g.Context())
		early, late := g.add("early"), g.add("late")
		early.ctx, late.ctx = answered, waiting
		g.together(early, g.then("b", func(*Tx) error { disconnect(); leave(); return nil }), late)

		if early.err != nil {
			g.Errorf("the member with a function that had returned got %v", early.err)
		}
		if !errors.Is(late.err, context.Canceled) {
			g.Errorf("the member that waited got %v", late.err)
		}
		g.wantUsers("b", "early")
	})
}

// Ensures that all members fail if the commit does, even those with functions that had failed: they may have seen what
// was not committed.
func TestGroup_CommitFails(t *testing.T) {
	for name, fail := range map[string]func(g groupTest, tx *Tx) error{
		"database refuses": func(g groupTest, tx *Tx) error {
			_, err := tx.tx.ExecContext(g.Context(),
				"PRAGMA defer_foreign_keys = 1; INSERT INTO recovery_codes (user_name, digest) VALUES ('missing', 'd')")
			return err
		},
		"file deleted": func(g groupTest, _ *Tx) error { return os.Remove(g.files.known[0].path) },
	} {
		t.Run(name, func(t *testing.T) {
			testGroup(t, func(g groupTest) {
				members := []*member{
					g.add("a"),
					g.then("b", func(tx *Tx) error { return fail(g, tx) }),
					g.then("c", func(*Tx) error { return ErrNotFound }),
				}
				g.together(members...)
				for i, m := range members {
					if !fault.Has(m.err, fault.StoreUnavailable) {
						g.Errorf("member %d got %v", i, m.err)
					}
				}
				g.wantOneGroup(members...)
			})
		})
	}
}

// Ensures that when SQLite rolls a whole group back at a member's failure, as for a full disk, the others are
// retried and succeed.
func TestGroup_Lost(t *testing.T) {
	refused := errors.New("disk full")
	for at := range 3 {
		t.Run(fmt.Sprintf("member %d", at), func(t *testing.T) {
			testGroup(t, func(g groupTest) {
				members := []*member{g.add("a"), g.add("b"), g.add("c")}
				members[at] = g.then("x", func(tx *Tx) error {
					_, err := tx.tx.ExecContext(g.Context(), "ROLLBACK")
					return errors.Join(err, refused)
				})
				g.together(members...)

				want := []string{"a", "b", "c"}
				for i, m := range members {
					if i == at && !errors.Is(m.err, refused) || i != at && m.err != nil {
						g.Errorf("member %d got %v", i, m.err)
					}
				}
				g.wantUsers(append(want[:at:at], want[at+1:]...)...)
			})
		})
	}
}

// Ensures that a group ends when it has taken groupTime or has groupSize members, so that no answer waits for all that
// come later.
func TestGroup_Limits(t *testing.T) {
	t.Run("time", func(t *testing.T) {
		testGroup(t, func(g groupTest) {
			first, slow, next := g.add("a"), g.add("b"), g.add("c")
			insert := slow.f
			slow.f = func(tx *Tx) error { time.Sleep(groupTime); return insert(tx) }
			g.together(first, slow, next)
			g.wantOneGroup(first, slow)
			if next.group == nil || next.group == slow.group {
				g.Error("the Update after a slow one is in its group")
			}
			g.wantUsers("a", "b", "c")
		})
	})
	t.Run("size", func(t *testing.T) {
		testGroup(t, func(g groupTest) {
			var members []*member
			for i := range groupSize + 1 {
				members = append(members, g.add(fmt.Sprint(i)))
			}
			g.together(members...)
			g.wantOneGroup(members[:groupSize]...)
			if members[groupSize].group == members[0].group {
				g.Error("a group has more members than groupSize")
			}
		})
	})
}

// Ensures that a revocation takes effect with those before it, and does not wait for a function after it.
func TestGroup_Revocation(t *testing.T) {
	testGroup(t, func(g groupTest) {
		first, second, other, slow := g.add("a"), g.add("b"), g.add("c"), g.add("d")
		first.ctx, second.ctx = admission.Revocation(g.Context()), admission.Revocation(g.Context())
		insert := slow.f
		slow.f = func(tx *Tx) error { time.Sleep(groupTime / 2); return insert(tx) }
		g.together(first, second, other, slow) // every second place is a revocation's

		if first.took+second.took+other.took != 0 {
			g.Errorf("they took %v, %v and %v", first.took, second.took, other.took)
		}
		g.wantOneGroup(other, second)
		g.wantUsers("a", "b", "c", "d")
	})
}

// Ensures that the changes of all members invalidate what is cached, before any of them is answered.
func TestGroup_Invalidates(t *testing.T) {
	testGroup(t, func(g groupTest) {
		g.together(g.add("a"), g.add("b"), g.add("c"))
		names, err := NewCache[string, string](g.Store, 8)
		if err != nil {
			g.Fatal(err)
		}
		read := func(user string) string {
			fullName, err := names.Read(g.Context(), user, func(tx *Tx) (string, error) {
				u, err := tx.Users.Find(user)
				return u.FullName, err
			})
			if err != nil {
				g.Error(err)
			}
			return fullName
		}

		var members []*member
		for _, user := range []string{"a", "b", "c"} {
			read(user)
			members = append(members, &member{ctx: g.Context(), f: func(tx *Tx) error {
				u, err := tx.Users.Find(user)
				if err != nil {
					return err
				}
				u.FullName = "new"
				return tx.Users.Update(u)
			}})
		}
		g.together(members...)
		g.wantOneGroup(members...)
		for _, user := range []string{"a", "b", "c"} {
			if read(user) != "new" {
				g.Errorf("the old name of %s is cached", user)
			}
		}
	})
}

// Ensures that an Update that comes alone commits without waiting for another one.
func TestGroup_Alone(t *testing.T) {
	testGroup(t, func(g groupTest) {
		m := g.add("a")
		g.together(m)
		if m.err != nil || m.took != 0 {
			g.Errorf("it got %v after %s", m.err, m.took)
		}
		g.wantUsers("a")
	})
}

// Ensures that an Update gets the write lock of another process soon after it is free, however long that took within
// the timeout of a transaction, and fails at that timeout.
func TestGroup_AnotherProcessWrites(t *testing.T) {
	for name, holds := range map[string]time.Duration{
		"shorter than the timeout": transactionTimeout - time.Second,
		"longer than the timeout":  transactionTimeout + time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			testGroup(t, func(g groupTest) {
				other, err := Open(g.Context(), "sqlite:"+g.files.known[0].path, time.Now)
				if err != nil {
					g.Fatal(err)
				}
				defer other.Close() //nolint:errcheck // it has no changes
				tx, _, err := other.begin(g.Context())
				if err != nil {
					g.Fatal(err)
				}
				time.AfterFunc(holds, func() { _ = tx.Rollback() })

				began := time.Now()
				err = g.Update(g.Context(), g.add("a").f)
				took := time.Since(began)
				if holds < transactionTimeout && (err != nil || took > holds+3*time.Millisecond) {
					g.Errorf("the Update got %v after %v", err, took)
				}
				if holds > transactionTimeout && (!fault.Has(err, fault.StoreUnavailable) || took != transactionTimeout) {
					g.Errorf("the Update got %v after %v", err, took)
				}
				time.Sleep(2 * time.Second) // until the other transaction has ended
			})
		})
	}
}
