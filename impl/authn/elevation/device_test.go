package elevation_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// enroll creates an unconfirmed device.
func (h *harness) enroll(p identity.Principal) elevation.Enrollment {
	h.Helper()
	e, err := h.Enroll(h.Context(), p)
	if err != nil {
		h.Fatal(err)
	}
	return e
}

// Ensures that a device can be enrolled and confirmed, and then is the user's second factor.
func TestEnroll(t *testing.T) {
	h := newHarness(t)
	p := h.signIn()
	if _, err := h.Device(t.Context(), p); !fault.Has(err, fault.DeviceNotFound) {
		t.Errorf("before: %v", err)
	}

	replaced := h.enroll(p)
	e := h.enroll(p)
	if e.Secret == replaced.Secret {
		t.Error("both devices have the same secret")
	}
	if uri, err := url.Parse(e.URI); err != nil || uri.Query().Get("secret") != e.Secret ||
		uri.Query().Get("issuer") != "Sallyport" {
		t.Errorf("the URI is %q, %v", e.URI, err)
	}
	if d, err := h.Device(t.Context(), p); err != nil || d != (elevation.Device{CreatedAt: h.now}) {
		t.Errorf("%+v, %v", d, err)
	}

	codes, err := h.Confirm(t.Context(), p, h.code(e))
	if err != nil {
		t.Fatal(err)
	}
	want := elevation.Device{Confirmed: true, CreatedAt: h.now, RecoveryCodesLeft: len(codes)}
	if d, err := h.Device(t.Context(), p); err != nil || d != want || len(codes) == 0 {
		t.Errorf("%+v, %v; want %+v", d, err, want)
	}
	if enrolled, confirmed := h.recorded(audit.DeviceEnrolled), h.recorded(audit.DeviceConfirmed); enrolled != 2 ||
		confirmed != 1 {
		t.Errorf("recorded are %d enrollments and %d confirmations", enrolled, confirmed)
	}
}

// Ensures that enrolling a device needs a recent password and current credentials, and never replaces a confirmed
// device.
func TestEnroll_Refused(t *testing.T) {
	for name, test := range map[string]struct {
		before   func(*harness, *identity.Principal)
		want     fault.Code
		enrolled int
	}{
		"password not recent": {func(h *harness, _ *identity.Principal) { h.now = h.now.Add(elevation.RecentPassword) },
			fault.RecentPasswordNeeded, 0},
		"no password": {func(_ *harness, p *identity.Principal) { p.AuthenticatedAt = time.Time{} },
			fault.RecentPasswordNeeded, 0},
		"confirmed device": {func(h *harness, _ *identity.Principal) { h.provision() }, fault.DeviceConflict, 1},
		"ended session": {func(h *harness, p *identity.Principal) {
			h.update(func(tx *store.Tx) error { _, err := h.sessions.End(tx, p.SessionID); return err })
		}, fault.CredentialsInvalid, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			p := h.signIn()
			test.before(h, &p)

			_, err := h.Enroll(t.Context(), p)
			wantFault(t, err, test.want)
			if n := h.recorded(audit.DeviceEnrolled); n != test.enrolled {
				t.Errorf("%d enrollments are recorded; want %d", n, test.enrolled)
			}
		})
	}
}

// Ensures that a secret is never stored with a key that the server could not open it with later.
func TestEnroll_KeyReplaced(t *testing.T) {
	h := newHarness(t)
	s := elevation.NewService(h.store, h.sessions, nil, newSealer(t), elevation.DefaultSettings,
		func() time.Time { return h.now })
	if _, err := s.Enroll(t.Context(), h.signIn()); !errors.Is(err, secret.ErrUnsealable) {
		t.Error(err)
	}
}

// Ensures that only a valid one-time code confirms a device, once, and that a new device clears no failures.
func TestConfirm(t *testing.T) {
	h := newHarness(t)
	p := h.signIn()
	_, err := h.Confirm(t.Context(), p, "123456")
	wantFault(t, err, fault.DeviceNotFound)

	e := h.enroll(p)
	_, err = h.Confirm(t.Context(), p, h.wrongCode(e))
	wantFault(t, err, fault.OneTimeCodeInvalid)
	if d, err := h.Device(t.Context(), p); err != nil || d.Confirmed {
		t.Errorf("after a wrong code: %+v, %v", d, err)
	}

	if _, err := h.Confirm(t.Context(), p, h.code(e)); err != nil {
		t.Error(err)
	}
	if n := h.failures(); n != 1 {
		t.Errorf("%d failures are counted; want 1", n)
	}

	h.now = h.now.Add(period)
	_, err = h.Confirm(t.Context(), p, h.code(e))
	wantFault(t, err, fault.DeviceConflict)
}

// Ensures that a confirmed device is removed only by an elevated session with a recent password, and then ends the
// elevation.
func TestRemove(t *testing.T) {
	h := newHarness(t)
	p := h.signIn()
	wantFault(t, h.Remove(t.Context(), p), fault.DeviceNotFound)

	e, _ := h.provision()
	wantFault(t, h.Remove(t.Context(), p), fault.SecondFactorNeeded)
	elevated := h.elevate(p, e)

	t.Run("another method", func(t *testing.T) {
		other := elevated
		other.Method = identity.Basic
		wantFault(t, h.Remove(t.Context(), other), fault.SecondFactorNeeded)
	})
	t.Run("password not recent", func(t *testing.T) {
		old := elevated
		old.AuthenticatedAt = h.now.Add(-elevation.RecentPassword)
		wantFault(t, h.Remove(t.Context(), old), fault.RecentPasswordNeeded)
	})
	t.Run("unknown token", func(t *testing.T) {
		unknown := elevated
		unknown.TokenID = "x"
		wantFault(t, h.Remove(t.Context(), unknown), fault.SecondFactorNeeded)
	})

	if err := h.Remove(t.Context(), elevated); err != nil {
		t.Fatal(err)
	}
	_, err := h.Device(t.Context(), p)
	wantFault(t, err, fault.DeviceNotFound)
	h.wantLowered(elevated)
	if n := h.recorded(audit.DeviceRemoved); n != 1 {
		t.Errorf("%d removed devices are recorded", n)
	}
}

// wantLowered fails the test unless the stored token of a principal is valid and not elevated.
func (h *harness) wantLowered(p identity.Principal) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		token, _, _, err := tx.Sessions.FindByToken(p.TokenID)
		if token.ElevatedUntil.After(tx.Now) {
			h.Errorf("the session is elevated until %v", token.ElevatedUntil)
		}
		return err
	})
}

// Ensures that an unconfirmed device is removed without a second factor.
func TestRemove_Unconfirmed(t *testing.T) {
	h := newHarness(t)
	p := h.signIn()
	h.enroll(p)
	if err := h.Remove(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// Ensures that an administrator's command replaces a user's device, and ends the user's elevations.
func TestProvision(t *testing.T) {
	h := newHarness(t)
	old, oldCodes := h.provision()
	elevated := h.elevate(h.signIn(), old)

	replacement, codes := h.provision()
	h.wantLowered(elevated)
	if _, err := h.Elevate(t.Context(), elevated, oldCodes[0]); !fault.Has(err, fault.OneTimeCodeInvalid) {
		t.Errorf("a recovery code of the replaced device: %v", err)
	}
	if _, err := h.Elevate(t.Context(), elevated, codes[0]); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	if _, err := h.Elevate(t.Context(), elevated, h.code(replacement)); err != nil {
		t.Errorf("a one-time code: %v", err)
	}

	_, _, err := h.Provision(t.Context(), "mallory")
	wantFault(t, err, fault.UserNotFound)
}

// Ensures that an administrator's command removes a user's device, and ends the user's elevations.
func TestWithdraw(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	elevated := h.elevate(h.signIn(), e)

	if err := h.Withdraw(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	h.wantLowered(elevated)
	wantFault(t, h.Withdraw(t.Context(), "alice"), fault.DeviceNotFound)
}

// Ensures that re-encrypted secrets open with the new key only, and nothing changes if one secret does not open.
func TestReseal(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	other := newSealer(t)

	err := h.store.Update(t.Context(),
		func(tx *store.Tx) error { _, err := elevation.Reseal(tx, other, h.sealer); return err })
	if !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("with another key: %v", err)
	}

	count := 0
	h.update(func(tx *store.Tx) (err error) {
		count, err = elevation.Reseal(tx, h.sealer, other)
		return err
	})
	if count != 1 {
		t.Errorf("%d secrets were re-encrypted", count)
	}
	p := h.signIn()
	if _, err := h.Elevate(t.Context(), p, h.code(e)); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("with the old key: %v", err)
	}
	// Re-encrypted back, the secret is the same.
	h.update(func(tx *store.Tx) error { _, err := elevation.Reseal(tx, other, h.sealer); return err })
	if _, err := h.Elevate(t.Context(), p, h.code(e)); err != nil {
		t.Error(err)
	}
}
