// Package elevation gives sessions elevated permissions for a limited time by a second factor, and manages second
// factors.
package elevation

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation/totp"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Policy determines which users need elevated permissions for the operations that require them.
type Policy string

// All policies.
const (
	// Enrolled: users with a second factor.
	Enrolled Policy = "enrolled"
	// Always: all users. Those without a second factor must set one up.
	Always Policy = "always"
	// Never: no users.
	Never Policy = "never"
)

// MaxLength is the maximum duration of an elevation.
const MaxLength = time.Hour

// Settings holds the operator's settings.
type Settings struct {
	Policy Policy
	// Length is the duration of an elevation, at most MaxLength.
	Length time.Duration
	// AtSignIn asks users with a second factor for a one-time code when they sign in with a password. There is no other
	// way to elevate a session then, and it stays elevated until it expires.
	AtSignIn bool
}

// DefaultSettings holds the values of ECE, as far as they are known.
var DefaultSettings = Settings{Policy: Enrolled, Length: 15 * time.Minute}

// The operations that a refused caller needs next, by operationId.
const (
	elevate = "enable-elevated-permissions"
	enroll  = "enroll-totp-device"
	signIn  = "login"
)

// Service elevates sessions and keeps second factors.
type Service struct {
	store    *store.Store
	sessions *session.Service
	attempts *attempts.Counter
	sealer   *secret.Sealer
	settings Settings
	codes    totp.Settings
	now      func() time.Time
	outcomes outcome.Counter
}

// NewService returns a service on a store that holds secrets sealed by sealer.
func NewService(
	st *store.Store, sessions *session.Service, a *attempts.Counter, sealer *secret.Sealer, settings Settings,
	now func() time.Time,
) *Service {
	return &Service{
		store:    st,
		sessions: sessions,
		attempts: a,
		sealer:   sealer,
		settings: settings,
		codes:    totp.DefaultSettings,
		now:      now,
	}
}

// Outcomes counts how calls of Elevate end.
func (s *Service) Outcomes() *outcome.Counter { return &s.outcomes }

// Require returns fault.ElevationNeeded, or fault.PermissionDenied with Settings.AtSignIn, if the policy requires
// elevated permissions that the caller lacks. The fault names the operation needed next. API keys are exempt: a program
// cannot use a second factor, and the key's creator has passed the check.
func (s *Service) Require(p identity.Principal) error {
	exempt := s.settings.Policy == Never || s.settings.Policy == Enrolled && !p.HasTOTP
	if exempt || p.Method == identity.APIKey || !p.ElevatedUntil.IsZero() {
		return nil
	}

	switch {
	case s.settings.AtSignIn && !p.HasTOTP:
		return next(enroll, fault.New(fault.PermissionDenied,
			"this operation needs a second factor: set one up, and sign in again"))
	case s.settings.AtSignIn:
		return next(signIn, fault.New(fault.PermissionDenied,
			"this operation needs a session that was begun with a one-time code: sign in"))
	case !p.HasTOTP:
		return next(enroll, fault.New(fault.ElevationNeeded,
			"this operation needs elevated permissions, and these a second factor: set one up"))
	}
	return next(elevate, fault.New(fault.ElevationNeeded,
		"this operation needs elevated permissions: sign in, and exchange the session's token with a one-time code"))
}

// next returns a fault with the operation that its caller needs next.
func next(operation string, f *fault.Error) *fault.Error {
	f.Next = operation
	return f
}

// RequireFactor returns fault.SecondFactorNeeded if a caller has a second factor and is not elevated. API keys are
// exempt.
func (s *Service) RequireFactor(p identity.Principal) error {
	if !p.HasTOTP || p.Method == identity.APIKey || !p.ElevatedUntil.IsZero() {
		return nil
	}
	return s.secondFactorNeeded()
}

func (s *Service) secondFactorNeeded() error {
	if s.settings.AtSignIn {
		return next(signIn, fault.New(fault.SecondFactorNeeded,
			"this needs the second factor: sign in with a one-time code"))
	}
	return next(elevate, fault.New(fault.SecondFactorNeeded,
		"this needs the second factor: first take elevated permissions"))
}

// AtSignIn reports whether users with a second factor are asked for a one-time code when they sign in with a password.
func (s *Service) AtSignIn() bool { return s.settings.AtSignIn }

// SignInCodeNeeded returns the fault of a sign-in without a one-time code that it needs.
func SignInCodeNeeded() error {
	return fault.New(fault.SignInCodeNeeded,
		"this user has a second factor, and signs in with a one-time code, too", "token")
}

// SignIn checks a user's one-time code and, if it is valid, uses it up and calls begin in the same transaction. It
// returns fault.SignInCodeNeeded for an invalid code, and for any code of a locked user or of one without a second
// factor, and fault.TooManyFailures.
func SignIn[T any](
	ctx context.Context, s *Service, userName, code string, begin func(*store.Tx) (T, error),
) (T, error) {
	begun, err := verifyCode(ctx, s, userName, code, true, begin)
	if fault.Has(err, fault.OneTimeCodeInvalid) {
		err = fault.Wrap(fault.SignInCodeNeeded, err, "the one-time code is not valid, or was used before", "token")
	}
	return begun, err
}

// Elevate exchanges the principal's token for one that is elevated for the configured length. It returns
// fault.CredentialsInvalid for a principal without a session, fault.TooManyFailures, and fault.OneTimeCodeInvalid for
// an invalid code, and for any code of a locked user.
func (s *Service) Elevate(ctx context.Context, p identity.Principal, code string) (session.Token, error) {
	token, err := s.elevate(ctx, p, code)
	s.outcomes.Count(err)
	return token, err
}

func (s *Service) elevate(ctx context.Context, p identity.Principal, code string) (session.Token, error) {
	if err := requireSession(p); err != nil {
		return session.Token{}, err
	}
	if code == "" {
		return session.Token{}, invalidCode()
	}

	return verifyCode(ctx, s, p.User, code, true, func(tx *store.Tx) (session.Token, error) {
		until := tx.Now.Add(s.settings.Length)
		token, err := s.sessions.Elevate(tx, p.TokenID, until)
		if err != nil {
			return token, err
		}
		return token, audit.Record(ctx, tx, audit.ElevationStarted, p.User, audit.Details{"until": until})
	})
}

// Lower ends the elevation of all tokens of the principal's session and returns a new token. It returns
// fault.CredentialsInvalid for a principal without a session.
func (s *Service) Lower(ctx context.Context, p identity.Principal) (session.Token, error) {
	if err := requireSession(p); err != nil {
		return session.Token{}, err
	}

	return store.Write(ctx, s.store, func(tx *store.Tx) (session.Token, error) {
		token, lowered, err := s.sessions.Lower(tx, p.TokenID)
		if err != nil || !lowered {
			return token, err
		}
		return token, audit.Record(ctx, tx, audit.ElevationEnded, p.User, nil)
	})
}

func requireSession(p identity.Principal) error {
	if p.Method == identity.Session {
		return nil
	}
	return fault.New(fault.CredentialsInvalid,
		"only a session can be elevated; sign in and send its token as Bearer in the Authorization header", "Authorization")
}

func invalidCode() error {
	return fault.New(fault.OneTimeCodeInvalid,
		"the one-time code is not valid, was used before, or there is no second factor", "token")
}
