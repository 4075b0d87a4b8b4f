package elevation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// period is the duration of a time step of one-time codes.
const period = 30 * time.Second

// addressFailures is the number of failed attempts that an address has.
const addressFailures = 3

// harness is the service on a database with the user alice, and a clock that the test moves.
type harness struct {
	*testing.T
	*elevation.Service
	sessions *session.Service
	sealer   *secret.Sealer
	store    *store.Store
	now      time.Time
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{T: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }

	h.store = storetest.Open(t, storetest.File(t), clock)

	h.sealer = newSealer(t)
	var err error
	if h.sessions, err = session.New(t.Context(), h.store, h.sealer, session.DefaultSettings); err != nil {
		t.Fatal(err)
	}
	attempts := attempts.NewCounter(attempts.DefaultPolicy, attempts.NewAddressLimiter(addressFailures, time.Hour, clock))
	h.Service = elevation.NewService(h.store, h.sessions, attempts, h.sealer, elevation.DefaultSettings, clock)

	h.update(func(tx *store.Tx) error { return tx.Users.Insert(store.User{Name: "alice", Enabled: true}) })
	return h
}

func newSealer(t *testing.T) *secret.Sealer {
	t.Helper()
	sealer, err := secret.NewSealer(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func (h *harness) update(f func(*store.Tx) error) {
	h.Helper()
	if err := h.store.Update(h.Context(), f); err != nil {
		h.Fatal(err)
	}
}

// signIn begins a session of alice and returns her as its principal.
func (h *harness) signIn() identity.Principal {
	h.Helper()
	var token session.Token
	h.update(func(tx *store.Tx) (err error) {
		token, err = h.sessions.Begin(h.Context(), tx, "alice")
		return err
	})
	return h.principal(token)
}

// principal returns the principal of a session token.
func (h *harness) principal(token session.Token) identity.Principal {
	h.Helper()
	live, err := h.sessions.Verify(h.Context(), token.Value)
	if err != nil {
		h.Fatal(err)
	}
	return identity.Principal{
		User:            live.User.Name,
		Method:          identity.Session,
		SessionID:       live.Session.ID,
		TokenID:         live.Token.ID,
		AuthenticatedAt: live.Session.CreatedAt,
		ElevatedUntil:   live.Token.ElevatedUntil,
		HasTOTP:         live.User.HasTOTP,
	}
}

// code returns the one-time code of a device.
func (h *harness) code(e elevation.Enrollment) string {
	h.Helper()
	code, err := totp.GenerateCode(e.Secret, h.now)
	if err != nil {
		h.Fatal(err)
	}
	return code
}

// wrongCode returns a code that the device does not have within the tolerated clock skew.
func (h *harness) wrongCode(e elevation.Enrollment) string {
	h.Helper()
	var valid []string
	for _, skew := range []time.Duration{-period, 0, period} {
		code, err := totp.GenerateCode(e.Secret, h.now.Add(skew))
		if err != nil {
			h.Fatal(err)
		}
		valid = append(valid, code)
	}
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		if !slices.Contains(valid, code) {
			return code
		}
	}
	return ""
}

// provision gives alice a confirmed device with recovery codes.
func (h *harness) provision() (elevation.Enrollment, []string) {
	h.Helper()
	e, codes, err := h.Provision(h.Context(), "alice")
	if err != nil {
		h.Fatal(err)
	}
	return e, codes
}

// elevate elevates a principal and moves the clock by a time step, so that the next code is a new one.
func (h *harness) elevate(p identity.Principal, e elevation.Enrollment) identity.Principal {
	h.Helper()
	token, err := h.Elevate(h.Context(), p, h.code(e))
	if err != nil {
		h.Fatal(err)
	}
	h.now = h.now.Add(period)
	return h.principal(token)
}

// failures returns the number of counted failures of alice.
func (h *harness) failures() int {
	h.Helper()
	failures := 0
	h.update(func(tx *store.Tx) error {
		state, err := tx.Lockouts.Get("alice")
		failures = state.Failures
		return err
	})
	return failures
}

// recorded returns the number of audit entries of alice for an event.
func (h *harness) recorded(event audit.Event) int {
	h.Helper()
	count := 0
	h.update(func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		count = 0
		for _, e := range entries {
			if e.Event == string(event) && e.Subject == "alice" {
				count++
			}
		}
		return err
	})
	return count
}

// fromAddress returns a context of a request from an address.
func (h *harness) fromAddress(address string) context.Context {
	return audit.WithOrigin(h.Context(), audit.Origin{Actor: "alice", Address: address})
}

// wantFault fails the test unless err has the code.
func wantFault(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if !fault.Has(err, want) {
		t.Errorf("got %v; want %s", err, want.Name)
	}
}
