package elevation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that each policy asks the right callers for elevated permissions, and names the operation that they need
// next.
func TestRequire(t *testing.T) {
	until := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const elevate, enroll = "enable-elevated-permissions", "enroll-totp-device"
	for name, test := range map[string]struct {
		policy elevation.Policy
		caller identity.Principal
		next   string // "" if the caller is admitted
	}{
		"enrolled, no device": {elevation.Enrolled, identity.Principal{Method: identity.Session}, ""},
		"enrolled, device": {elevation.Enrolled, identity.Principal{Method: identity.Session, HasTOTP: true},
			elevate},
		"enrolled, device, Basic": {elevation.Enrolled, identity.Principal{Method: identity.Basic, HasTOTP: true},
			elevate},
		"enrolled, elevated": {elevation.Enrolled,
			identity.Principal{Method: identity.Session, HasTOTP: true, ElevatedUntil: until}, ""},
		"enrolled, API key": {elevation.Enrolled, identity.Principal{Method: identity.APIKey, HasTOTP: true}, ""},
		"always, no device": {elevation.Always, identity.Principal{Method: identity.Session}, enroll},
		"always, device": {elevation.Always, identity.Principal{Method: identity.Session, HasTOTP: true},
			elevate},
		"always, elevated": {elevation.Always,
			identity.Principal{Method: identity.Session, HasTOTP: true, ElevatedUntil: until}, ""},
		"always, API key":              {elevation.Always, identity.Principal{Method: identity.APIKey}, ""},
		"never, device":                {elevation.Never, identity.Principal{Method: identity.Session, HasTOTP: true}, ""},
		"never, no device, basic":      {elevation.Never, identity.Principal{Method: identity.Basic}, ""},
		"unknown policy, no elevation": {elevation.Policy("?"), identity.Principal{Method: identity.Session}, enroll},
	} {
		t.Run(name, func(t *testing.T) {
			s := elevation.NewService(nil, nil, nil, nil, elevation.Settings{Policy: test.policy}, time.Now)
			err := s.Require(test.caller)
			if test.next == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var f *fault.Error
			wantFault(t, err, fault.ElevationNeeded)
			if errors.As(err, &f) && f.Next != test.next {
				t.Errorf("the next operation is %q; want %q", f.Next, test.next)
			}
		})
	}
}

// Ensures that a caller with a second factor must have presented it, whatever the policy.
func TestRequireFactor(t *testing.T) {
	s := elevation.NewService(nil, nil, nil, nil, elevation.Settings{Policy: elevation.Never}, time.Now)
	for name, test := range map[string]struct {
		caller  identity.Principal
		refused bool
	}{
		"no device": {identity.Principal{Method: identity.Session}, false},
		"API key":   {identity.Principal{Method: identity.APIKey, HasTOTP: true}, false},
		"elevated":  {identity.Principal{Method: identity.Session, HasTOTP: true, ElevatedUntil: time.Now()}, false},
		"device":    {identity.Principal{Method: identity.Session, HasTOTP: true}, true},
		"Basic":     {identity.Principal{Method: identity.Basic, HasTOTP: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.RequireFactor(test.caller)
			if test.refused {
				wantFault(t, err, fault.SecondFactorNeeded)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// Ensures that a one-time code elevates the session for the configured time, once.
func TestElevate(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	p := h.signIn()

	code := h.code(e)
	token, err := h.Elevate(t.Context(), p, code)
	if err != nil {
		t.Fatal(err)
	}
	elevated := h.principal(token)
	if want := h.now.Add(elevation.DefaultSettings.Length); !elevated.ElevatedUntil.Equal(want) {
		t.Errorf("elevated until %v; want %v", elevated.ElevatedUntil, want)
	}
	if n := h.recorded(audit.ElevationStarted); n != 1 {
		t.Errorf("%d elevations are recorded", n)
	}

	t.Run("code used again", func(t *testing.T) {
		_, err := h.Elevate(t.Context(), elevated, code)
		wantFault(t, err, fault.OneTimeCodeInvalid)
	})
	t.Run("code of the next time step", func(t *testing.T) {
		h.now = h.now.Add(period)
		if token, err = h.Elevate(t.Context(), elevated, h.code(e)); err != nil {
			t.Error(err)
		}
	})
	t.Run("after the elevation", func(t *testing.T) {
		h.now = h.now.Add(elevation.DefaultSettings.Length)
		if again := h.principal(token); !again.ElevatedUntil.IsZero() {
			t.Errorf("elevated until %v at %v", again.ElevatedUntil, h.now)
		}
	})
}

// Ensures that a recovery code works in place of a one-time code, once.
func TestElevate_RecoveryCode(t *testing.T) {
	h := newHarness(t)
	_, codes := h.provision()
	p := h.signIn()

	if _, err := h.Elevate(t.Context(), p, codes[0]); err != nil {
		t.Fatal(err)
	}
	if d, err := h.Device(t.Context(), p); err != nil || d.RecoveryCodesLeft != len(codes)-1 {
		t.Errorf("%+v, %v", d, err)
	}
	if n := h.recorded(audit.RecoveryCodeUsed); n != 1 {
		t.Errorf("%d used codes are recorded", n)
	}

	p = h.signIn()
	_, err := h.Elevate(t.Context(), p, codes[0])
	wantFault(t, err, fault.OneTimeCodeInvalid)
}

// Ensures that nothing but a valid code of a confirmed device elevates a session, and which attempts count as failures.
func TestElevate_Refused(t *testing.T) {
	for name, test := range map[string]struct {
		method identity.Method
		// device is "" for none, "confirmed" or "unconfirmed".
		device   string
		code     func(*harness, elevation.Enrollment) string
		want     fault.Code
		failures int
	}{
		"Basic":   {identity.Basic, "confirmed", (*harness).code, fault.CredentialsInvalid, 0},
		"API key": {identity.APIKey, "confirmed", (*harness).code, fault.CredentialsInvalid, 0},
		"no code": {identity.Session, "confirmed", func(*harness, elevation.Enrollment) string { return "" },
			fault.OneTimeCodeInvalid, 0},
		"wrong code": {identity.Session, "confirmed", (*harness).wrongCode, fault.OneTimeCodeInvalid, 1},
		"no code at all": {identity.Session, "confirmed", func(*harness, elevation.Enrollment) string { return "x" },
			fault.OneTimeCodeInvalid, 1},
		"unused recovery": {identity.Session, "confirmed",
			func(*harness, elevation.Enrollment) string { return "abcd-efgh-ijkl-2345" }, fault.OneTimeCodeInvalid, 1},
		"no device": {identity.Session, "", func(*harness, elevation.Enrollment) string { return "123456" },
			fault.OneTimeCodeInvalid, 0},
		"unconfirmed device": {identity.Session, "unconfirmed", (*harness).code, fault.OneTimeCodeInvalid, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			p := h.signIn()
			var e elevation.Enrollment
			switch test.device {
			case "confirmed":
				e, _ = h.provision()
			case "unconfirmed":
				e = h.enroll(p)
			}

			p.Method = test.method
			token, err := h.Elevate(t.Context(), p, test.code(h, e))
			wantFault(t, err, test.want)
			if token.Value != "" {
				t.Error("a token was issued")
			}
			if n := h.failures(); n != test.failures {
				t.Errorf("%d failures are counted; want %d", n, test.failures)
			}
		})
	}
}

// Ensures that a locked user's valid codes are refused, are not used up, and clear the failures after the lock.
func TestElevate_LockedUser(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	p := h.signIn()
	for range 10 { // the threshold of attempts.DefaultPolicy
		_, err := h.Elevate(t.Context(), p, h.wrongCode(e))
		wantFault(t, err, fault.OneTimeCodeInvalid)
	}

	_, err := h.Elevate(t.Context(), p, h.code(e))
	wantFault(t, err, fault.OneTimeCodeInvalid)
	if n := h.recorded(audit.UserLocked); n != 1 {
		t.Errorf("%d locks are recorded", n)
	}

	h.now = h.now.Add(period)
	if _, err := h.Elevate(t.Context(), p, h.code(e)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	if n := h.failures(); n != 0 {
		t.Errorf("%d failures are left", n)
	}
}

// Ensures that an address with too many failed attempts is refused before its code is looked at.
func TestElevate_AddressLimit(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	p := h.signIn()
	limited, other := h.fromAddress("192.0.2.1"), h.fromAddress("192.0.2.2")
	for range addressFailures {
		_, err := h.Elevate(limited, p, h.wrongCode(e))
		wantFault(t, err, fault.OneTimeCodeInvalid)
	}

	_, err := h.Elevate(limited, p, h.code(e))
	wantFault(t, err, fault.TooManyFailures)
	if n := h.failures(); n != addressFailures {
		t.Errorf("%d failures are counted; want %d", n, addressFailures)
	}
	if _, err := h.Elevate(other, p, h.code(e)); err != nil {
		t.Errorf("from another address: %v", err)
	}
}

// Ensures that an attempt counts for the address even if the store cannot be reached.
func TestElevate_StoreUnavailable(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	p := h.signIn()
	address := h.fromAddress("192.0.2.1")
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	for range addressFailures {
		_, err := h.Elevate(address, p, h.code(e))
		wantFault(t, err, fault.StoreUnavailable)
	}

	_, err := h.Elevate(address, p, h.code(e))
	wantFault(t, err, fault.TooManyFailures)
}

// Ensures that an attempt is counted although its caller disconnects.
func TestElevate_CallerDisconnects(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	p := h.signIn()
	ctx, disconnect := context.WithCancel(t.Context())
	disconnect()

	_, err := h.Elevate(ctx, p, h.wrongCode(e))
	wantFault(t, err, fault.OneTimeCodeInvalid)
	if n := h.failures(); n != 1 {
		t.Errorf("%d failures are counted", n)
	}
}

// Ensures that lowering ends the elevation of all tokens of the session, and is recorded if one was elevated.
func TestLower(t *testing.T) {
	h := newHarness(t)
	e, _ := h.provision()
	p := h.elevate(h.signIn(), e)

	token, err := h.Lower(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	lowered := h.principal(token)
	if !lowered.ElevatedUntil.IsZero() || lowered.SessionID != p.SessionID {
		t.Errorf("%+v", lowered)
	}

	if _, err := h.Lower(t.Context(), lowered); err != nil {
		t.Errorf("a session that is not elevated: %v", err)
	}
	if n := h.recorded(audit.ElevationEnded); n != 1 {
		t.Errorf("%d ended elevations are recorded", n)
	}

	t.Run("no session", func(t *testing.T) {
		_, err := h.Lower(t.Context(), identity.Principal{User: "alice", Method: identity.Basic})
		wantFault(t, err, fault.CredentialsInvalid)
	})
	t.Run("ended session", func(t *testing.T) {
		h.update(func(tx *store.Tx) error { _, err := h.sessions.End(tx, p.SessionID); return err })
		_, err := h.Lower(t.Context(), lowered)
		wantFault(t, err, fault.CredentialsInvalid)
		_, err = h.Elevate(t.Context(), lowered, h.code(e))
		wantFault(t, err, fault.CredentialsInvalid)
	})
}
