// Package elevation lets users take elevated permissions for a while, with a second factor, and keeps these factors.
package elevation

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/guard"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/totp"
)

// Policy says who must be elevated for operations that ask for it.
type Policy string

// The policies there are.
const (
	// Enrolled: users with a second factor.
	Enrolled Policy = "enrolled"
	// Always: all users, so those without a second factor must set one up.
	Always Policy = "always"
	// Never: nobody.
	Never Policy = "never"
)

// MaxLength is the longest that an elevation may last.
const MaxLength = time.Hour

// Settings are what an operator decides.
type Settings struct {
	Policy Policy
	// Length of an elevation, at most MaxLength.
	Length time.Duration
}

// DefaultSettings are ECE's, as far as they are known.
var DefaultSettings = Settings{Policy: Enrolled, Length: 15 * time.Minute}

// Paths of what a caller who is refused calls next.
const (
	elevatePath = "/api/v1/users/auth/_elevate"
	enrollPath  = "/api/v1/users/auth/totp"
)

// Service elevates sessions and keeps second factors.
type Service struct {
	store    *store.Store
	sessions *session.Service
	guard    *guard.Guard
	sealer   *secret.Sealer
	settings Settings
	codes    totp.Settings
	now      func() time.Time
}

// NewService returns a service on a store, whose secrets are sealed by sealer.
func NewService(st *store.Store, sessions *session.Service, g *guard.Guard, sealer *secret.Sealer, settings Settings, now func() time.Time) *Service {
	return &Service{st, sessions, g, sealer, settings, totp.DefaultSettings, now}
}

// Require returns fault.ElevationNeeded, with what to call next, unless the policy lets the caller do what needs
// elevation. API keys are let in: a program cannot answer for a second factor, and whoever made the key was let in to.
func (s *Service) Require(p identity.Principal) error {
	exempt := s.settings.Policy == Never || s.settings.Policy == Enrolled && !p.HasTOTP
	if exempt || p.Method == identity.APIKey || !p.ElevatedUntil.IsZero() {
		return nil
	}
	f := fault.New(fault.ElevationNeeded, "this operation needs elevated permissions: sign in, and exchange the session's token with a one-time code at "+elevatePath)
	f.Link = elevatePath
	if !p.HasTOTP {
		f = fault.New(fault.ElevationNeeded, "this operation needs elevated permissions, and these a second factor: set one up at "+enrollPath)
		f.Link = enrollPath
	}
	return f
}

// RequireFactor returns fault.SecondFactorNeeded to a caller in person who has a second factor and is not elevated.
func (s *Service) RequireFactor(p identity.Principal) error {
	if !p.HasTOTP || p.Method == identity.APIKey || !p.ElevatedUntil.IsZero() {
		return nil
	}
	return secondFactorNeeded()
}

func secondFactorNeeded() error {
	f := fault.New(fault.SecondFactorNeeded, "this needs the second factor: take elevated permissions at "+elevatePath+" first")
	f.Link = elevatePath
	return f
}

// Elevate exchanges the principal's token for one that is elevated from now on for the settings' length. It returns
// fault.Unauthorized for a principal without a session, fault.TooManyFailures, and fault.InvalidOneTimeCode for whatever
// is not a code that works, a right one of a user who is locked included.
func (s *Service) Elevate(ctx context.Context, p identity.Principal, code string) (session.Token, error) {
	if err := needsSession(p); err != nil {
		return session.Token{}, err
	}
	if code == "" {
		return session.Token{}, invalidCode()
	}
	var token session.Token
	err := s.guess(ctx, p.User, code, true, func(tx *store.Tx) (err error) {
		until := tx.Now.Add(s.settings.Length)
		token, err = s.sessions.Elevate(tx, p.TokenID, until)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ElevationStarted, p.User, audit.Details{"until": until})
	})
	return token, err
}

// Lower makes all tokens of the principal's session plain and returns a new one. It returns fault.Unauthorized for a
// principal without a session.
func (s *Service) Lower(ctx context.Context, p identity.Principal) (session.Token, error) {
	if err := needsSession(p); err != nil {
		return session.Token{}, err
	}
	var token session.Token
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		var lowered bool
		token, lowered, err = s.sessions.Lower(tx, p.TokenID)
		if err != nil || !lowered {
			return err
		}
		return audit.Record(ctx, tx, audit.ElevationEnded, p.User, nil)
	})
	return token, err
}

func needsSession(p identity.Principal) error {
	if p.Method == identity.Session {
		return nil
	}
	return fault.New(fault.Unauthorized,
		"only a session can be elevated; sign in and send its token as Bearer in the Authorization header", "Authorization")
}

func invalidCode() error {
	return fault.New(fault.InvalidOneTimeCode, "the one-time code is not valid, was used before, or there is no second factor", "token")
}
