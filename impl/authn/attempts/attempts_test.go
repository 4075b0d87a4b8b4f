package attempts

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// harness is a counter on a database, with a clock that the test moves.
type harness struct {
	*testing.T
	*Counter
	store *store.Store
	clock clock
}

func newHarness(t *testing.T, policy Policy) *harness {
	t.Helper()
	h := &harness{T: t}
	h.Counter = NewCounter(policy, NewAddressLimiter(2, time.Minute, h.clock.now))

	h.store = storetest.Open(t, storetest.File(t), h.clock.now)
	return h
}

func (h *harness) update(f func(*store.Tx) error) {
	h.Helper()
	if err := h.store.Update(h.Context(), f); err != nil {
		h.Fatal(err)
	}
}

// fail counts failures of a user.
func (h *harness) fail(userName string, factors ...Factor) {
	h.Helper()
	for _, factor := range factors {
		h.update(func(tx *store.Tx) error { _, err := h.RecordFailure(h.Context(), tx, userName, factor); return err })
	}
}

func (h *harness) succeed(userName string, factor Factor) {
	h.Helper()
	h.update(func(tx *store.Tx) error { return h.RecordSuccess(tx, userName, factor) })
}

// wantFailures fails the test unless the numbers of a user's failures are stored.
func (h *harness) wantFailures(userName string, all, codes int) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		state, err := tx.Lockouts.Get(userName)
		if state.Failures != all || state.CodeFailures != codes {
			h.Errorf("%q has %d failures, %d with codes; want %d, %d", userName, state.Failures, state.CodeFailures, all, codes)
		}
		return err
	})
}

func (h *harness) wantLocked(userName string, want bool) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		locked, _, err := h.Locked(tx, userName)
		if locked != want {
			h.Errorf("%q: locked is %t", userName, locked)
		}
		return err
	})
}

// events returns the events of the audit trail, each with its subject and details.
func (h *harness) events() []string {
	h.Helper()
	var events []string
	h.update(func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		events = nil
		for _, e := range entries {
			events = append(events, e.Event+" "+e.Subject+" "+e.Details)
		}
		return err
	})
	return events
}

var twoFailures = Policy{Threshold: 2, Base: time.Minute, Max: time.Hour, ResetAfter: 24 * time.Hour}

// Ensures that failures of both factors lock a user together, for the time of the policy, and that the lock is recorded
// once.
func TestRecordFailure(t *testing.T) {
	h := newHarness(t, twoFailures)
	h.fail("alice", Password)
	h.wantLocked("alice", false)

	h.fail("alice", Code, Code)
	h.wantFailures("alice", 3, 2)
	h.wantLocked("alice", true)
	h.wantLocked("bob", false)

	want := []string{
		`guess.failed alice {"failures":1,"what":"password"}`,
		`guess.failed alice {"failures":2,"what":"one-time code"}`,
		`user.locked alice {"until":"2024-03-01T00:00:00Z"}`,
		`guess.failed alice {"failures":3,"what":"one-time code"}`,
	}
	if got := h.events(); !slices.Equal(got, want) {
		t.Errorf("the trail is\n%q; want\n%q", got, want)
	}

	h.clock.advance(time.Minute)
	h.wantLocked("alice", false)
}

// Ensures that failures with codes expire with all others.
func TestRecordFailure_ResetAfter(t *testing.T) {
	h := newHarness(t, DefaultPolicy)
	h.fail("alice", Code, Code)
	h.clock.advance(DefaultPolicy.ResetAfter + time.Millisecond)
	h.fail("alice", Password)
	h.wantFailures("alice", 1, 0)
}

// Ensures that users that do not exist share one count, that the typed name is not recorded, and that no lock of theirs
// is.
func TestRecordFailure_UnknownUser(t *testing.T) {
	h := newHarness(t, twoFailures)
	h.fail(store.UnknownUser, Password, Password, Password)
	h.wantFailures(store.UnknownUser, 3, 0)

	want := []string{
		`guess.failed (unknown user) {"failures":1,"what":"password"}`,
		`guess.failed (unknown user) {"failures":2,"what":"password"}`,
		`guess.failed (unknown user) {"failures":3,"what":"password"}`,
	}
	if got := h.events(); !slices.Equal(got, want) {
		t.Errorf("the trail is\n%q; want\n%q", got, want)
	}
}

// Ensures that a success clears the failures of its own factor only.
func TestRecordSuccess(t *testing.T) {
	for name, test := range map[string]struct {
		failures   []Factor
		success    Factor
		all, codes int
	}{
		"password without failures":           {nil, Password, 0, 0},
		"password after passwords":            {[]Factor{Password, Password}, Password, 0, 0},
		"password after codes":                {[]Factor{Code, Code}, Password, 2, 2},
		"password after both":                 {[]Factor{Password, Code, Password}, Password, 1, 1},
		"code without failures":               {nil, Code, 0, 0},
		"code after codes":                    {[]Factor{Code, Code}, Code, 0, 0},
		"code after passwords":                {[]Factor{Password, Password}, Code, 2, 0},
		"code after both, passwords are left": {[]Factor{Code, Password, Code}, Code, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, DefaultPolicy)
			h.fail("alice", test.failures...)
			h.fail("bob", Password)
			h.succeed("alice", test.success)
			h.wantFailures("alice", test.all, test.codes)
			h.wantFailures("bob", 1, 0)
		})
	}
}

// Ensures that after a lock and a success with one factor, one more failure of the other locks the user again.
func TestRecordSuccess_AfterLock(t *testing.T) {
	h := newHarness(t, twoFailures)
	h.fail("alice", Code, Password)
	h.wantLocked("alice", true)

	h.clock.advance(time.Minute)
	h.succeed("alice", Password)
	h.wantLocked("alice", false)
	h.fail("alice", Code)
	h.wantLocked("alice", true)
}

// Ensures that passwords are reported as failed only if a success with the password would clear failures.
func TestLocked_PasswordFailures(t *testing.T) {
	for name, test := range map[string]struct {
		failures []Factor
		want     bool
	}{
		"none":  {nil, false},
		"codes": {[]Factor{Code}, false},
		"both":  {[]Factor{Code, Password}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, DefaultPolicy)
			h.fail("alice", test.failures...)
			h.update(func(tx *store.Tx) error {
				_, got, err := h.Locked(tx, "alice")
				if got != test.want {
					t.Errorf("password failures is %t", got)
				}
				return err
			})
		})
	}
}

// Ensures that an administrator's unlock clears all failures, and is recorded.
func TestUnlock(t *testing.T) {
	h := newHarness(t, twoFailures)
	h.fail("alice", Code, Password)
	h.update(func(tx *store.Tx) error { return h.Unlock(t.Context(), tx, "alice") })

	h.wantFailures("alice", 0, 0)
	h.wantLocked("alice", false)
	if got := h.events(); got[len(got)-1] != "user.unlocked alice {}" {
		t.Errorf("the trail is %q", got)
	}
}

// Ensures that an address is refused after its burst, and with the time to wait, and that others are not.
func TestCheckAddress(t *testing.T) {
	h := newHarness(t, DefaultPolicy)
	from := func(address string) context.Context {
		return audit.WithOrigin(t.Context(), audit.Origin{Address: address})
	}
	for range 2 {
		if err := h.CheckAddress(from("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		h.RecordAddressFailure(from("192.0.2.1"))
	}

	err := h.CheckAddress(from("192.0.2.1"))
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.TooManyFailures || f.RetryAfter != time.Minute {
		t.Errorf("after the burst: %v", err)
	}
	for name, address := range map[string]string{"another address": "192.0.2.2", "no address": ""} {
		t.Run(name, func(t *testing.T) {
			if err := h.CheckAddress(from(address)); err != nil {
				t.Error(err)
			}
		})
	}
}
